/* A trained model, from its weights' file alone. */
#include "server/worker/predict/predictor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/export/params_tensors.h"
#include "engine/export/safetensors.h"
#include "server/worker/input.h"

/* Samples at once. */
enum { PREDICT_BATCH = 64 };

/* A forward pass in parts of a forward and backward one, which is what the planner estimates. */
#define FORWARD_SHARE (1.0 / 3.0)

static int read_metadata(struct predictor *p, const struct safetensors_file *file, struct qlstm_error *error)
{
	const char *spec = safetensors_meta_find(file, "spec"), *scaling = safetensors_meta_find(file, "scaling");
	if (spec == NULL || scaling == NULL)
		return error_set(error, ERR_CONFLICT, NULL,
		                 "the weights do not say how their columns were scaled; train the experiment again");
	p->resolved = json_loads(spec, 0, NULL);
	if (p->resolved == NULL)
		return error_set(error, ERR_CORRUPT, NULL, "the spec in the weights' metadata cannot be read");
	int rc = spec_parse(p->resolved, &p->spec, error);
	if (rc == 0 && p->spec.task != TASK_FORECASTING)
		rc = error_set(error, ERR_CONFLICT, NULL,
		               "prediction is for forecasting; this experiment's rows are samples of another task");
	if (rc == 0)
		rc = scaling_read(scaling, &p->scaling, error);
	const struct model_config *model = &p->spec.model;
	if (rc == 0 && (model->n_inputs != p->scaling.n_inputs || model->n_outputs != p->scaling.n_targets ||
	                model->output != MODEL_OUTPUT_VECTOR))
		rc = error_set(error, ERR_CORRUPT, NULL, "spec and scaling in the weights' metadata do not agree");
	return rc;
}

int predictor_open(struct predictor *predictor, const char *weights_path, struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	struct safetensors_file file = {0};
	*predictor = (struct predictor){0};
	int rc = input_read(weights_path, &bytes, &length, error);
	if (rc == 0)
		rc = safetensors_decode(bytes, length, &file, error);
	if (rc == 0)
		rc = read_metadata(predictor, &file, error);
	if (rc == 0)
		rc = model_new(&predictor->model, &predictor->spec.model, error);
	if (rc == 0)
		rc = params_from_safetensors(model_params(predictor->model), &file, error);
	safetensors_free(&file);
	free(bytes);
	if (rc != 0)
		predictor_close(predictor);
	return rc;
}

void predictor_close(struct predictor *predictor)
{
	model_free(predictor->model);
	scaling_free(&predictor->scaling);
	json_decref(predictor->resolved);
	*predictor = (struct predictor){0};
}

int predictor_check(struct predictor *predictor, size_t samples, size_t steps, size_t max_bytes, double max_seconds,
                    struct qlstm_error *error)
{
	int batch = samples < PREDICT_BATCH ? (int)samples : PREDICT_BATCH;
	double seconds = 0;
	size_t bytes = model_bytes(predictor->model, (int)steps, batch, 1);
	if (bytes > max_bytes)
		return error_set(error, ERR_TOO_LARGE, "/inputs",
		                 "samples of %zu steps would take %zu MiB of memory; allowed are %zu MiB", steps,
		                 bytes >> 20, max_bytes >> 20);
	int rc = model_estimate(predictor->model, (int)steps, batch, &seconds, error);
	if (rc != 0)
		return rc;
	seconds *= FORWARD_SHARE * (double)samples / batch;
	if (seconds > max_seconds)
		return error_set(error, ERR_TOO_LARGE, "/inputs",
		                 "%zu samples of %zu steps would take about %.3g s; allowed are %.3g s", samples, steps,
		                 seconds, max_seconds);
	return 0;
}

/* x [steps][n_inputs][count], scaled. */
static void gather(const struct predictor *p, const double *inputs, size_t steps, size_t count, double *x)
{
	size_t n = (size_t)p->scaling.n_inputs;
	for (size_t b = 0; b < count; b++)
		for (size_t k = 0; k < steps * n; k++)
			x[k * count + b] = scaler_apply(p->scaling.inputs[k % n], inputs[b * steps * n + k]);
}

static void scatter(const struct predictor *p, const double *y, size_t count, double *outputs)
{
	size_t n = (size_t)p->scaling.n_targets;
	for (size_t b = 0; b < count; b++)
		for (size_t k = 0; k < n; k++)
			outputs[b * n + k] = scaler_invert(p->scaling.targets[k], y[k * count + b]);
}

/* Numbers far outside of the data overflow once they are scaled, and a circuit has no value at an infinite angle. */
static int check_finite(const double *outputs, size_t samples, size_t width, struct qlstm_error *error)
{
	char pointer[40];
	for (size_t k = 0; k < samples * width; k++) {
		if (isfinite(outputs[k]))
			continue;
		snprintf(pointer, sizeof pointer, "/inputs/%zu", k / width);
		return error_set(error, ERR_INVALID, pointer,
		                 "the model has no finite output for sample %zu (from 0): its numbers are too large",
		                 k / width);
	}
	return 0;
}

int predictor_compute(struct predictor *predictor, const double *inputs, size_t samples, size_t steps, double *outputs,
                      struct qlstm_error *error)
{
	size_t most = samples < PREDICT_BATCH ? samples : PREDICT_BATCH;
	size_t frame = steps * (size_t)predictor->scaling.n_inputs, width = (size_t)predictor->scaling.n_targets;
	int rc = model_reserve(predictor->model, (int)steps, (int)most, error);
	double *x = rc == 0 ? malloc((frame + width) * most * sizeof *x) : NULL;
	if (rc != 0)
		return rc;
	if (x == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the predictions");
	for (size_t first = 0; first < samples; first += most) {
		size_t count = samples - first < most ? samples - first : most;
		gather(predictor, inputs + first * frame, steps, count, x);
		model_forward(predictor->model, x, (int)steps, (int)count, x + frame * most);
		scatter(predictor, x + frame * most, count, outputs + first * width);
	}
	free(x);
	return check_finite(outputs, samples, width, error);
}
