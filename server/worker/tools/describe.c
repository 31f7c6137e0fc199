/* `describe` and `init`: a spec's model before any training. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/qlstm.h"
#include "server/common/circuit/circuit_json.h"
#include "server/common/file.h"
#include "server/common/parameter_counts.h"
#include "server/worker/command.h"
#include "server/worker/spec_model.h"
#include "server/worker/reply.h"
#include "server/worker/weights.h"

static const struct option describe_options[] = {{0}};

static const char *const kind_names[] = {
    [PARAM_CLASSICAL] = "classical", [PARAM_QUANTUM] = "quantum", [PARAM_STATE] = "state"};

static json_t *describe_tensor(const struct param *param)
{
	json_t *shape = json_array();
	for (int i = 0; shape != NULL && i < param->rank; i++)
		if (json_array_append_new(shape, json_integer((json_int_t)param->dims[i])) != 0) {
			json_decref(shape);
			return NULL;
		}
	return json_pack("{s:s, s:o, s:s, s:I}", "name", param->name, "shape", shape, "kind", kind_names[param->kind],
	                 "parameters", (json_int_t)param->size);
}

static json_t *describe_tensors(const struct params *params)
{
	json_t *tensors = json_array();
	for (int i = 0; tensors != NULL && i < params->count; i++)
		if (json_array_append_new(tensors, describe_tensor(&params->items[i])) != 0) {
			json_decref(tensors);
			return NULL;
		}
	return tensors;
}

static json_t *describe_model(struct spec_model *spec_model, size_t bytes)
{
	const struct params *params = model_params(spec_model->model);
	const struct parameter_counts counts = parameter_counts(params);
	json_t *json = json_pack("{s:s, s:i, s:i}", "version", QLSTM_VERSION, "n_inputs",
	                         spec_model->spec.model.n_inputs, "n_outputs", spec_model->spec.model.n_outputs);
	json_t *counted = parameter_counts_json(&counts, "parameters");
	json_t *made = json_pack("{s:s, s:s, s:I, s:o}", "plan", model_plan_kind(spec_model->model), "isa", plan_isa(),
	                         "bytes", (json_int_t)bytes, "tensors", describe_tensors(params));
	if (json_object_update(json, counted) != 0 || json_object_update(json, made) != 0) {
		json_decref(json);
		json = NULL;
	}
	json_decref(counted);
	json_decref(made);
	return json;
}

static int describe(const char *spec_path, const struct option_value *values)
{
	(void)values;
	struct qlstm_error error = {0};
	struct spec_model spec_model;
	int rc = spec_model_open(&spec_model, spec_path, 0, 0, &error);
	if (rc != 0)
		return reply_failure(&error);
	size_t bytes =
	    model_bytes(spec_model.model, spec_steps(&spec_model.spec), spec_model.spec.training.batch_size, 1);
	int status = reply_print(describe_model(&spec_model, bytes));
	spec_model_close(&spec_model);
	return status;
}

enum { OPT_OUT };

static const struct option init_options[] = {
    [OPT_OUT] = {"--out", OPTION_TEXT, true, "W.safetensors", NULL, "where the weights go"}, {0}};

/* file_write_atomic wants folder and name apart. */
static int write_file(const char *path, const unsigned char *bytes, size_t length, struct qlstm_error *error)
{
	const char *slash = strrchr(path, '/');
	if (slash == NULL)
		return file_write_atomic(".", path, bytes, length, error);
	char *directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (directory == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	int rc = file_write_atomic(directory, slash + 1, bytes, length, error);
	free(directory);
	return rc;
}

static int init(const char *spec_path, const struct option_value *values)
{
	struct qlstm_error error = {0};
	struct spec_model spec_model;
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = spec_model_open(&spec_model, spec_path, 0, 0, &error);
	if (rc != 0)
		return reply_failure(&error);
	struct params *params = model_params(spec_model.model);
	params_initialise(params, spec_model.spec.training.seed);
	json_t *circuits = circuits_written_json(spec_model.model);
	const struct weights_origin origin = {.resolved = spec_model.resolved,
	                                      .seed = spec_model.spec.training.seed,
	                                      .plan = model_plan_kind(spec_model.model),
	                                      .circuits = circuits};
	rc = circuits != NULL ? weights_encode(params, &origin, &bytes, &length, &error)
	                      : error_set(&error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the weights");
	if (rc == 0)
		rc = write_file(values[OPT_OUT].text, bytes, length, &error);
	free(bytes);
	json_decref(circuits);
	spec_model_close(&spec_model);
	return rc == 0 ? WORKER_DONE : reply_failure(&error);
}

const struct worker_command command_describe = {"describe", "SPEC.json", describe_options, describe,
                                                "Print a spec's tensors, parameter counts, plan and memory."};
const struct worker_command command_init_weights = {"init", "SPEC.json", init_options, init,
                                                    "Write the initial weights that a spec's seed draws."};
