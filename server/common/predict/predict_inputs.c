/* Inputs of a prediction: from what was sent to numbers. */
#include "server/common/predict/predict_inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"
#include "schema/place/place.h"
#include "schema/task.h"
#include "server/common/predict/predict_wire.h"
#include "server/common/tensors.h"

/* What the model takes, by its spec. */
struct wanted {
	const json_t *names; /* of the input columns */
	size_t columns;      /* how many they are */
	bool rows;           /* each row is a sample; else a window of them */
	size_t steps;        /* of a sample */
	size_t features;     /* of a step */
};

static int read_spec(const json_t *resolved, struct wanted *out, struct qlstm_error *error)
{
	const json_t *data = json_object_get(resolved, "data"), *names = json_object_get(data, "inputs");
	if (task_of(resolved) == TASK_WORDS)
		return error_set(error, ERR_CONFLICT, NULL,
		                 "a model of words predicts step by step; what it says of its data is in the artifact "
		                 "predictions");
	if (task_has_texts(task_of(resolved)))
		return error_set(error, ERR_CONFLICT, NULL, "the model reads texts: {\"texts\": [\"...\"]}");
	bool rows = task_of(resolved) != TASK_FORECASTING;
	json_int_t steps = json_integer_value(json_object_get(data, rows ? "steps" : "window"));
	size_t columns = json_array_size(names);
	if (columns == 0 || columns > SAMPLES_MAX_COLUMNS || steps < 1 || (rows && columns % (size_t)steps != 0))
		return error_set(error, ERR_INTERNAL, NULL, "the spec names no columns");
	*out = (struct wanted){names, columns, rows, (size_t)steps, rows ? columns / (size_t)steps : columns};
	return 0;
}

int predict_inputs_reserve(struct predict_inputs *out, size_t samples, size_t steps, size_t features,
                           const char *pointer, struct qlstm_error *error)
{
	if (features == 0 || steps > PREDICT_MAX_NUMBERS / features ||
	    samples > PREDICT_MAX_NUMBERS / (steps * features))
		return error_set(error, ERR_TOO_LARGE, pointer,
		                 "%zu samples of %zu steps of %zu numbers; allowed are %zu numbers at once", samples,
		                 steps, features, (size_t)PREDICT_MAX_NUMBERS);
	*out = (struct predict_inputs){.samples = samples,
	                               .steps = steps,
	                               .features = features,
	                               .values = malloc(samples * steps * features * sizeof(double))};
	if (out->values != NULL)
		return 0;
	error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the inputs");
	return ERR_OUT_OF_MEMORY;
}

static int refuse_members(const json_t *body, struct qlstm_error *error)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)body, name, value)
	{
		if (strcmp(name, "inputs") == 0 || strcmp(name, "steps") == 0)
			continue;
		char pointer[PLACE_POINTER_SIZE] = "";
		place_add_token(pointer, sizeof pointer, name);
		return error_set(error, ERR_UNKNOWN_FIELD, pointer,
		                 "unknown field '%.*s'; the body has 'inputs' and 'steps' alone",
		                 (int)utf8_cut(name, 60), name);
	}
	return 0;
}

static int check_sample(const struct wanted *wanted, size_t steps, size_t features, struct qlstm_error *error)
{
	if (wanted->rows && steps != wanted->steps)
		return error_set(error, ERR_INVALID, "/inputs/0", "%zu time steps a sample; the model takes %zu", steps,
		                 wanted->steps);
	if (features != wanted->features)
		return error_set(error, ERR_INVALID, "/inputs/0/0", "%zu features a time step; the model takes %zu",
		                 features, wanted->features);
	return 0;
}

/* How many rows are to be forecast; 0: none. */
static int read_ahead(const json_t *body, size_t *out, struct qlstm_error *error)
{
	const json_t *steps = json_object_get(body, "steps");
	char quoted[PLACE_VALUE_SIZE];
	*out = 0;
	if (steps == NULL)
		return 0;
	place_value(steps, quoted);
	if (!json_is_integer(steps))
		return error_set(error, ERR_WRONG_TYPE, "/steps", "steps is %s; an integer is expected", quoted);
	if (json_integer_value(steps) < 1 || json_integer_value(steps) > PREDICT_MAX_AHEAD)
		return error_set(error, ERR_OUT_OF_RANGE, "/steps", "steps is %s; allowed are 1 to %d", quoted,
		                 PREDICT_MAX_AHEAD);
	*out = (size_t)json_integer_value(steps);
	return 0;
}

static int read_body(const json_t *body, const struct wanted *wanted, struct predict_inputs *out,
                     struct qlstm_error *error)
{
	if (!json_is_object(body))
		return error_set(error, ERR_WRONG_TYPE, "", "an object with 'inputs' is expected");
	const json_t *inputs = json_object_get(body, "inputs");
	size_t ahead = 0;
	int rc = refuse_members(body, error);
	if (rc == 0)
		rc = read_ahead(body, &ahead, error);
	if (rc != 0)
		return rc;
	if (ahead > 0 && wanted->rows)
		return error_set(error, ERR_CONFLICT, "/steps",
		                 "only a forecasting goes on behind its window; this model's rows are samples");
	out->ahead = ahead;
	if (inputs == NULL && ahead > 0)
		return 0;
	if (inputs == NULL)
		return error_set(error, ERR_MISSING, "/inputs", "'inputs' is missing: [sample][time][feature]");
	size_t dims[TENSOR_MAX_RANK] = {0}, strides[TENSOR_MAX_RANK] = {0};
	rc = tensor_shape(inputs, 3, "/inputs", dims, error);
	if (rc == 0)
		rc = check_sample(wanted, dims[1], dims[2], error);
	if (rc == 0)
		rc = predict_inputs_reserve(out, dims[0], dims[1], dims[2], "/inputs", error);
	if (rc != 0)
		return rc;
	tensor_strides(3, dims, strides);
	tensor_fill(inputs, 3, strides, out->values);
	out->ahead = ahead;
	return 0;
}

