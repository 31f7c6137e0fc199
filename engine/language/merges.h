/* Byte-pair encoding (Sennrich, Haddow and Birch 2016): which pairs of neighbouring symbols become one, in order.
 *
 * Learned from words and how often they occur: each word is its characters at first; the pair that occurs most often
 * becomes a symbol, and so on. Of equally frequent pairs the one whose two symbols come first in the order of their
 * bytes is taken, so that the same data give the same merges. */
#ifndef QLSTM_LANGUAGE_MERGES_H
#define QLSTM_LANGUAGE_MERGES_H

#include "engine/data/text/vocabulary.h"

/* {0}: none. */
struct merges {
	struct vocabulary symbols; /* single characters and what was merged */
	struct vocabulary pairs;   /* "a b", in the order in which they are merged */
};

/* Learns until there are `symbols_most` symbols, or no pair occurs twice. */
int merges_learn(struct merges *merges, const struct vocabulary *words, size_t symbols_most, struct qlstm_error *error);
/* One more merge of a list that is read: "a b". */
int merges_add(struct merges *merges, const char *pair, struct qlstm_error *error);
void merges_free(struct merges *merges);

#define MERGES_MAX_SYMBOLS 256 /* of a word: as many as it has bytes at most */

/* Cuts a word into symbols: ends[k] is where symbol k ends; how many there are. The earliest merge is done first, as
 * when they were learned. */
size_t merges_apply(const struct merges *merges, const char *word, size_t length, size_t ends[MERGES_MAX_SYMBOLS]);

#endif
