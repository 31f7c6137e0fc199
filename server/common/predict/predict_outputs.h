/* Outputs of a prediction, in the units of the data: from numbers to JSON. */
#ifndef QLSTM_COMMON_PREDICT_OUTPUTS_H
#define QLSTM_COMMON_PREDICT_OUTPUTS_H

#include <jansson.h>

#include <stddef.h>

#include "server/common/predict/predict_inputs.h"

/* {"targets": ["value"], "outputs": [[0.25], ...]}, outputs [sample][target]; of several horizons {"targets":
 * ["value"], "outputs": [[0.25, 0.26]], "horizons": [1, 2]}, all targets at the first, then at the second. Of a
 * classification `values` are the probabilities [sample][class], and outputs are the most probable classes, as the
 * target column names them:
 * {"targets": ["digit"], "outputs": [[7], ...], "classes": [0, 1, ...], "probabilities": [[...], ...]}.
 *
 * values [samples][width]; `resolved` is the spec of the model. New reference, NULL when out of memory. */
json_t *predict_outputs_json(const json_t *resolved, const double *values, size_t samples, size_t width);

/* Of a forecast: {"targets": ["value"], "steps": 12, "outputs": [[[0.25], [0.26], ...]]}, outputs
 * [sample][step][target] of values [samples][width], width being steps times targets. `from` is what it goes on from
 * (last_window.h): its row and time stand under "from"; NULL: that is not known. */
json_t *forecast_outputs_json(const json_t *resolved, const double *values, const struct predict_inputs *inputs,
                              size_t width, const json_t *from);

#endif
