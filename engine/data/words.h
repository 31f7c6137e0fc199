/* Words: sequences of words of a few bits, each predicted from those before it.
 *
 * A table has one row for each position of a sequence: the word that comes in there, the word that is the target there,
 * and, if a column says so, how the target counts: 0 not at all, 1 it is scored and outside training drawn, 2 it is
 * scored and always postselected (ROW_IGNORED, ROW_DRAWN, ROW_GIVEN of engine/rows.h); without that column, 1.
 * `length` consecutive rows are a sequence. Step i reads the word of position i and predicts the target of position
 * i + 1, so that a sequence has length - 1 steps; the last word and the first target are never read. The first
 * (int)(train_fraction * sequences) sequences are the training part. A word of I bits comes in as I numbers, 0 or 1,
 * the highest bit first. */
#ifndef QLSTM_DATA_WORDS_H
#define QLSTM_DATA_WORDS_H

#include <stdint.h>

#include "engine/data/samples.h"
#include "engine/data/split.h"
#include "engine/data/table.h"

#define WORDS_MAX_BITS 6

struct words_config {
	int input, target, scored;                  /* column indices; scored -1: there is none */
	int length;                                 /* of a sequence, 2 or more */
	int bits;                                   /* of a word, 1 to WORDS_MAX_BITS */
	double train_fraction, validation_fraction; /* 0 < train < 1, 0 <= validation < 1 */
};

struct word_sequences {
	int steps, bits;
	struct parts parts;
	uint8_t *inputs, *targets, *scored; /* [sequence][steps] */
};

/* Errors point into the experiment's data part: "/inputs/0", "/targets/0", "/scored" (a value that is none, with its
 * row, counted from 0), "/length", "/split/train". */
int words_take(const struct table *table, const struct words_config *config, struct word_sequences *out,
               struct qlstm_error *error);
void words_free(struct word_sequences *words);
/* How many sequences of n_rows rows are in the parts. */
int words_count(size_t n_rows, const struct words_config *config, struct parts *out, struct qlstm_error *error);
/* Borrows `words`. Targets are words for a model that measures them, classes for others. */
struct samples words_samples(const struct word_sequences *words, enum target_kind target);

#endif
