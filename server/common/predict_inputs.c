/* Inputs of a prediction: from text to numbers. */
#include "server/common/predict_inputs.h"

#include <stdlib.h>
#include <string.h>

#include "engine/data/csv.h"
#include "server/common/predict_wire.h"
#include "server/common/tensors.h"

static int reserve(struct predict_inputs *out, size_t samples, size_t steps, size_t features, const char *pointer,
                   struct qlstm_error *error)
{
	if (features == 0 || steps > PREDICT_MAX_NUMBERS / features ||
	    samples > PREDICT_MAX_NUMBERS / (steps * features))
		return error_set(error, ERR_TOO_LARGE, pointer,
		                 "%zu samples of %zu steps of %zu numbers; allowed are %zu numbers at once", samples,
		                 steps, features, (size_t)PREDICT_MAX_NUMBERS);
	*out = (struct predict_inputs){samples, steps, features, malloc(samples * steps * features * sizeof(double))};
	return out->values != NULL ? 0 : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the inputs");
}

static int refuse_members(const json_t *body, struct qlstm_error *error)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)body, name, value)
	{
		char pointer[64];
		snprintf(pointer, sizeof pointer, "/%.60s", name);
		if (strcmp(name, "inputs") != 0)
			return error_set(error, ERR_UNKNOWN_FIELD, pointer,
			                 "unknown field '%.60s'; the body has 'inputs' alone", name);
	}
	return 0;
}

static int read_body(const json_t *body, size_t features, struct predict_inputs *out, struct qlstm_error *error)
{
	if (!json_is_object(body))
		return error_set(error, ERR_WRONG_TYPE, "", "an object with 'inputs' is expected");
	const json_t *inputs = json_object_get(body, "inputs");
	if (inputs == NULL)
		return error_set(error, ERR_MISSING, "/inputs", "'inputs' is missing: [sample][time][feature]");
	size_t dims[TENSOR_MAX_RANK] = {0}, strides[TENSOR_MAX_RANK] = {0};
	int rc = refuse_members(body, error);
	if (rc == 0)
		rc = tensor_shape(inputs, 3, "/inputs", dims, error);
	if (rc == 0 && dims[2] != features)
		rc = error_set(error, ERR_INVALID, "/inputs/0/0", "%zu features a time step; the model takes %zu",
		               dims[2], features);
	if (rc == 0)
		rc = reserve(out, dims[0], dims[1], dims[2], "/inputs", error);
	if (rc != 0)
		return rc;
	tensor_strides(3, dims, strides);
	tensor_fill(inputs, 3, strides, out->values);
	return 0;
}

int predict_inputs_json(const char *text, size_t length, size_t features, struct predict_inputs *out,
                        struct qlstm_error *error)
{
	json_t *body = NULL;
	*out = (struct predict_inputs){0};
	int rc = spec_load(text, length, &body, error);
	if (rc == 0)
		rc = read_body(body, features, out, error);
	json_decref(body);
	return rc;
}

/* The table's columns that the spec reads, in its order. */
static int find_columns(const struct table *table, const json_t *names, int *columns, struct qlstm_error *error)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		int k = table->has_header ? table_column(table, name) : (int)i;
		if (k < 0 || k >= table->n_columns)
			return error_set(error, ERR_MISSING, NULL, "line 1: there is no column '%.100s'", name);
		const struct column *column = &table->columns[k];
		char place[COLUMN_PLACE_SIZE];
		column_place(column, place);
		if (!column->numeric)
			return error_set(error, ERR_WRONG_TYPE, NULL, "%s, column %d ('%.100s'): '%s' is not a number",
			                 place, k + 1, name, column->bad_text);
		columns[i] = k;
	}
	return 0;
}

static void cut(const struct table *table, const int *columns, struct predict_inputs *out)
{
	double *to = out->values;
	for (size_t sample = 0; sample < out->samples; sample++)
		for (size_t step = 0; step < out->steps; step++)
			for (size_t f = 0; f < out->features; f++)
				*to++ = table->columns[columns[f]].values[sample + step];
}

static int cut_table(const struct table *table, const json_t *data, struct predict_inputs *out,
                     struct qlstm_error *error)
{
	const json_t *names = json_object_get(data, "inputs");
	size_t window = (size_t)json_integer_value(json_object_get(data, "window")), features = json_array_size(names);
	int columns[SAMPLES_MAX_COLUMNS] = {0};
	if (features == 0 || features > SAMPLES_MAX_COLUMNS || window < 1)
		return error_set(error, ERR_INTERNAL, NULL, "the spec names no columns");
	int rc = find_columns(table, names, columns, error);
	if (rc == 0 && table->n_rows < window)
		rc = error_set(error, ERR_INVALID, NULL, "%zu rows; a window takes %zu", table->n_rows, window);
	if (rc == 0)
		rc = reserve(out, table->n_rows - window + 1, window, features, NULL, error);
	if (rc == 0)
		cut(table, columns, out);
	return rc;
}

int predict_inputs_csv(const char *text, size_t length, const json_t *resolved, struct predict_inputs *out,
                       struct qlstm_error *error)
{
	struct table table = {0};
	*out = (struct predict_inputs){0};
	int rc = csv_parse(text, length, &table, error);
	if (rc == 0)
		rc = cut_table(&table, json_object_get(resolved, "data"), out, error);
	table_free(&table);
	return rc;
}

void predict_inputs_free(struct predict_inputs *inputs)
{
	free(inputs->values);
	*inputs = (struct predict_inputs){0};
}
