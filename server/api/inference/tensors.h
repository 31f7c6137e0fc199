/* Tensors of the Open Inference Protocol (V2, JSON): {"name": "inputs", "shape": [2, 4, 1], "datatype": "FP64", "data":
 * [0.1, ...]}, the data flat or nested. https://github.com/kserve/open-inference-protocol */
#ifndef QLSTM_API_INFERENCE_TENSORS_H
#define QLSTM_API_INFERENCE_TENSORS_H

#include <jansson.h>

#include "server/common/predict/predict_inputs.h"

/* What a model takes and gives, by its resolved spec. Its one input is [sample][time][feature] in the units of the
 * data: steps 0 says that a sample may have any number of time steps. Its outputs are [sample][target], or of a
 * classification the probabilities [sample][class] and the classes [sample]. */
struct model_shape {
	size_t steps, features, outputs;
	bool classes;
};
/* ERR_CONFLICT for a model that does not answer so: of words. */
int model_shape_of(const json_t *spec, struct model_shape *out, struct qlstm_error *error);

/* {"inputs": [...], "outputs": [...]} of a model's metadata. New references, NULL when out of memory. */
json_t *model_inputs_json(const struct model_shape *shape);
json_t *model_outputs_json(const struct model_shape *shape);

/* The inputs of a request: a body with one tensor "inputs". Errors point into the body. *out is the caller's
 * (predict_inputs_free). */
int inference_inputs(const json_t *body, const struct model_shape *shape, struct predict_inputs *out,
                     struct qlstm_error *error);
/* The outputs of an answer, those that the request wants (all where it names none): values [samples][width].
 * ERR_INVALID for a name that the model does not have; *out is the caller's reference. */
int inference_outputs(const json_t *body, const struct model_shape *shape, const double *values, size_t samples,
                      size_t width, json_t **out, struct qlstm_error *error);

#endif