int predict_inputs_json(const char *text, size_t length, const json_t *resolved, struct predict_inputs *out,
                        struct qlstm_error *error)
{
	json_t *body = NULL;
	struct wanted wanted = {0};
	*out = (struct predict_inputs){0};
	int rc = read_spec(resolved, &wanted, error);
	if (rc == 0)
		rc = spec_load(text, length, &body, error);
	if (rc == 0)
		rc = read_body(body, &wanted, out, error);
	json_decref(body);
	return rc;
}

/* Whether the table has all of the names; the names that a file has none of are "column_0", "column_1", ... */
static bool has_names(const struct table *table, const json_t *names)
{
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name)
	{
		if (!json_is_string(name) || table_column(table, json_string_value(name)) < 0)
			return false;
	}
	return true;
}

static int missing_column(const struct table *table, const char *name, struct qlstm_error *error)
{
	return error_set(error, ERR_MISSING, NULL, "%sthere is no column '%.100s'", table->has_header ? "line 1: " : "",
	                 name);
}

/* The table's columns that the spec reads, in its order. */
static int find_columns(const struct table *table, const json_t *names, int *columns, struct qlstm_error *error)
{
	bool by_name = table->has_header || has_names(table, names);
	for (size_t i = 0; i < json_array_size(names); i++) {
		const json_t *item = json_array_get(names, i);
		char index[24];
		const char *name = json_is_string(item) ? json_string_value(item) : index;
		snprintf(index, sizeof index, "%lld", (long long)json_integer_value(item));
		int k = by_name && json_is_string(item) ? table_column(table, name) : (int)i;
		/* By index, unless the inputs are all that the file has. */
		if (json_is_integer(item) && table->n_columns != (int)json_array_size(names))
			k = (int)json_integer_value(item);
		if (k < 0 || k >= table->n_columns)
			return missing_column(table, name, error);
		const struct column *column = &table->columns[k];
		char place[COLUMN_PLACE_SIZE];
		column_place(column, place);
		if (!column->numeric || column->missing > 0)
			return error_set(error, ERR_WRONG_TYPE, NULL, "%s, column %d ('%.100s'): '%s' is not a number",
			                 place, k + 1, name, column->bad_text);
		columns[i] = k;
	}
	return 0;
}

/* Number k of a sample, counted over its steps and their features, is in a window column k % features of row
 * k / features from its first; where rows are samples it is column k. */
static void cut(const struct table *table, const struct wanted *wanted, const int *columns, struct predict_inputs *out)
{
	double *to = out->values;
	for (size_t sample = 0; sample < out->samples; sample++)
		for (size_t k = 0; k < out->steps * out->features; k++) {
			size_t column = wanted->rows ? k : k % out->features;
			size_t row = wanted->rows ? sample : sample + k / out->features;
			*to++ = table->columns[columns[column]].values[row];
		}
}

static int cut_table(const struct table *table, const struct wanted *wanted, struct predict_inputs *out,
                     struct qlstm_error *error)
{
	size_t rows = wanted->rows ? 1 : wanted->steps; /* of the table, that a sample takes */
	int columns[SAMPLES_MAX_COLUMNS] = {0};
	int rc = find_columns(table, wanted->names, columns, error);
	if (rc != 0)
		return rc;
	if (table->n_rows < rows)
		return error_set(error, ERR_INVALID, NULL, "%zu rows; a %s takes %zu", table->n_rows,
		                 wanted->rows ? "sample" : "window", rows);
	rc = predict_inputs_reserve(out, table->n_rows - rows + 1, wanted->steps, wanted->features, NULL, error);
	if (rc == 0)
		cut(table, wanted, columns, out);
	return rc;
}

int predict_inputs_table(const struct table *table, const json_t *resolved, struct predict_inputs *out,
                         struct qlstm_error *error)
{
	struct wanted wanted = {0};
	*out = (struct predict_inputs){0};
	int rc = read_spec(resolved, &wanted, error);
	return rc == 0 ? cut_table(table, &wanted, out, error) : rc;
}

int predict_inputs_forecast(struct predict_inputs *inputs, size_t ahead, struct qlstm_error *error)
{
	size_t size = inputs->steps * inputs->features;
	if (inputs->samples == 0)
		return error_set(error, ERR_INVALID, NULL, "there is no window to go on from");
	memmove(inputs->values, inputs->values + (inputs->samples - 1) * size, size * sizeof *inputs->values);
	inputs->samples = 1;
	inputs->ahead = ahead;
	return 0;
}

void predict_inputs_free(struct predict_inputs *inputs)
{
	free(inputs->values);
	*inputs = (struct predict_inputs){0};
}
