/* Outputs of a prediction, in the units of the data: from numbers to JSON. */
#ifndef QLSTM_COMMON_PREDICT_OUTPUTS_H
#define QLSTM_COMMON_PREDICT_OUTPUTS_H

#include <jansson.h>

#include <stddef.h>

/* {"targets": ["value"], "outputs": [[0.25], ...]}, outputs [sample][target]. Of a classification `values` are the
 * probabilities [sample][class], and outputs are the most probable classes, as the target column names them:
 * {"targets": ["digit"], "outputs": [[7], ...], "classes": [0, 1, ...], "probabilities": [[...], ...]}.
 *
 * values [samples][width]; `resolved` is the spec of the model. New reference, NULL when out of memory. */
json_t *predict_outputs_json(const json_t *resolved, const double *values, size_t samples, size_t width);

#endif
