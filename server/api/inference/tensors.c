/* Tensors of the Open Inference Protocol. */
#include "server/api/inference/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/task.h"
#include "server/common/classes.h"
#include "server/common/json_text.h"
#include "server/common/predict/predict_wire.h"

static const char *const types[] = {"FP64",  "FP32",   "INT64",  "INT32",  "INT16", "INT8",
                                    "UINT8", "UINT16", "UINT32", "UINT64", "BOOL"};

enum { N_TYPES = sizeof types / sizeof types[0] };

int model_shape_of(const json_t *spec, struct model_shape *out, struct qlstm_error *error)
{
	const json_t *data = json_object_get(spec, "data");
	enum task task = task_of(spec);
	if (task == TASK_WORDS)
		return error_set(error, ERR_CONFLICT, NULL, "a model of words predicts step by step, not by tensors");
	if (task_has_texts(task))
		return error_set(error, ERR_CONFLICT, NULL,
		                 "a model of texts reads texts, not tensors: POST .../predict");
	bool rows = task != TASK_FORECASTING;
	size_t columns = json_array_size(json_object_get(data, "inputs"));
	size_t steps = rows ? (size_t)json_integer_value(json_object_get(data, "steps")) : 0;
	*out = (struct model_shape){.steps = steps,
	                            .features = rows && steps > 0 ? columns / steps : columns,
	                            .outputs = json_array_size(json_object_get(data, "targets")) * task_horizons(data),
	                            .classes = task == TASK_CLASSIFICATION};
	if (out->classes)
		out->outputs = (size_t)json_integer_value(json_object_get(data, "classes"));
	return out->features > 0 ? 0 : error_set(error, ERR_INTERNAL, NULL, "the spec names no columns");
}

json_t *model_inputs_json(const struct model_shape *shape)
{
	json_int_t steps = shape->steps > 0 ? (json_int_t)shape->steps : -1;
	return json_pack("[{s:s, s:s, s:[i, I, I]}]", "name", "inputs", "datatype", "FP64", "shape", -1, steps,
	                 (json_int_t)shape->features);
}

json_t *model_outputs_json(const struct model_shape *shape)
{
	const char *name = shape->classes ? "probabilities" : "outputs";
	json_t *list = json_pack("[{s:s, s:s, s:[i, I]}]", "name", name, "datatype", "FP64", "shape", -1,
	                         (json_int_t)shape->outputs);
	if (shape->classes)
		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:[i]}", "name", "classes", "datatype", "INT64", "shape", -1));
	return list;
}

/* --- inputs --- */

static int check_datatype(const json_t *tensor, struct qlstm_error *error)
{
	const char *type = json_string_value(json_object_get(tensor, "datatype"));
	for (int i = 0; type != NULL && i < N_TYPES; i++)
		if (strcmp(types[i], type) == 0)
			return 0;
	return error_set(error, ERR_INVALID, "/inputs/0/datatype",
	                 "the datatype is '%.20s'; numbers are expected, such as FP64", type != NULL ? type : "");
}

static int read_shape(const json_t *tensor, const struct model_shape *shape, size_t dims[3], struct qlstm_error *error)
{
	const json_t *list = json_object_get(tensor, "shape");
	for (size_t i = 0; i < 3; i++) {
		json_int_t size = json_integer_value(json_array_get(list, i));
		if (json_array_size(list) != 3 || size < 1 || size > (json_int_t)PREDICT_MAX_NUMBERS)
			return error_set(error, ERR_INVALID, "/inputs/0/shape",
			                 "the shape of inputs is [samples, time steps, features]");
		dims[i] = (size_t)size;
	}
	if (shape->steps > 0 && dims[1] != shape->steps)
		return error_set(error, ERR_INVALID, "/inputs/0/shape", "%zu time steps a sample; the model takes %zu",
		                 dims[1], shape->steps);
	if (dims[2] != shape->features)
		return error_set(error, ERR_INVALID, "/inputs/0/shape", "%zu features a time step; the model takes %zu",
		                 dims[2], shape->features);
	if (dims[0] > PREDICT_MAX_NUMBERS / (dims[1] * dims[2]))
		return error_set(error, ERR_TOO_LARGE, "/inputs/0/shape", "more than %zu numbers at once",
		                 (size_t)PREDICT_MAX_NUMBERS);
	return 0;
}

/* Flat or nested: in the order in which the numbers stand. Returns how many there are, negative for what is none. */
static int64_t take_numbers(const json_t *data, double *to, size_t room, int depth)
{
	if (json_is_number(data) || json_is_boolean(data)) {
		if (room > 0)
			*to = json_is_boolean(data) ? json_is_true(data) : json_number_value(data);
		return 1;
	}
	if (!json_is_array(data) || depth == 0)
		return ERR_WRONG_TYPE;
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(data); i++) {
		int64_t taken = take_numbers(json_array_get(data, i), to + (n < room ? n : room),
		                             n < room ? room - n : 0, depth - 1);
		if (taken < 0)
			return taken;
		n += (size_t)taken;
	}
	return (int64_t)n;
}

