/* Outputs of a prediction: from numbers to JSON. */
#include "server/common/predict/predict_outputs.h"

#include "schema/task.h"
#include "server/common/classes.h"
#include "server/common/tensors.h"

/* [[7], [0], ...] */
static json_t *likeliest_json(const double *probabilities, size_t samples, size_t classes)
{
	json_t *list = json_array();
	for (size_t i = 0; list != NULL && i < samples; i++) {
		json_t *row = json_pack("[i]", classes_likeliest(probabilities + i * classes, classes));
		if (json_array_append_new(list, row) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* [0, 1, ..., classes - 1] */
static json_t *classes_json(size_t classes)
{
	json_t *list = json_array();
	for (size_t k = 0; list != NULL && k < classes; k++)
		if (json_array_append_new(list, json_integer((json_int_t)k)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *predict_outputs_json(const json_t *resolved, const double *values, size_t samples, size_t width)
{
	const size_t dims[2] = {samples, width}, strides[2] = {width, 1};
	json_t *targets = json_object_get(json_object_get(resolved, "data"), "targets");
	json_t *numbers = tensor_json(2, dims, strides, values);
	json_t *horizons = json_object_get(json_object_get(resolved, "data"), "horizon");
	if (task_of(resolved) != TASK_CLASSIFICATION)
		return json_pack("{s:O, s:o, s:O*}", "targets", targets, "outputs", numbers, "horizons",
		                 json_array_size(horizons) > 1 ? horizons : NULL);
	return json_pack("{s:O, s:o, s:o, s:o}", "targets", targets, "outputs", likeliest_json(values, samples, width),
	                 "classes", classes_json(width), "probabilities", numbers);
}

json_t *forecast_outputs_json(const json_t *resolved, const double *values, const struct predict_inputs *inputs,
                              size_t width, const json_t *from)
{
	const size_t dims[3] = {inputs->samples, inputs->ahead, width / inputs->ahead};
	size_t strides[3];
	tensor_strides(3, dims, strides);
	json_t *targets = json_object_get(json_object_get(resolved, "data"), "targets");
	json_t *json = json_pack("{s:O, s:I, s:o}", "targets", targets, "steps", (json_int_t)inputs->ahead, "outputs",
	                         tensor_json(3, dims, strides, values));
	if (from == NULL)
		return json;
	json_t *place =
	    json_pack("{s:O, s:O*}", "row", json_object_get(from, "row"), "time", json_object_get(from, "time"));
	if (json_object_set_new(json, "from", place) == 0)
		return json;
	json_decref(json);
	return NULL;
}
