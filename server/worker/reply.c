/* What the commands that compute one thing print. */
#include "server/worker/reply.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/worker/command.h"

json_t *reply_number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

char *reply_string(const json_t *json, size_t flags, const char *end, size_t *length)
{
	size_t n = json != NULL ? json_dumpb(json, NULL, 0, flags) : 0, tail = strlen(end);
	char *text = n > 0 ? malloc(n + tail + 1) : NULL;
	if (text == NULL || json_dumpb(json, text, n, flags) != n) {
		free(text);
		return NULL;
	}
	memcpy(text + n, end, tail + 1);
	*length = n + tail;
	return text;
}

int reply_print(json_t *reply)
{
	struct qlstm_error error = {0};
	size_t length = 0;
	char *text = reply_string(reply, JSON_COMPACT | JSON_REAL_PRECISION(17), "\n", &length);
	if (text == NULL)
		error_set(&error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the reply");
	else if (fwrite(text, 1, length, stdout) != length || fflush(stdout) != 0)
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
