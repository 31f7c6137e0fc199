/* A worker's line: what is taken has names that lead nowhere, finite numbers and text that is UTF-8. */
#include "tests/fuzz/target.h"

#include <math.h>

#include "server/run/message.h"

enum { EPOCHS = 100 }; /* of the run that the lines are of */

static void check_name(const char *name)
{
	CHECK(name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL);
}

static void check_text(const char *text)
{
	json_t *string = json_string(text); /* NULL for what is not UTF-8 */
	CHECK(string != NULL);
	json_decref(string);
}

static void check_metrics(const struct message *message)
{
	json_t *metrics = json_loads(message->is.metrics.metrics_json, JSON_REJECT_DUPLICATES, NULL), *value;
	const char *name;
	CHECK(json_is_object(metrics) && message->is.metrics.epoch >= 0 && message->is.metrics.seconds >= 0);
	CHECK(json_is_number(json_object_get(metrics, "train_loss")));
	json_object_foreach(metrics, name, value) CHECK(json_is_null(value) || isfinite(json_number_value(value)));
	json_decref(metrics);
}

static void check_message(const struct message *message)
{
	switch (message->kind) {
	case MESSAGE_EPOCH:
		check_metrics(message);
		break;
	case MESSAGE_CHECKPOINT:
		check_name(message->is.checkpoint.file);
		CHECK(strlen(message->is.checkpoint.sha256) == 64);
		break;
	case MESSAGE_DONE:
		CHECK(message->is.done.n_artifacts > 0 && message->is.done.n_artifacts <= MESSAGE_MAX_ARTIFACTS);
		for (int i = 0; i < message->is.done.n_artifacts; i++) {
			check_name(message->is.done.artifacts[i].name);
			check_name(message->is.done.artifacts[i].file);
			CHECK(message->is.done.artifacts[i].bytes >= 0);
		}
		break;
	case MESSAGE_LOG:
		check_text(message->is.text.level);
		check_text(message->is.text.message);
		break;
	case MESSAGE_ERROR:
		check_text(message->is.text.message);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message *message = malloc(sizeof *message);
	struct qlstm_error error = {0};
	CHECK(message != NULL);
	int rc = message_parse((const char *)data, size, EPOCHS, message, &error);
	if (rc != 0)
		check_refusal(&error, rc);
	else
		check_message(message);
	free(message);
	return 0;
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {
	    "{\"type\":\"hello\",\"pid\":42,\"version\":\"0.1.0\"}",
	    "{\"type\":\"heartbeat\"}",
	    "{\"type\":\"epoch\",\"epoch\":3,\"train_loss\":0.25,\"test_loss\":null,\"gradient_norm\":1e-3,"
	    "\"train_accuracy\":0.5,\"seconds\":0.01}",
	    "{\"type\":\"checkpoint\",\"epoch\":7,\"file\":\"checkpoint-7.safetensors\",\"sha256\":\"" HASH "\"}",
	    "{\"type\":\"log\",\"level\":\"info\",\"message\":\"gr\\u00fc\\u00dfe \\ud83d\\ude00\"}",
	    "{\"type\":\"done\",\"artifacts\":[{\"name\":\"weights\",\"file\":\"weights.safetensors\",\"bytes\":1234,"
	    "\"sha256\":\"" HASH "\"},{\"name\":\"report\",\"file\":\"report.json\",\"bytes\":5,\"sha256\":\"" HASH
	    "\"}]}",
	    "{\"type\":\"error\",\"reason\":\"nan_loss\",\"message\":\"the loss is not finite\"}",
	    "{\"type\":\"error\",\"reason\":\"cancelled\",\"message\":\"\\u0000\"}",
	    "{}",
	    "[]",
	    "",
	    "{\"type\":1}"};
	GIVE_TEXTS(texts);
}
