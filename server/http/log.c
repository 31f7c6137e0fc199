/* The daemon's log. */
#include "server/http/log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"
#include "server/common/clock.h"

/* Steals `line`. Whole lines in one call, so that threads do not mix theirs. */
static void write_line(json_t *line)
{
	char *text = line != NULL ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	if (text != NULL)
		fprintf(stderr, "%s\n", text);
	free(text);
	json_decref(line);
}

void log_message(const char *level, const char *format, ...)
{
	char message[512], time[25];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	message[strcspn(message, "\n")] = '\0';
	utf8_clean(message);
	clock_iso8601(clock_now_ms(), time);
	write_line(json_pack("{ss, ss, ss}", "time", time, "level", level, "message", message));
}

void log_access(const struct log_access *access)
{
	char method[24], path[256], time[25];
	snprintf(method, sizeof method, "%s", access->method);
	snprintf(path, sizeof path, "%s", access->path);
	utf8_clean(method);
	utf8_clean(path);
	clock_iso8601(clock_now_ms(), time);
	write_line(json_pack("{ss, ss, ss, ss, si, sI, sf, ss}", "time", time, "level", "access", "method", method,
	                     "path", path, "status", access->status, "bytes", (json_int_t)access->bytes, "ms",
	                     access->millis, "remote", access->remote));
}
