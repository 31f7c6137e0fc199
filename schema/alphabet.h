/* An alphabet: a text in which the character number k, from 0, stands for the word k, so that sequences of words can be
 * read and written. "abc \n" is one of five words; its characters differ from one another. */
#ifndef QLSTM_SCHEMA_ALPHABET_H
#define QLSTM_SCHEMA_ALPHABET_H

#include <jansson.h>

#include "engine/error.h"
#include "engine/text.h"

/* Of a resolved spec, bound or not; borrowed, NULL when its data have none. */
const char *alphabet_of(const json_t *resolved);

/* ERR_INVALID at "/data/alphabet" where it has more characters than there are words, or one of them twice. */
int alphabet_check(const json_t *resolved, struct qlstm_error *error);

/* The word that the text begins with; *bytes: how many bytes of the text stand for it. -1: there is none. */
int alphabet_word(const char *alphabet, const char *text, size_t *bytes);

/* Appends the word's character; U+FFFD for a word that has none. */
void alphabet_write(const char *alphabet, size_t word, struct text *out);

#endif
