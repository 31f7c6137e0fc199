/* The worker's end of the pipe to the daemon. */
#include "server/worker/train/pipe.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/qlstm.h"
#include "server/common/clock.h"
#include "server/common/json_text.h"
#include "server/worker/reply.h"
#include "server/worker/metrics_json.h"

static void write_line(struct pipe *pipe, size_t length)
{
	size_t done = 0;
	while (done < length && !pipe->broken) {
		ssize_t n = write(pipe->fd, pipe->line + done, length - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			pipe->broken = true;
	}
	pipe->last_line = clock_monotonic();
}

/* Steals the reference, which may be NULL. A line that cannot be made says so in its place, so that none is lost
 * silently. */
static void send(struct pipe *pipe, json_t *json)
{
	static const char lost[] =
	    "{\"type\":\"log\",\"level\":\"error\",\"message\":\"a line was lost: too long, or out of "
	    "memory\"}";
	char *text = json_text(json);
	json_decref(json);
	const char *line = text != NULL && strlen(text) < sizeof pipe->line ? text : lost;
	size_t length = strlen(line);
	memcpy(pipe->line, line, length);
	pipe->line[length] = '\n';
	free(text);
	write_line(pipe, length + 1);
}

void pipe_hello(struct pipe *pipe, const struct pipe_hello *hello)
{
	send(pipe, json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:i}", "type", "hello", "pid", (int)getpid(), "version",
	                     QLSTM_VERSION, "plan", hello->plan, "isa", plan_isa(), "parameters",
	                     (json_int_t)hello->parameters, "epoch", hello->epoch));
}

void pipe_heartbeat(struct pipe *pipe, int epoch, size_t batch, size_t n_batches)
{
	if (clock_monotonic() - pipe->last_line < 1)
		return;
	send(pipe, json_pack("{s:s, s:i, s:I, s:I}", "type", "heartbeat", "epoch", epoch, "batch", (json_int_t)batch,
	                     "batches", (json_int_t)n_batches));
}

void pipe_epoch(struct pipe *pipe, const struct epoch_metrics *metrics)
{
	json_t *line = json_pack("{s:s, s:i}", "type", "epoch", "epoch", metrics->epoch);
	int rc = metrics_json_add(line, metrics);
	if (json_object_set_new(line, "seconds", reply_number(metrics->seconds)) != 0 || rc != 0) {
		json_decref(line);
		line = NULL;
	}
	send(pipe, line);
}

void pipe_checkpoint(struct pipe *pipe, int epoch, const char *file, const char *sha256)
{
	send(pipe,
	     json_pack("{s:s, s:i, s:s, s:s}", "type", "checkpoint", "epoch", epoch, "file", file, "sha256", sha256));
}

void pipe_log(struct pipe *pipe, const char *level, const char *format, ...)
{
	char message[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	send(pipe, json_pack("{s:s, s:s, s:s}", "type", "log", "level", level, "message", message));
}

void pipe_done(struct pipe *pipe, const struct artifact *artifacts, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "name", artifacts[i].name, "file",
		                                      artifacts[i].file, "bytes", (json_int_t)artifacts[i].bytes,
		                                      "sha256", artifacts[i].sha256));
	bool whole = json_array_size(list) == count;
	json_t *line = json_pack("{s:s, s:o}", "type", "done", "artifacts", list);
	if (!whole ||
	    (pipe->warning[0] != '\0' && json_object_set_new(line, "warning", json_string(pipe->warning)) != 0)) {
		json_decref(line);
		line = NULL;
	}
	send(pipe, line);
}

/* Codes that the caller's files can cause are invalid_data; the rest is our fault. */
static const struct {
	int code;
	const char *reason; /* names of common/status.h */
} reasons[] = {
    {ERR_NOT_FINITE, "nan_loss"},       {ERR_OUT_OF_MEMORY, "out_of_memory"}, {ERR_TOO_LARGE, "out_of_memory"},
    {ERR_DISK_FULL, "disk_full"},       {ERR_SYNTAX, "invalid_data"},         {ERR_WRONG_TYPE, "invalid_data"},
    {ERR_OUT_OF_RANGE, "invalid_data"}, {ERR_UNKNOWN_FIELD, "invalid_data"},  {ERR_MISSING, "invalid_data"},
    {ERR_INVALID, "invalid_data"},      {ERR_NOT_FOUND, "invalid_data"},      {ERR_CORRUPT, "invalid_data"},
    {ERR_CONFLICT, "invalid_data"},
};

void pipe_error(struct pipe *pipe, const struct qlstm_error *error)
{
	const char *reason = "internal";
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].code == error->code)
			reason = reasons[i].reason;
	char message[sizeof error->pointer + sizeof error->message + 2];
	snprintf(message, sizeof message, "%s%s%s", error->pointer, error->pointer[0] != '\0' ? ": " : "",
	         error->message);
	send(pipe, json_pack("{s:s, s:s, s:s}", "type", "error", "reason", reason, "message", message));
}
