/* Models of the public interface: built from plain structs, asked for predictions, saved and loaded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/plan.h"
#include "engine/export/params_tensors.h"
#include "engine/library/library.h"

/* A batch of predictions: large enough to fill the registers, small enough for any model's memory. */
#define PREDICT_BATCH 64
/* What the engine counts in int stays far below its end. */
#define INPUTS_MOST 4096
#define STEPS_MOST  65536

const char *qlstm_version(void)
{
	return QLSTM_VERSION;
}

const char *qlstm_error_name(int code)
{
	return error_name(code);
}

static int take_layers(const struct qlstm_model_config *config, struct model_config *out, struct qlstm_error *error)
{
	for (int k = 0; k < config->n_layers; k++) {
		struct qlstm_error local = {0};
		if (library_layer(&config->layers[k], &out->layers[k], &local) == 0)
			continue;
		char prefix[32];
		snprintf(prefix, sizeof prefix, "/layers/%d", k);
		error_prefix(&local, prefix);
		return error_set(error, local.code, local.pointer, "%s", local.message);
	}
	const struct layer_config *last = &out->layers[out->n_layers - 1];
	if (strcmp(last->type, "dense") != 0)
		return error_set(error, ERR_INVALID, "/layers", "the last layer must be of type 'dense', not '%s'",
		                 last->type);
	out->n_outputs = last->dense.units;
	return 0;
}

static bool is_plan(const char *name)
{
	bool found = strcmp(name, "auto") == 0;
	for (int k = 0; plan_kind_name(k) != NULL && !found; k++)
		found = strcmp(plan_kind_name(k), name) == 0;
	return found;
}

static int take_config(const struct qlstm_model_config *config, struct model_config *out, struct qlstm_error *error)
{
	const char *plan = config->plan != NULL ? config->plan : "auto";
	if (config->n_inputs < 1 || config->n_inputs > INPUTS_MOST)
		return error_set(error, ERR_OUT_OF_RANGE, "/n_inputs", "n_inputs is %d; allowed are 1 to %d",
		                 config->n_inputs, INPUTS_MOST);
	if (config->n_layers < 1 || config->n_layers > MODEL_MAX_LAYERS)
		return error_set(error, ERR_OUT_OF_RANGE, "/n_layers", "n_layers is %d; allowed are 1 to %d",
		                 config->n_layers, MODEL_MAX_LAYERS);
	if (!is_plan(plan))
		return error_set(error, ERR_NOT_FOUND, "/plan", "unknown plan '%s'", plan);
	*out = (struct model_config){.n_inputs = config->n_inputs,
	                             .n_layers = config->n_layers,
	                             .precision = config->float32 ? PRECISION_FLOAT32 : PRECISION_FLOAT64};
	snprintf(out->plan, sizeof out->plan, "%s", plan);
	return take_layers(config, out, error);
}

int qlstm_model_new(struct qlstm_model **out, const struct qlstm_model_config *config, struct qlstm_error *error)
{
	*out = NULL;
	struct model_config inner;
	int rc = take_config(config, &inner, error);
	if (rc != 0)
		return rc;
	struct qlstm_model *model = calloc(1, sizeof *model);
	if (model == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	rc = model_new(&model->model, &inner, error);
	if (rc == 0)
		rc = model_prepare(model->model, error);
	if (rc != 0) {
		qlstm_model_free(model);
		return rc;
	}
	params_initialise(model_params(model->model), config->seed);
	*out = model;
	return 0;
}

void qlstm_model_free(struct qlstm_model *model)
{
	if (model == NULL)
		return;
	model_free(model->model);
	free(model);
}

size_t qlstm_model_parameters(const struct qlstm_model *model)
{
	return model_params(model->model)->size;
}

size_t qlstm_model_angles(const struct qlstm_model *model)
{
	return params_count(model_params(model->model), PARAM_QUANTUM);
}

int qlstm_model_outputs(const struct qlstm_model *model)
{
	return model_config(model->model)->n_outputs;
}

/* from [rows][columns] to [columns][rows] */
static void transpose(const double *from, size_t rows, size_t columns, double *to)
{
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < columns; c++)
			to[c * rows + r] = from[r * columns + c];
}

int qlstm_model_predict(struct qlstm_model *model, const double *x, size_t count, int steps, double *y,
                        struct qlstm_error *error)
{
	const struct model_config *config = model_config(model->model);
	if (steps < 1 || steps > STEPS_MOST)
		return error_set(error, ERR_OUT_OF_RANGE, "/steps", "steps is %d; allowed are 1 to %d", steps,
		                 STEPS_MOST);
	size_t batch = count < PREDICT_BATCH ? count : PREDICT_BATCH;
	size_t inputs = (size_t)steps * (size_t)config->n_inputs, outputs = (size_t)config->n_outputs;
	if (count == 0)
		return 0;
	int rc = model_reserve(model->model, steps, (int)batch, error);
	if (rc != 0)
		return rc;
	double *in = malloc((inputs + outputs) * batch * sizeof *in);
	if (in == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	double *out = in + inputs * batch;
	for (size_t first = 0; first < count; first += batch) {
		size_t n = count - first < batch ? count - first : batch;
		transpose(x + first * inputs, n, inputs, in);
		model_forward(model->model, in, steps, (int)n, out);
		transpose(out, outputs, n, y + first * outputs);
	}
	free(in);
	return 0;
}

int qlstm_model_save(const struct qlstm_model *model, unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	const struct safetensors_meta meta[] = {
	    {"format", "qlstm weights 1: float64, row-major; names and shapes as in engine/README.md"},
	    {"engine", QLSTM_VERSION}};
	*bytes = NULL;
	return params_to_safetensors(model_params(model->model), meta, 2, bytes, length, error);
}

int qlstm_model_load(struct qlstm_model *model, const unsigned char *bytes, size_t length, struct qlstm_error *error)
{
	struct safetensors_file file = {0};
	int rc = safetensors_decode(bytes, length, &file, error);
	if (rc != 0)
		return rc;
	rc = params_from_safetensors(model_params(model->model), &file, error);
	safetensors_free(&file);
	return rc;
}
