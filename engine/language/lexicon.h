/* A lexicon: how texts become numbers and numbers texts. It is learned from the training part, and kept with the
 * weights.
 *
 * Numbers 0 to 3 are none of the text's: padding, an unknown token, the beginning, the end. Behind them come the
 * tokens, the most frequent first, as many as there is room for; those that were met less often than min_count are
 * unknown. */
#ifndef QLSTM_LANGUAGE_LEXICON_H
#define QLSTM_LANGUAGE_LEXICON_H

#include <stdint.h>

#include "engine/data/text/texts.h"
#include "engine/data/text/vocabulary.h"
#include "engine/language/merges.h"
#include "engine/language/tokenizer.h"
#include "engine/text.h"

enum { LEXICON_PADDING, LEXICON_UNKNOWN, LEXICON_BEGIN, LEXICON_END, LEXICON_FIRST };

struct lexicon_config {
	enum tokenizer tokenizer;
	bool lowercase;
	int size;      /* tokens at most, the first four among them; above 4 */
	int min_count; /* 1: every token */
};

/* {0}: empty. */
struct lexicon {
	struct lexicon_config config;
	struct vocabulary words; /* by their numbers, with their counts in the training part */
	struct merges merges;    /* of TOKENIZER_PIECE */
};

/* Numbers, one behind the other. {0}: none. */
struct numbers {
	int32_t *values;
	size_t count, room;
};

int numbers_add(struct numbers *numbers, int32_t value, struct qlstm_error *error);
/* Leaves `length` of the numbers from `start` on, where there are more: the last ones, or the first. */
void numbers_shorten(struct numbers *numbers, size_t start, size_t length, bool keep_last);
void numbers_free(struct numbers *numbers);

/* Learns from texts order[0 .. n - 1], 0 .. n - 1 where order is NULL. ERR_INVALID where they hold no token. */
int lexicon_learn(struct lexicon *lexicon, const struct lexicon_config *config, const struct texts *texts,
                  const size_t *order, size_t n, struct qlstm_error *error);
/* The first four words, before others are added in the order of their numbers. */
int lexicon_begin(struct lexicon *lexicon, const struct lexicon_config *config, struct qlstm_error *error);
void lexicon_free(struct lexicon *lexicon);

/* Appends the numbers of a text's tokens. tokens not NULL: the tokens too, as the text has them. */
int lexicon_read(const struct lexicon *lexicon, const char *text, struct numbers *out, struct texts *tokens,
                 struct qlstm_error *error);
/* Numbers as a text; those before LEXICON_FIRST but the unknown one are left out. */
void lexicon_write(const struct lexicon *lexicon, const int32_t *numbers, size_t n, struct text *out);

#endif
