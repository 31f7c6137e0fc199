/* `predict`: what a trained model says about new inputs, in the units of the data. */
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "server/common/json_text.h"
#include "server/common/predict_inputs.h"
#include "server/common/tensors.h"
#include "server/worker/command.h"
#include "server/worker/input.h"
#include "server/worker/predict/predictor.h"
#include "server/worker/predict/serve.h"
#include "server/worker/reply.h"
#include "server/worker/train/stop.h"

enum { OPT_WEIGHTS, OPT_INPUTS, OPT_SERVE };

static const struct option options[] = {
    [OPT_WEIGHTS] = {"--weights", OPTION_TEXT, false, "FILE", NULL, "weights.safetensors of a run"},
    [OPT_INPUTS] = {"--inputs", OPTION_TEXT, false, "FILE", NULL, "{\"inputs\": [sample][time][feature]}, or .csv"},
    [OPT_SERVE] = {"--serve", OPTION_FLAG, false, NULL, NULL, "answer a daemon's requests on standard input"},
    {0}};

static int read_inputs(const char *path, const struct predictor *predictor, struct predict_inputs *inputs,
                       struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length = 0, name = strlen(path);
	int rc = input_read(path, &bytes, &length, error);
	if (rc == 0 && name > 4 && strcmp(path + name - 4, ".csv") == 0)
		rc = predict_inputs_csv((const char *)bytes, length, predictor->resolved, inputs, error);
	else if (rc == 0)
		rc = predict_inputs_json((const char *)bytes, length, (size_t)predictor->scaling.n_inputs, inputs,
		                         error);
	free(bytes);
	return rc;
}

static int print_outputs(struct predictor *predictor, const struct predict_inputs *inputs, struct qlstm_error *error)
{
	const size_t dims[2] = {inputs->samples, (size_t)predictor->scaling.n_targets}, strides[2] = {dims[1], 1};
	double *outputs = malloc(dims[0] * dims[1] * sizeof *outputs);
	if (outputs == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the predictions");
	int rc = predictor_compute(predictor, inputs->values, inputs->samples, inputs->steps, outputs, error);
	if (rc == 0) {
		json_t *targets = json_object_get(json_object_get(predictor->resolved, "data"), "targets");
		rc = reply_print(
		    json_pack("{s:O, s:o}", "targets", targets, "outputs", tensor_json(2, dims, strides, outputs)));
	}
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
	if (rc == 0)
		rc = read_inputs(values[OPT_INPUTS].text, &predictor, &inputs, &error);
	if (rc == 0)
		status = print_outputs(&predictor, &inputs, &error);
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
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* in the middle of a long answer nobody reads the socket */
	return serve(STDIN_FILENO);
}

const struct command command_predict = {"predict", NULL, options, run,
                                        "Say what a trained model predicts for new inputs, in the units of the data."};
