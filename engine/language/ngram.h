/* Predictors of the next token that are counted, not trained: what a language model is held against.
 *
 *   order 1   (c(w) + 1) / (N + V): how often a token occurs, one more of each
 *   order 2   interpolated Kneser-Ney: max(c(v w) - D, 0) / c(v) + D N(v .) / c(v) P(w)
 *   order 3   max(c(u v w) - D, 0) / c(u v) + D N(u v .) / c(u v) P(w | v), with P(w | v) of continuation counts:
 *             max(N(. v w) - D, 0) / N(. v .) + D N(v .) / N(. v .) P(w)
 *
 * c counts occurrences, N(. v w) different tokens before v w, N(v .) different tokens behind v, V the vocabulary; the
 * last P(w) is max(N(. w) - D, 0) / N(. .) + D |{w : N(. w) > 0}| / N(. .) / V. D = n1 / (n1 + 2 n2) of the counts that
 * it is taken from, n1 of them 1 and n2 of them 2 (0.5 where there are none). Probabilities add up to 1 behind any
 * context (Kneser and Ney 1995; Chen and Goodman 1999). */
#ifndef QLSTM_LANGUAGE_NGRAM_H
#define QLSTM_LANGUAGE_NGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

#define NGRAM_MOST 3

struct ngram;

/* Counts a text of n tokens, each below `vocabulary`: what ngram_probability needs of orders up to `order`, at most
 * NGRAM_MOST. From order 2 on it takes 8 bytes a token while they are sorted, then 12 of each different triple and 16
 * of each different pair. ERR_OUT_OF_MEMORY. */
int ngram_new(struct ngram **out, const int32_t *tokens, size_t n, size_t vocabulary, int order,
              struct qlstm_error *error);
void ngram_free(struct ngram *ngram);

/* The probability that token `next` comes behind context[-2], context[-1]: the last order - 1 tokens are looked at. */
double ngram_probability(const struct ngram *ngram, int order, const int32_t *context_end, int32_t next);

#endif
