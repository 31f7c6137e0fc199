/* Nested JSON arrays <-> arrays of double in any axis order. */
#include "server/common/tensors.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "server/common/json_text.h"

/* Where a check stands in the value: the pointer grows and shrinks with the depth. */
struct walk {
	char pointer[160];
	const size_t *dims;
	struct qlstm_error *error;
};

static int check_number(const json_t *json, struct walk *walk)
{
	if (json_is_number(json))
		return 0;
	return error_set(walk->error, ERR_WRONG_TYPE, walk->pointer, "%s where a number belongs",
	                 json_is_array(json) ? "an array (one level too deep)" : "something else");
}

static int check_array(const json_t *json, int rank, size_t expected, struct walk *walk)
{
	if (!json_is_array(json))
		return error_set(walk->error, ERR_WRONG_TYPE, walk->pointer, "an array of %d level%s belongs here",
		                 rank, rank == 1 ? "" : "s");
	size_t length = json_array_size(json);
	if (length != expected)
		return error_set(walk->error, ERR_INVALID, walk->pointer,
		                 "%zu entries here; the first array of this level has %zu", length, expected);
	if (length == 0)
		return error_set(walk->error, ERR_INVALID, walk->pointer, "an empty array");
	return 0;
}

static int check(const json_t *json, int rank, int level, struct walk *walk)
{
	if (rank == level)
		return check_number(json, walk);
	int rc = check_array(json, rank - level, walk->dims[level], walk);
	if (rc != 0)
		return rc;
	size_t length = strlen(walk->pointer);
	for (size_t i = 0; i < walk->dims[level]; i++) {
		snprintf(walk->pointer + length, sizeof walk->pointer - length, "/%zu", i);
		rc = check(json_array_get(json, i), rank, level + 1, walk);
		if (rc != 0)
			return rc;
	}
	walk->pointer[length] = '\0';
	return 0;
}

int tensor_shape(const json_t *json, int rank, const char *pointer, size_t *dims, struct qlstm_error *error)
{
	const json_t *first = json;
	for (int level = 0; level < rank; level++) {
		dims[level] = json_array_size(first); /* 0 for what is no array */
		first = json_array_get(first, 0);
	}
	struct walk walk = {.dims = dims, .error = error};
	snprintf(walk.pointer, sizeof walk.pointer, "%s", pointer);
	return check(json, rank, 0, &walk);
}

void tensor_fill(const json_t *json, int rank, const size_t *strides, double *values)
{
	if (rank == 0) {
		*values = json_number_value(json);
		return;
	}
	size_t length = json_array_size(json);
	for (size_t i = 0; i < length; i++)
		tensor_fill(json_array_get(json, i), rank - 1, strides + 1, values + i * strides[0]);
}

json_t *tensor_json(int rank, const size_t *dims, const size_t *strides, const double *values)
{
	if (rank == 0)
		return json_number_or_null(*values);
	json_t *array = json_array();
	for (size_t i = 0; array != NULL && i < dims[0]; i++) {
		json_t *entry = tensor_json(rank - 1, dims + 1, strides + 1, values + i * strides[0]);
		if (json_array_append_new(array, entry) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

void tensor_strides(int rank, const size_t *dims, size_t *strides)
{
	size_t stride = 1;
	for (int i = rank; i-- > 0;) {
		strides[i] = stride;
		stride *= dims[i];
	}
}

void tensor_print_shape(int rank, const size_t *dims, char *out, size_t size)
{
	snprintf(out, size, "%s", rank == 0 ? "a number" : "");
	for (int i = 0; i < rank; i++) {
		size_t used = strlen(out);
		snprintf(out + used, size - used, "[%zu]", dims[i]);
	}
}
