/* What the commands that compute one thing print. */
#include "server/worker/reply.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/common/json_text.h"
#include "server/worker/command.h"

json_t *reply_number(double value)
{
	return json_number_or_null(value);
}

int reply_print(json_t *reply)
{
	struct qlstm_error error = {0};
	char *text = json_text(reply);
	if (text == NULL)
		error_set(&error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the reply");
	else if (puts(text) == EOF || fflush(stdout) != 0)
		error_set(&error, ERR_IO, NULL, "cannot write to standard output");
	free(text);
	json_decref(reply);
	return error.code == 0 ? WORKER_DONE : reply_failure(&error);
}

int reply_failure(const struct qlstm_error *error)
{
	json_t *problem = json_pack("{s:{s:s, s:s, s:s}}", "error", "code", error_name(error->code), "pointer",
	                            error->pointer, "message", error->message);
	if (problem == NULL || json_dumpf(problem, stderr, JSON_COMPACT) != 0)
		fprintf(stderr, "qlstm-worker: %s", error->message);
	fputc('\n', stderr);
	json_decref(problem);
	return WORKER_FAILED;
}