static const json_t *find_input(const json_t *body, struct qlstm_error *error)
{
	const json_t *list = json_object_get(body, "inputs"), *tensor = json_array_get(list, 0);
	const char *name = json_string_value(json_object_get(tensor, "name"));
	if (json_array_size(list) == 1 && name != NULL && strcmp(name, "inputs") == 0)
		return tensor;
	error_set(error, ERR_INVALID, "/inputs", "one tensor named 'inputs' is expected");
	return NULL;
}

int inference_inputs(const json_t *body, const struct model_shape *shape, struct predict_inputs *out,
                     struct qlstm_error *error)
{
	size_t dims[3] = {0};
	*out = (struct predict_inputs){0};
	const json_t *tensor = find_input(body, error);
	if (tensor == NULL)
		return ERR_INVALID;
	const json_t *parameters = json_object_get(tensor, "parameters");
	if (json_object_get(parameters, "binary_data_size") != NULL)
		return error_set(error, ERR_INVALID, "/inputs/0/parameters",
		                 "the numbers are expected in the JSON, as data (binary_data=False)");
	int rc = check_datatype(tensor, error);
	if (rc == 0)
		rc = read_shape(tensor, shape, dims, error);
	if (rc != 0)
		return rc;
	size_t n = dims[0] * dims[1] * dims[2];
	*out = (struct predict_inputs){
	    .samples = dims[0], .steps = dims[1], .features = dims[2], .values = calloc(n > 0 ? n : 1, sizeof(double))};
	if (out->values == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the inputs");
	int64_t taken = take_numbers(json_object_get(tensor, "data"), out->values, n, 4);
	if (taken < 0)
		return error_set(error, ERR_WRONG_TYPE, "/inputs/0/data", "data holds something that is no number");
	if ((size_t)taken != n)
		return error_set(error, ERR_INVALID, "/inputs/0/data", "data holds %lld numbers; the shape says %zu",
		                 (long long)taken, n);
	return 0;
}

/* --- outputs --- */

static json_t *numbers_json(const double *values, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; list != NULL && i < count; i++)
		json_array_append_new(list, json_number_or_null(values[i]));
	return list;
}

static json_t *likeliest_json(const double *values, size_t samples, size_t width)
{
	json_t *list = json_array();
	for (size_t i = 0; list != NULL && i < samples; i++)
		json_array_append_new(list, json_integer(classes_likeliest(values + i * width, width)));
	return list;
}

/* Where the request names outputs, whether this is one. */
static bool is_wanted(const json_t *body, const char *name)
{
	const json_t *list = json_object_get(body, "outputs");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *wanted = json_string_value(json_object_get(json_array_get(list, i), "name"));
		if (wanted != NULL && strcmp(wanted, name) == 0)
			return true;
	}
	return json_array_size(list) == 0;
}

static int check_wanted(const json_t *body, const struct model_shape *shape, struct qlstm_error *error)
{
	const json_t *list = json_object_get(body, "outputs");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_object_get(json_array_get(list, i), "name"));
		bool known =
		    name != NULL && (shape->classes ? strcmp(name, "probabilities") == 0 || strcmp(name, "classes") == 0
		                                    : strcmp(name, "outputs") == 0);
		if (!known)
			return error_set(error, ERR_INVALID, "/outputs", "the model has no output '%.60s'; it has %s",
			                 name != NULL ? name : "",
			                 shape->classes ? "'probabilities' and 'classes'" : "'outputs'");
	}
	return 0;
}

int inference_outputs(const json_t *body, const struct model_shape *shape, const double *values, size_t samples,
                      size_t width, json_t **out, struct qlstm_error *error)
{
	const char *name = shape->classes ? "probabilities" : "outputs";
	int rc = check_wanted(body, shape, error);
	if (rc != 0)
		return rc;
	json_t *list = json_array();
	if (is_wanted(body, name))
		json_array_append_new(list, json_pack("{s:s, s:s, s:[I, I], s:o}", "name", name, "datatype", "FP64",
		                                      "shape", (json_int_t)samples, (json_int_t)width, "data",
		                                      numbers_json(values, samples * width)));
	if (shape->classes && is_wanted(body, "classes"))
		json_array_append_new(list, json_pack("{s:s, s:s, s:[I], s:o}", "name", "classes", "datatype", "INT64",
		                                      "shape", (json_int_t)samples, "data",
		                                      likeliest_json(values, samples, width)));
	*out = list;
	return list != NULL ? 0 : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the outputs");
}
