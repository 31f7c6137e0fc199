/* Texts that a model translates: JSON in, JSON out.
 *
 *   {"texts": ["Guten Tag."], "beam_width": 4, "length_penalty": 0.6}
 *   {"targets": ["target"], "outputs": ["good day."], "log_probabilities": [-1.2], "beam_width": 4, "length_penalty":
 * 0.6}
 *
 * beam_width and length_penalty (engine/decode/beam.h) are those of the spec's data where they are not said. A text is
 * cut into tokens as those that the model was trained on; of one that is longer than data.max_length the first are
 * read. What is said of a text depends on no other; the bits are those of predictions.csv. */
#ifndef QLSTM_WORKER_TRANSLATING_H
#define QLSTM_WORKER_TRANSLATING_H

#include "server/worker/predict/predictor.h"

/* *reply is the caller's. Errors point at the request's fields: ERR_INVALID at "/texts/3" for a text without a token,
 * ERR_TOO_LARGE where it would take more memory or more time than allowed. */
int translating_answer(struct predictor *predictor, const json_t *request, size_t max_bytes, double max_seconds,
                       json_t **reply, struct qlstm_error *error);

#endif
