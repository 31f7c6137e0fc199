/* What somebody wants generated: from JSON to numbers, and back to JSON. */
#ifndef QLSTM_COMMON_GENERATE_REQUEST_H
#define QLSTM_COMMON_GENERATE_REQUEST_H

#include "server/common/predict/predict_inputs.h"
#include "server/common/predict/predict_wire.h"

/* {"prompt": [0, 1], ...}: the rest as in schema/request/generation.h; an absent length is that of the data. A prompt
 * is a list of words, or a text where the data have an alphabet. `resolved` is the model's spec; one that is not of
 * words is ERR_CONFLICT. *prompts [samples][prompt][1] is the caller's (predict_inputs_free). */
int generate_request_json(const char *text, size_t length, const json_t *resolved, struct predict_inputs *prompts,
                          struct generation *generation, struct qlstm_error *error);

/* {"prompt_length", "temperature", "seed", "sequences": [{"words": [...], "text": "...", "probabilities": [null, 0.5,
 * ...]}]}, text where the data have an alphabet. values [samples][2 * length] as generator.h gives them. New reference,
 * NULL when out of memory. */
json_t *generate_reply_json(const json_t *resolved, const struct predict_inputs *prompts,
                            const struct generation *generation, const double *values);

#endif
