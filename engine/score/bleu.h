/* BLEU (Papineni et al. 2002) of a set of texts, as sacrebleu has it (Post 2018): tokens by the rules of mteval-v13a,
 * upper and lower case apart, sequences of 1 to 4 tokens, one reference a text, exponential smoothing.
 *
 *     precision_n = matches_n / total_n                  clipped: a sequence matches as often as the reference has it
 *     BLEU = 100 min(1, e^(1 - reference / system)) (precision_1 .. precision_4)^(1/4)
 *
 * sums and lengths over all texts. Where nothing of length n matches, its precision is 1 / (2^k total_n), k counting
 * such n; where no sequence of n tokens was said at all, BLEU is 0. Example: "the cat sat on the mat" against "the cat
 * is on the mat": 5/6, 3/5, 1/4, smoothed 1/6: 38.0. */
#ifndef QLSTM_SCORE_BLEU_H
#define QLSTM_SCORE_BLEU_H

#include <stddef.h>

#include "engine/error.h"

enum { BLEU_ORDER = 4 };

/* {0}: no texts. */
struct bleu {
	size_t texts, system, reference; /* texts; tokens of what was said, and of the references */
	size_t matches[BLEU_ORDER], totals[BLEU_ORDER];
};

/* One more text, UTF-8. ERR_OUT_OF_MEMORY. */
int bleu_add(struct bleu *bleu, const char *said, const char *reference, struct qlstm_error *error);
/* 0 to 100; 0 where nothing matches. */
double bleu_score(const struct bleu *bleu);
/* Of sequences of n + 1 tokens, smoothed, 0 to 1; 0 where there are none. */
double bleu_precision(const struct bleu *bleu, int n);
/* 1 where more was said than the references have. */
double bleu_brevity(const struct bleu *bleu);

/* A text's tokens with one blank between, by the rules of mteval-v13a: ASCII signs apart, full stops, commas and
 * hyphens by the digits beside them. "Costs $1,000.50 (net)." is "Costs $ 1,000.50 ( net ) .". malloc, the caller's;
 * NULL: out of memory. */
char *bleu_tokenize(const char *text);

#endif
