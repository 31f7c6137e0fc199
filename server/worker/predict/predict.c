/* `predict`: what a trained model says about new inputs, in the units of the data. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema/task.h"
#include "server/common/data_file.h"
#include "server/common/predict/predict_inputs.h"
#include "server/common/predict/predict_outputs.h"
#include "server/common/predict/last_window.h"
#include "server/worker/command.h"
#include "server/worker/input.h"
#include "server/worker/predict/forecast.h"
#include "server/worker/predict/predictor.h"
#include "server/worker/predict/reading.h"
#include "server/worker/predict/serve.h"
#include "server/worker/reply.h"
#include "server/worker/sandbox.h"
#include "server/worker/stop.h"

enum { OPT_WEIGHTS, OPT_INPUTS, OPT_SERVE, OPT_FOLDER, OPT_MEMORY };

static const struct option options[] = {
    [OPT_WEIGHTS] = {"--weights", OPTION_TEXT, false, "FILE", NULL, "weights.safetensors of a run"},
    [OPT_INPUTS] = {"--inputs", OPTION_TEXT, false, "FILE", NULL,
                    "{\"inputs\": [sample][time][feature], \"steps\": N}, or .csv, .npy, .idx; also .gz"},
    [OPT_SERVE] = {"--serve", OPTION_FLAG, false, NULL, NULL,
                   "answer a daemon's requests on standard input; in a sandbox"},
    [OPT_FOLDER] = {"--folder", OPTION_TEXT, false, "DIR", NULL,
                    "with --serve: where weights are; nothing else is read"},
    [OPT_MEMORY] = {"--memory", OPTION_COUNT, false, "MIB", NULL, "with --serve: what it should do with"},
    {0}};

static int read_file(const char *path, const unsigned char *bytes, size_t length, const json_t *resolved,
                     struct predict_inputs *inputs, struct qlstm_error *error)
{
	const struct csv_options rows = {.rules = CSV_LENIENT};
	const struct data_request wanted = {.declared = data_file_of_name(path),
	                                    .word = path,
	                                    .limit = INPUT_MAX_BYTES,
	                                    .values = VALUES_ALL,
	                                    .csv = &rows};
	struct data_file found;
	struct table table = {0};
	int rc = data_file_read(bytes, length, &wanted, &found, &table, error);
	if (rc == 0)
		rc = predict_inputs_table(&table, resolved, inputs, error);
	table_free(&table);
	return rc;
}

/* JSON unless the name says that it is a file with data. */
static int read_inputs(const char *path, const struct predictor *predictor, struct predict_inputs *inputs,
                       struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	const struct data_file named = data_file_of_name(path);
	int rc = input_read(path, &bytes, &length, error);
	if (rc == 0 && (named.kind != NULL || named.gzip))
		rc = read_file(path, bytes, length, predictor->resolved, inputs, error);
	else if (rc == 0)
		rc = predict_inputs_json((const char *)bytes, length, predictor->resolved, inputs, error);
	free(bytes);
	return rc;
}

/* Of texts: JSON in, JSON out. */
static int print_reading(struct predictor *predictor, const char *path, struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	char *reply = NULL;
	size_t length = 0, n = 0;
	int rc = input_read(path, &bytes, &length, error);
	if (rc == 0)
		rc = reading_answer(predictor, (const char *)bytes, length, SIZE_MAX, 1e9, &reply, &n, error);
	if (rc == 0)
		puts(reply);
	free(reply);
	free(bytes);
	return rc == 0 ? WORKER_DONE : WORKER_FAILED;
}

/* Rows behind the inputs, or behind the last rows of the model's data where there are none. */
static int print_forecast(struct predictor *p, const char *weights, struct predict_inputs *inputs,
                          struct qlstm_error *error)
{
	size_t width = inputs->ahead * forecast_width(p);
	json_t *from = NULL;
	int rc = inputs->samples == 0 ? last_window_read(weights, &from, error) : 0;
	if (from != NULL)
		rc = last_window_inputs(from, inputs, error);
	if (rc == 0)
		rc = predictor_check_shape(p, inputs->steps, inputs->features, error);
	if (rc == 0)
		rc = forecast_check(p, inputs->samples, inputs->steps, inputs->ahead, SIZE_MAX, INFINITY, error);
	double *outputs = rc == 0 ? malloc((inputs->samples * width + 1) * sizeof *outputs) : NULL;
	if (rc == 0 && outputs == NULL)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the forecast");
	if (rc == 0)
		rc = forecast_compute(p, inputs->values, inputs->samples, inputs->steps, inputs->ahead, outputs, error);
	if (rc == 0)
		rc = reply_print(forecast_outputs_json(p->resolved, outputs, inputs, width, from));
	free(outputs);
	json_decref(from);
	return rc;
}

static int print_outputs(struct predictor *predictor, const struct predict_inputs *inputs, struct qlstm_error *error)
{
	size_t width = predictor_width(predictor);
	double *outputs = malloc(inputs->samples * width * sizeof *outputs);
	if (outputs == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the predictions");
	int rc = predictor_compute(predictor, inputs->values, inputs->samples, inputs->steps, outputs, error);
	if (rc == 0)
		rc = reply_print(predict_outputs_json(predictor->resolved, outputs, inputs->samples, width));
	free(outputs);
	return rc;
}

static int predict(const struct option_value *values)
{
	struct qlstm_error error = {0};
	struct predict_inputs inputs = {0};
	static struct predictor predictor; /* too large for a stack frame */
	if (values[OPT_WEIGHTS].text == NULL || values[OPT_INPUTS].text == NULL) {
		error_set(&error, ERR_MISSING, NULL, "--weights FILE and --inputs FILE are needed");
		reply_failure(&error);
		return WORKER_USAGE;
	}
	int status = WORKER_FAILED;
	int rc = predictor_open(&predictor, values[OPT_WEIGHTS].text, &error);
	if (rc == 0 && task_has_texts(predictor.spec.task)) {
		status = print_reading(&predictor, values[OPT_INPUTS].text, &error);
		predictor_close(&predictor);
		return error.code != 0 ? reply_failure(&error) : status;
	}
	if (rc == 0)
		rc = read_inputs(values[OPT_INPUTS].text, &predictor, &inputs, &error);
	if (rc == 0)
		status = inputs.ahead > 0 ? print_forecast(&predictor, values[OPT_WEIGHTS].text, &inputs, &error)
		                          : print_outputs(&predictor, &inputs, &error);
	if (error.code != 0)
		status = reply_failure(&error);
	predict_inputs_free(&inputs);
	predictor_close(&predictor);
	return status;
}

static int run(const char *operand, const struct option_value *values)
{
	(void)operand;
	if (!values[OPT_SERVE].given)
		return predict(values);
	stop_harden();
	sandbox_enter(&(struct sandbox){
	    .folder = values[OPT_FOLDER].text, .memory = (size_t)values[OPT_MEMORY].number << 20, .threads = 1});
	return serve(STDIN_FILENO);
}

const struct worker_command command_predict = {
    "predict", NULL, options, run, "Say what a trained model predicts for new inputs, in the units of the data."};
