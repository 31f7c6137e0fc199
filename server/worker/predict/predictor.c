/* A trained model, from its weights' file alone. */
#include "server/worker/predict/predictor.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/export/params_tensors.h"
#include "engine/export/safetensors.h"
#include "schema/task.h"
#include "server/common/classes.h"
#include "server/worker/input.h"
#include "server/worker/lexicon_json.h"

static bool of_rows(const struct spec *spec)
{
	return spec->task != TASK_FORECASTING;
}

/* Whether the model is one of these columns. */
static bool agree(const struct spec *spec, const struct column_scaling *scaling)
{
	const struct model_config *model = &spec->model;
	if (spec->task == TASK_WORDS)
		return model->output == MODEL_OUTPUT_SEQUENCE && model->n_outputs == 1 << spec->words.bits;
	if (spec->task == TASK_LANGUAGE_MODEL)
		return model->n_inputs == 1 && model->n_outputs == spec->text.lexicon.size;
	if (spec->task == TASK_TRANSLATION)
		return model->n_inputs == PAIRS_SIDES && model->n_outputs == spec->text.lexicon.size;
	if (task_has_texts(spec->task))
		return model->n_inputs == 1 && model->ragged && model->n_outputs == spec->classes;
	int steps = of_rows(spec) ? spec->steps : 1;
	int outputs = spec->classes > 0 ? spec->classes : scaling->n_targets;
	return model->n_inputs * steps == scaling->n_inputs && model->n_outputs == outputs &&
	       model->output == MODEL_OUTPUT_VECTOR;
}

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
	p->columns = json_loads(scaling, 0, NULL);
	if (rc == 0)
		rc = scaling_read(scaling, &p->scaling, error);
	const char *text = safetensors_meta_find(file, "text");
	if (rc == 0 && task_has_texts(p->spec.task))
		rc = text != NULL ? lexicon_json_read(text, &p->lexicon, &p->labels, error)
		                  : error_set(error, ERR_CORRUPT, NULL, "the weights' metadata hold no vocabulary");
	if (rc == 0 && p->spec.task == TASK_TRANSLATION)
		rc = lexicon_json_read_target(text, &p->target, error);
	if (rc == 0 && !agree(&p->spec, &p->scaling))
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
	predictor->spec.model.forward_only = true;
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
	lexicon_free(&predictor->lexicon);
	vocabulary_free(&predictor->labels);
	lexicon_free(&predictor->target);
	json_decref(predictor->columns);
	json_decref(predictor->resolved);
	*predictor = (struct predictor){0};
}

size_t predictor_width(const struct predictor *predictor)
{
	return (size_t)predictor->spec.model.n_outputs;
}

int predictor_check_shape(const struct predictor *predictor, size_t steps, size_t features, struct qlstm_error *error)
{
	const struct spec *spec = &predictor->spec;
	if (spec->task == TASK_WORDS)
		return error_set(error, ERR_CONFLICT, NULL, "a model of words generates sequences");
	if (task_has_texts(spec->task))
		return error_set(error, ERR_CONFLICT, NULL, "the model reads texts: {\"texts\": [\"...\"]}");
	if (of_rows(spec) && steps != (size_t)spec->steps)
		return error_set(error, ERR_INVALID, "/inputs/0", "%zu time steps a sample; the model takes %d", steps,
		                 spec->steps);
	if (features != (size_t)spec->model.n_inputs)
		return error_set(error, ERR_INVALID, "/inputs/0/0", "%zu features a time step; the model takes %d",
		                 features, spec->model.n_inputs);
	return 0;
}

