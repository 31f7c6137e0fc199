/* worker.log, written from the loop thread without blocking it. */
#include "server/run/worklog.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 32768, MAX_LOG_BYTES = 4 << 20 };

struct worklog {
	uv_loop_t *loop;
	int file;
	uv_fs_t request;
	bool busy, closing;
	size_t used, under_way, total;
	char waiting[BUFFER_BYTES], writing[BUFFER_BYTES];
};

int worklog_open(struct worklog **out, uv_loop_t *loop, int file, struct qlstm_error *error)
{
	struct worklog *log = calloc(1, sizeof *log);
	if (log == NULL) {
		close(file);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a log");
	}
	log->loop = loop;
	log->file = file;
	*out = log;
	return 0;
}

static void finish(struct worklog *log)
{
	close(log->file); /* of a file: does not wait for the disk */
	free(log);
}

static void flush(struct worklog *log);

static void on_written(uv_fs_t *request)
{
	struct worklog *log = request->data;
	uv_fs_req_cleanup(request); /* what could not be written is lost: a log must not stop a run */
	log->busy = false;
	flush(log);
}

static void flush(struct worklog *log)
{
	if (log->busy)
		return;
	if (log->used > 0) {
		memcpy(log->writing, log->waiting, log->used);
		uv_buf_t buffer = uv_buf_init(log->writing, (unsigned)log->used);
		log->used = 0;
		log->request.data = log;
		log->busy = uv_fs_write(log->loop, &log->request, log->file, &buffer, 1, -1, on_written) == 0;
	}
	if (log->closing && !log->busy)
		finish(log);
}

void worklog_add(struct worklog *log, const char *level, const char *text, size_t length)
{
	size_t needed = strlen(level) + length + 2;
	if (needed > BUFFER_BYTES - log->used || needed > MAX_LOG_BYTES - log->total)
		return;
	char *place = log->waiting + log->used;
	size_t at = (size_t)snprintf(place, needed, "%s ", level);
	for (size_t i = 0; i < length; i++, at++) /* one line stays one line, and no control codes reach a terminal */
		place[at] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
	place[at] = '\n';
	log->used += needed;
	log->total += needed;
	flush(log);
}

void worklog_close(struct worklog *log)
{
	if (log == NULL)
		return;
	log->closing = true;
	flush(log);
}
