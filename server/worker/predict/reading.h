/* New texts, read by a trained model: JSON in, JSON out.
 *
 *   {"texts": ["a fine film", ...]}
 *   tagging              {"targets": ["tags"], "outputs": [{"tokens": [...], "tags": [...], "probabilities": [...]},
 * ...]} text_classification  {"targets": ["label"], "outputs": [["pos"], ...], "labels": ["neg", "pos"],
 *                         "probabilities": [[0.1, 0.9], ...]}
 *
 * A language model continues a prompt (continuing.h), a model that translates says the targets (translating.h).
 *
 * Texts are cut into tokens as those that the model was trained on; a text to be labelled is shortened as they were,
 * one to be tagged is not. The bits are those of predictions.csv. */
#ifndef QLSTM_WORKER_READING_H
#define QLSTM_WORKER_READING_H

#include "server/worker/predict/predictor.h"

#define READING_MAX_TEXTS 1000

/* *reply (malloc) is the caller's. ERR_CONFLICT for a model that reads no texts; ERR_INVALID at "/texts/3" for a text
 * without a token; ERR_TOO_LARGE when it would take more memory or more time than allowed. */
int reading_answer(struct predictor *predictor, const char *request, size_t length, size_t max_bytes,
                   double max_seconds, char **reply, size_t *reply_length, struct qlstm_error *error);

#endif