int predictor_check(struct predictor *predictor, size_t samples, size_t steps, size_t max_bytes, double max_seconds,
                    struct qlstm_error *error)
{
	int batch = samples < PREDICTOR_BATCH ? (int)samples : PREDICTOR_BATCH;
	double seconds = 0;
	size_t bytes = model_bytes(predictor->model, (int)steps, batch, 1);
	if (bytes > max_bytes)
		return error_set(error, ERR_TOO_LARGE, "/inputs",
		                 "samples of %zu steps would take %zu MiB of memory; allowed are %zu MiB", steps,
		                 bytes >> 20, max_bytes >> 20);
	int rc = model_estimate(predictor->model, (int)steps, batch, &seconds, error);
	if (rc != 0)
		return rc;
	seconds *= PREDICTOR_FORWARD_SHARE * (double)samples / batch;
	if (seconds > max_seconds)
		return error_set(error, ERR_TOO_LARGE, "/inputs",
		                 "%zu samples of %zu steps would take about %.3g s; allowed are %.3g s", samples, steps,
		                 seconds, max_seconds);
	return 0;
}

/* x [steps][features][count], scaled. A column is a feature of every step, or, where rows are samples, number k of the
 * sample. */
static void gather(const struct predictor *p, const double *inputs, size_t frame, size_t count, double *x)
{
	size_t n = (size_t)p->scaling.n_inputs;
	for (size_t b = 0; b < count; b++)
		for (size_t k = 0; k < frame; k++)
			x[k * count + b] = scaler_apply(p->scaling.inputs[k % n], inputs[b * frame + k]);
}

/* Numbers far outside of the data overflow once they are scaled, and a circuit has no value at an infinite angle. */
static int check_finite(const double *values, size_t width, size_t sample, struct qlstm_error *error)
{
	char pointer[40];
	for (size_t k = 0; k < width; k++) {
		if (isfinite(values[k]))
			continue;
		snprintf(pointer, sizeof pointer, "/inputs/%zu", sample);
		return error_set(error, ERR_INVALID, pointer,
		                 "the model has no finite output for sample %zu (from 0): its numbers are too large",
		                 sample);
	}
	return 0;
}

/* Of sample number `sample`: from the model's numbers to those of the data, in place. */
static int finish(const struct predictor *p, double *values, size_t sample, struct qlstm_error *error)
{
	size_t width = predictor_width(p);
	int rc = check_finite(values, width, sample, error);
	if (rc != 0)
		return rc;
	if (p->spec.classes > 0)
		classes_probabilities(p->spec.training.loss, values, width);
	else
		for (size_t k = 0; k < width; k++)
			values[k] = scaler_invert(p->scaling.targets[k], values[k]);
	return check_finite(values, width, sample, error);
}

/* y [width][count], of the samples from `first` on. */
static int scatter(const struct predictor *p, const double *y, size_t first, size_t count, double *outputs,
                   struct qlstm_error *error)
{
	size_t width = predictor_width(p);
	int rc = 0;
	for (size_t b = 0; rc == 0 && b < count; b++) {
		double *to = outputs + (first + b) * width;
		for (size_t k = 0; k < width; k++)
			to[k] = y[k * count + b];
		rc = finish(p, to, first + b, error);
	}
	return rc;
}

int predictor_compute(struct predictor *predictor, const double *inputs, size_t samples, size_t steps, double *outputs,
                      struct qlstm_error *error)
{
	size_t most = samples < PREDICTOR_BATCH ? samples : PREDICTOR_BATCH;
	size_t frame = steps * (size_t)predictor->spec.model.n_inputs, width = predictor_width(predictor);
	int rc = model_reserve(predictor->model, (int)steps, (int)most, error);
	double *x = rc == 0 ? malloc((frame + width) * most * sizeof *x) : NULL;
	if (rc != 0)
		return rc;
	if (x == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the predictions");
	for (size_t first = 0; rc == 0 && first < samples; first += most) {
		size_t count = samples - first < most ? samples - first : most;
		gather(predictor, inputs + first * frame, frame, count, x);
		model_forward(predictor->model, x, (int)steps, (int)count, x + frame * most);
		rc = scatter(predictor, x + frame * most, first, count, outputs, error);
	}
	free(x);
	return rc;
}
