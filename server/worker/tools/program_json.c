/* A circuit program written out in JSON: features, weights, observables. Its gates are in program_gates.c. */
#include "server/worker/tools/program_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/place/place.h"
#include "server/worker/tools/program_gates.h"
#include "server/common/tensors.h"

enum { MAX_SAMPLES = 1 << 20 };

static int check_fields(const json_t *json, struct qlstm_error *error)
{
	static const char *const fields[] = {"n_qubits", "n_wires",     "gates", "features",
	                                     "weights",  "observables", NULL};
	if (!json_is_object(json))
		return error_set(error, ERR_WRONG_TYPE, "", "a program is an object with gates");
	return program_gates_check(json, "", fields, error);
}

static int read_wire_count(const json_t *json, const json_t *gates, int *n_wires, struct qlstm_error *error)
{
	const char *key = json_object_get(json, "n_qubits") != NULL ? "n_qubits" : "n_wires";
	const json_t *value = json_object_get(json, key);
	if (value == NULL) {
		*n_wires = program_gates_largest_wire(gates) + 1;
		return 0;
	}
	char pointer[16];
	snprintf(pointer, sizeof pointer, "/%s", key);
	json_int_t count = json_integer_value(value);
	if (!json_is_integer(value))
		return error_set(error, ERR_WRONG_TYPE, pointer, "%s is a whole number", key);
	if (count < 1 || count > CIRCUIT_MAX_WIRES)
		return error_set(error, ERR_OUT_OF_RANGE, pointer,
		                 "%s is %" JSON_INTEGER_FORMAT "; allowed are 1 to %d", key, count, CIRCUIT_MAX_WIRES);
	*n_wires = (int)count;
	return 0;
}

static int read_observables(const json_t *json, struct circuit_program *program, struct qlstm_error *error)
{
	if (json == NULL)
		for (int wire = 0; wire < program->n_wires; wire++)
			program_observe(program, PAULI_Z, wire);
	else if (!json_is_array(json) || json_array_size(json) == 0)
		return error_set(error, ERR_WRONG_TYPE, "/observables",
		                 "a list of strings such as \"ZII\" or \"Z0 X2\"");
	for (size_t i = 0; i < json_array_size(json); i++) {
		char pointer[40];
		snprintf(pointer, sizeof pointer, "/observables/%zu", i);
		const char *text = json_string_value(json_array_get(json, i));
		if (text == NULL)
			return error_set(error, ERR_WRONG_TYPE, pointer,
			                 "a string such as \"ZII\" or \"Z0 X2\" belongs here");
		struct pauli_string string;
		int rc = pauli_string_parse(text, program->n_wires, &string, error);
		if (rc != 0) {
			error_prefix(error, pointer);
			return rc;
		}
		program_observe_string(program, string);
	}
	return 0;
}

/* Reads [count], or [batch][count] where `batch` is wanted, into [count][batch]. */
static int read_values(const json_t *json, int rank, const char *pointer, int *count, int *batch, double **values,
                       struct qlstm_error *error)
{
	size_t dims[2] = {1, 1};
	size_t *shape = rank == 2 ? dims : dims + 1;
	int rc = tensor_shape(json, rank, pointer, shape, error);
	if (rc != 0)
		return rc;
	if (dims[0] > MAX_SAMPLES || dims[1] > MAX_SAMPLES)
		return error_set(error, ERR_TOO_LARGE, pointer, "more than %d values on one axis", MAX_SAMPLES);
	*values = calloc(dims[0], dims[1] * sizeof(double));
	if (*values == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu values", dims[0] * dims[1]);
	const size_t strides[2] = {1, dims[0]};
	tensor_fill(json, rank, rank == 2 ? strides : strides + 1, *values);
	*count = (int)dims[1];
	if (batch != NULL)
		*batch = (int)dims[0];
	return 0;
}

/* An empty list counts as none. */
static bool has_values(const json_t *json)
{
	return json != NULL && !(json_is_array(json) && json_array_size(json) == 0);
}

static int read_features(const json_t *json, struct program_json *source, struct qlstm_error *error)
{
	source->batch = 1;
	if (!has_values(json))
		return 0;
	source->batched = json_is_array(json_array_get(json, 0));
	return read_values(json, source->batched ? 2 : 1, "/features", &source->n_features, &source->batch,
	                   &source->features, error);
}

static int refuse_feature(const struct program_json *source, const struct angle *angle, size_t sample,
                          struct qlstm_error *error)
{
	static const char *const domains[ENCODER_COUNT] = {[ENCODER_ASIN] = "-1 to 1", [ENCODER_ACOS] = "-1 to 1"};
	char pointer[48], number[32], of_sample[32] = "";
	size_t batch = (size_t)source->batch;
	place_number(source->features[(size_t)angle->index * batch + sample], number);
	snprintf(pointer, sizeof pointer, "/features/%d", angle->index);
	if (source->batched) {
		snprintf(pointer, sizeof pointer, "/features/%zu/%d", sample, angle->index);
		snprintf(of_sample, sizeof of_sample, " of sample %zu", sample);
	}
	const char *encoder = encoder_name(angle->encoder), *domain = domains[angle->encoder];
	if (domain == NULL)
		return error_set(error, ERR_OUT_OF_RANGE, pointer, "feature %d%s is %s; %s makes no finite angle of it",
		                 angle->index, of_sample, number, encoder);
	return error_set(error, ERR_OUT_OF_RANGE, pointer, "feature %d%s is %s; %s takes %s", angle->index, of_sample,
	                 number, encoder, domain);
}

/* Every feature makes a finite angle at every gate that reads it. */
static int check_angles(const struct program_json *source, struct qlstm_error *error)
{
	size_t batch = (size_t)source->batch;
	for (int i = 0; i < source->program->n_ops; i++) {
		const struct angle *angle = &source->program->ops[i].angle;
		for (size_t b = 0; angle->source == ANGLE_FEATURE && b < batch; b++) {
			double x = source->features[(size_t)angle->index * batch + b];
			if (!isfinite(encoder_angle(angle->encoder, x)))
				return refuse_feature(source, angle, b, error);
		}
	}
	return 0;
}

int program_json_read(const json_t *json, struct program_json *out, struct qlstm_error *error)
{
	*out = (struct program_json){0};
	const json_t *gates = json_object_get(json, "gates"), *weights = json_object_get(json, "weights");
	int n_wires = 0;
	int rc = check_fields(json, error);
	if (rc == 0)
		rc = read_wire_count(json, gates, &n_wires, error);
	if (rc == 0)
		rc = read_features(json_object_get(json, "features"), out, error);
	if (rc == 0 && has_values(weights))
		rc = read_values(weights, 1, "/weights", &out->n_weights, NULL, &out->weights, error);
	if (rc == 0 && (out->program = program_new(n_wires)) == NULL)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	if (rc == 0)
		rc = program_gates_read(gates, out->n_features, out->n_weights, out->program, error);
	if (rc == 0)
		rc = read_observables(json_object_get(json, "observables"), out->program, error);
	if (rc == 0)
		rc = program_check(out->program, error);
	if (rc == 0)
		rc = check_angles(out, error);
	if (rc != 0)
		program_json_free(out);
	return rc;
}

void program_json_free(struct program_json *source)
{
	free(source->weights);
	free(source->features);
	program_free(source->program);
	*source = (struct program_json){0};
}
