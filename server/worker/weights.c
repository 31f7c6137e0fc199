/* Parameters as files. */
#include "server/worker/weights.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/plan.h"
#include "engine/export/params_tensors.h"
#include "engine/qlstm.h"
#include "server/common/json_text.h"
#include "server/common/predict/last_window.h"
#include "server/worker/input.h"
#include "server/worker/reply.h"
#include "server/common/tensors.h"

static const char format_note[] = "qlstm weights 1: float64, row-major; names and shapes as in server/worker/README.md";
static const char conventions[] =
    "wire 0 is the most significant bit of a basis index; circuits start in |0...0>; RX, RY, RZ(t) = exp(-i t P / 2); "
    "Rot(a, b, c) = RZ(c) RY(b) RZ(a), a acting first; angles in radians; expectations are exact";

_Static_assert(TENSOR_MAX_RANK >= PARAM_MAX_RANK, "ranks of tensors");

/* JSON that a file may have beside what all have. */
struct member {
	const char *key;
	const json_t *value; /* NULL: it has none */
	char *text;
};

enum { MEMBERS = 4 };

static int write_members(struct member members[MEMBERS], struct qlstm_error *error)
{
	for (int k = 0; k < MEMBERS; k++) {
		members[k].text = json_text(members[k].value);
		if (members[k].text == NULL && members[k].value != NULL)
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the weights");
	}
	return 0;
}

static int encode(const struct params *params, const struct weights_origin *origin, const char *spec,
                  const struct member members[MEMBERS], unsigned char **bytes, size_t *length,
                  struct qlstm_error *error)
{
	char seed[24], arithmetic[16];
	snprintf(arithmetic, sizeof arithmetic, "%d", QLSTM_ARITHMETIC);
	snprintf(seed, sizeof seed, "%" PRIu64, origin->seed);
	struct safetensors_meta meta[9 + MEMBERS] = {
	    {"format", format_note},
	    {"engine", QLSTM_VERSION},
	    {"conventions", conventions},
	    {"plan", origin->plan},
	    {"isa", plan_isa()},
	    {"arithmetic", arithmetic},
	    {"seed", seed},
	    {"data_sha256", origin->data_sha256 != NULL ? origin->data_sha256 : ""},
	    {"spec", spec},
	};
	int count = 9;
	for (int k = 0; k < MEMBERS; k++)
		if (members[k].text != NULL)
			meta[count++] = (struct safetensors_meta){members[k].key, members[k].text};
	return params_to_safetensors(params, meta, count, bytes, length, error);
}

int weights_encode(const struct params *params, const struct weights_origin *origin, unsigned char **bytes,
                   size_t *length, struct qlstm_error *error)
{
	const json_t *circuits = json_object_size(origin->circuits) > 0 ? origin->circuits : NULL;
	struct member members[MEMBERS] = {{"scaling", origin->scaling, NULL},
	                                  {"text", origin->lexicon, NULL},
	                                  {LAST_WINDOW_KEY, origin->last_window, NULL},
	                                  {"circuits", circuits, NULL}};
	char *spec = json_text(origin->resolved);
	int rc = spec != NULL ? write_members(members, error)
	                      : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the weights");
	if (rc == 0)
		rc = encode(params, origin, spec, members, bytes, length, error);
	for (int k = 0; k < MEMBERS; k++)
		free(members[k].text);
	free(spec);
	return rc;
}

static int load_safetensors(const char *path, struct params *params, struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = input_read(path, &bytes, &length, error);
	if (rc != 0)
		return rc;
	struct safetensors_file file = {0};
	rc = safetensors_decode(bytes, length, &file, error);
	free(bytes);
	if (rc != 0)
		return rc;
	rc = params_from_safetensors(params, &file, error);
	safetensors_free(&file);
	return rc;
}

/* The depth of the nesting, followed along the first entries. */
static int json_depth(const json_t *json)
{
	int depth = 0;
	for (; json_is_array(json) && depth < TENSOR_MAX_RANK; depth++)
		json = json_array_get(json, 0);
	return depth;
}

static int set_from_json(const json_t *json, struct params *params, struct qlstm_error *error)
{
	if (!json_is_object(json))
		return error_set(error, ERR_WRONG_TYPE, "",
		                 "weights in JSON are an object of nested arrays by tensor name");
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)json, name, value) if (params_find(params, name) ==
	                                                     NULL) return params_refuse_extra(params, name, error);
	for (int i = 0; i < params->count; i++) {
		const struct param *param = &params->items[i];
		value = json_object_get(json, param->name);
		if (value == NULL)
			return params_refuse_missing(param, error);
		char pointer[PARAM_NAME_SIZE + 1];
		snprintf(pointer, sizeof pointer, "/%s", param->name);
		size_t dims[TENSOR_MAX_RANK] = {0}, strides[TENSOR_MAX_RANK] = {0};
		int rank = json_depth(value);
		int rc = tensor_shape(value, rank, pointer, dims, error);
		if (rc == 0)
			rc = params_check_shape(param, rank, dims, error);
		if (rc != 0)
			return rc;
		tensor_strides(rank, dims, strides);
		tensor_fill(value, rank, strides, params->values + param->offset);
	}
	return 0;
}

static int load_json(const char *path, struct params *params, struct qlstm_error *error)
{
	json_t *json = NULL;
	int rc = input_json(path, &json, error);
	if (rc != 0)
		return rc;
	rc = set_from_json(json, params, error);
	json_decref(json);
	return rc;
}

int weights_load(const char *path, struct params *params, struct qlstm_error *error)
{
	size_t length = strlen(path);
	bool json = length > 5 && strcmp(path + length - 5, ".json") == 0;
	return json ? load_json(path, params, error) : load_safetensors(path, params, error);
}
