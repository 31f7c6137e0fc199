/* Pairs of texts as samples for a model that translates: it reads the source, and says the target token by token.
 *
 * Each side has a lexicon of its own, learned from the training part. A sample has as many steps as the longer of its
 * source and of its target with an end (LEXICON_END) behind; a step is two numbers, a token of the source and the one
 * that stands before a token of the target, LEXICON_BEGIN at first. Behind either's end stands padding, which counts
 * nowhere. A sample's length (samples.h) in a batch is that of its source. Example, with words for numbers:
 *
 *     source   Guten     Tag     <pad>        lengths 2
 *     given    <bos>     good    day
 *     target   good      day     <eos>        mask 1 1 1 */
#ifndef QLSTM_LANGUAGE_PAIRS_H
#define QLSTM_LANGUAGE_PAIRS_H

#include "engine/data/samples.h"
#include "engine/data/split.h"
#include "engine/data/table.h"
#include "engine/language/lexicon.h"

enum pairs_side { PAIRS_SOURCE, PAIRS_TARGET, PAIRS_SIDES };

struct pairs_config {
	int columns[PAIRS_SIDES];      /* of texts; pairs_read: -1 for targets that are not known */
	int length;                    /* tokens of a text at most; of longer ones the first are read */
	struct split split;            /* resolved */
	struct lexicon_config lexicon; /* of either side */
};

struct pairs_texts {
	struct lexicon lexicon;
	struct numbers tokens; /* of all samples, in their order, one behind the other */
	size_t *starts;        /* [samples + 1] */
};

struct pairs {
	int steps, size; /* of the longest sample; of the vocabulary of the target */
	struct parts parts;
	size_t *order; /* [samples]: which pair each one is; NULL: the same */
	struct pairs_texts sides[PAIRS_SIDES];
	size_t cut; /* texts that were longer than `length` */
};

/* Errors point into the experiment's data part: "/dataset" (no texts), "/inputs/0" and "/targets/0" (a text without
 * tokens), "/split/train". */
int pairs_take(const struct table *table, const struct pairs_config *config, struct pairs *out,
               struct qlstm_error *error);
/* The same for a model that was trained: all pairs are the test part, in the order of the table; unknown targets have
 * no tokens. Takes over the lexicons, which are {0} afterwards, also after an error. */
int pairs_read(const struct table *table, const struct pairs_config *config, struct lexicon *lexicons[PAIRS_SIDES],
               struct pairs *out, struct qlstm_error *error);
void pairs_free(struct pairs *pairs);
/* Borrows `pairs`. */
struct samples pairs_samples(const struct pairs *pairs);

static inline size_t pairs_length(const struct pairs *pairs, enum pairs_side side, size_t sample)
{
	return pairs->sides[side].starts[sample + 1] - pairs->sides[side].starts[sample];
}

static inline const int32_t *pairs_tokens(const struct pairs *pairs, enum pairs_side side, size_t sample)
{
	return pairs->sides[side].tokens.values + pairs->sides[side].starts[sample];
}

#endif
