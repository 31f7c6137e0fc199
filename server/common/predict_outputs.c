/* Outputs of a prediction: from numbers to JSON. */
#include "server/common/predict_outputs.h"

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
	if (task_of(resolved) != TASK_CLASSIFICATION)
		return json_pack("{s:O, s:o}", "targets", targets, "outputs", numbers);
	return json_pack("{s:O, s:o, s:o, s:o}", "targets", targets, "outputs", likeliest_json(values, samples, width),
	                 "classes", classes_json(width), "probabilities", numbers);
}
