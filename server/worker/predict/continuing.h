/* Texts that a language model continues: JSON in, JSON out.
 *
 *   {"prompt": "It was", "length": 40, "samples": 2, "temperature": 0.8, "seed": 1}
 *   {"prompt_length": 2, "temperature": 0.8, "seed": 1,
 *    "sequences": [{"words": [17, 12, ...], "probabilities": [null, 0.02, ...], "text": "It was ..."}, ...]}
 *
 * length: tokens of a sequence, the prompt's among them (100). Tokens are drawn with probabilities p^(1 / temperature),
 * normalised: 1 is the model's own, 0 takes the most probable (of equal ones the first). A draw is a function of the
 * seed, the sequence and the place alone. Of numbers that no token has none is drawn, nor padding, the unknown token or
 * a beginning. The state of the model goes on from token to token, so that a token costs one step. */
#ifndef QLSTM_WORKER_CONTINUING_H
#define QLSTM_WORKER_CONTINUING_H

#include "server/worker/predict/predictor.h"

/* *reply (malloc) is the caller's. Errors point at the request's fields. */
int continuing_answer(struct predictor *predictor, const json_t *request, size_t max_bytes, double max_seconds,
                      json_t **reply, struct qlstm_error *error);

#endif
