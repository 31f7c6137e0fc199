/* `generate`: sequences that a trained model of words continues. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema/task.h"
#include "server/common/predict/generate_request.h"
#include "server/worker/command.h"
#include "server/worker/input.h"
#include "server/worker/predict/generator.h"
#include "server/worker/predict/reading.h"
#include "server/worker/reply.h"

enum { OPT_WEIGHTS, OPT_REQUEST };

static const struct option options[] = {
    [OPT_WEIGHTS] = {"--weights", OPTION_TEXT, true, "FILE", NULL, "weights.safetensors of a run on words"},
    [OPT_REQUEST] =
        {"--request", OPTION_TEXT, true, "FILE.json", NULL,
         "{\"prompt\": [words] or text, \"length\", \"samples\", \"temperature\", \"postselect\", \"seed\"}"},
    {0}};

static int generate(struct predictor *predictor, const struct predict_inputs *prompts,
                    const struct generation *generation, struct qlstm_error *error)
{
	double *outputs = calloc(prompts->samples * 2 * generation->length, sizeof *outputs);
	if (outputs == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the sequences");
	int rc = generator_check(predictor, prompts->values, prompts->samples, prompts->steps, generation, SIZE_MAX,
	                         1e9, error);
	if (rc == 0)
		rc = generator_compute(predictor, prompts->values, prompts->samples, prompts->steps, generation,
		                       outputs, error);
	if (rc == 0)
		rc = reply_print(generate_reply_json(predictor->resolved, prompts, generation, outputs));
	free(outputs);
	return rc;
}

/* Of a language model: JSON in, JSON out. */
static int continue_text(struct predictor *predictor, const unsigned char *request, size_t length,
                         struct qlstm_error *error)
{
	char *reply = NULL;
	size_t n = 0;
	int rc = reading_answer(predictor, (const char *)request, length, SIZE_MAX, 1e9, &reply, &n, error);
	if (rc == 0)
		puts(reply);
	free(reply);
	return rc == 0 ? WORKER_DONE : WORKER_FAILED;
}

static int run(const char *operand, const struct option_value *values)
{
	(void)operand;
	struct qlstm_error error = {0};
	struct predict_inputs prompts = {0};
	struct generation generation;
	static struct predictor predictor; /* too large for a stack frame */
	unsigned char *request = NULL;
	size_t length = 0;
	int status = WORKER_FAILED;
	int rc = predictor_open(&predictor, values[OPT_WEIGHTS].text, &error);
	if (rc == 0)
		rc = input_read(values[OPT_REQUEST].text, &request, &length, &error);
	if (rc == 0 && predictor.spec.task == TASK_LANGUAGE_MODEL) {
		status = continue_text(&predictor, request, length, &error);
		goto end;
	}
	if (rc == 0)
		rc = generate_request_json((const char *)request, length, predictor.resolved, &prompts, &generation,
		                           &error);
	if (rc == 0)
		status = generate(&predictor, &prompts, &generation, &error);
end:
	if (error.code != 0)
		status = reply_failure(&error);
	free(request);
	predict_inputs_free(&prompts);
	predictor_close(&predictor);
	return status;
}

const struct worker_command command_generate = {"generate", NULL, options, run,
                                                "Continue sequences of words with a trained model."};
