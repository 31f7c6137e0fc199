/* A vocabulary: different words, each with a number and how often it was met. A word is any bytes without a NUL.
 *
 *     vocabulary_add(&v, "the", 3, 1);    // 0, or the number that "the" has
 *     vocabulary_find(&v, "cat", 3);      // -1
 *     vocabulary_word(&v, 0);             // "the" */
#ifndef QLSTM_DATA_TEXT_VOCABULARY_H
#define QLSTM_DATA_TEXT_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#include "engine/data/text/texts.h"
#include "engine/error.h"

/* {0}: empty. */
struct vocabulary {
	struct texts words;
	uint64_t *counts; /* [words.count] */
	size_t counted;   /* room of counts */
	uint32_t *slots;  /* by hash: a word's number and 1; 0: free */
	size_t n_slots;   /* a power of two */
};

/* Counts `times` more of a word; its number, or ERR_OUT_OF_MEMORY. */
int64_t vocabulary_add(struct vocabulary *vocabulary, const char *word, size_t length, uint64_t times);
/* A word's number; -1: it is not there. */
int64_t vocabulary_find(const struct vocabulary *vocabulary, const char *word, size_t length);
void vocabulary_free(struct vocabulary *vocabulary);

static inline size_t vocabulary_size(const struct vocabulary *vocabulary)
{
	return vocabulary->words.count;
}

/* Borrowed, until the next vocabulary_add. */
static inline const char *vocabulary_word(const struct vocabulary *vocabulary, size_t number)
{
	return texts_at(&vocabulary->words, number);
}

/* The order of words: the most frequent first, of equally frequent ones by their bytes; with `by_bytes` by these alone.
 * *order [size] (malloc) is the caller's. */
int vocabulary_order(const struct vocabulary *vocabulary, int by_bytes, size_t **order, struct qlstm_error *error);

#endif
