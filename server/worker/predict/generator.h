/* Sequences that a trained model of words continues. Word by word: the model reads what there is of a sequence and
 * gives the probabilities of the word behind it; one is drawn, or the most probable one taken, and read as the next
 * input. A model that measures (qrnn) has every word that is there postselected, those of the prompt and those drawn:
 * that is what measuring them left behind.
 *
 * The prefix is computed again for each word, so a sequence costs (length^2 - prompt^2) / 2 steps of the model; any
 * model of words can be asked that way. */
#ifndef QLSTM_WORKER_GENERATOR_H
#define QLSTM_WORKER_GENERATOR_H

#include "server/common/predict/predict_wire.h"
#include "server/worker/predict/predictor.h"

/* ERR_CONFLICT for a model that is not of words, ERR_INVALID for a prompt that is none of its words or leaves no room,
 * ERR_TOO_LARGE when it would take more memory or time (the planner's estimate) than allowed. */
int generator_check(struct predictor *predictor, const double *prompts, size_t samples, size_t prompt,
                    const struct generation *generation, size_t max_bytes, double max_seconds,
                    struct qlstm_error *error);

/* outputs [samples][2][length] of prompts [samples][prompt]: the words, and with which probability the model says each;
 * of the first, which nothing predicts, 1. Words are drawn with probabilities p^(1 / temperature), normalised: 1 is the
 * model's own, 0 the most probable word (of equal ones the first). A draw is a function of the seed, the sample's index
 * and the place alone. ERR_INVALID where the model's output is not finite. */
int generator_compute(struct predictor *predictor, const double *prompts, size_t samples, size_t prompt,
                      const struct generation *generation, double *outputs, struct qlstm_error *error);

#endif
