/* /experiments/ID/logs: what the worker of an attempt said, as pages of lines. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/utf8.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/api/resource.h"
#include "server/common/file.h"
#include "server/run/attempt.h"

enum { DEFAULT_LINES = 200, MAX_LINES = 1000, PAGE_BYTES = 256 << 10, MAX_ATTEMPT = 1000000, LONGEST_LOG = INT32_MAX };

struct page {
	const char *id;
	int attempt, after, limit;
	bool over; /* the attempt has ended: nothing will be added */
	json_t *lines;
};

/* Which attempt is meant (0: the last), and whether it is over. */
static int find_attempt(struct page *page, const struct experiment_row *row, struct qlstm_error *error)
{
	if (page->attempt > row->attempt)
		return error_set(error, ERR_NOT_FOUND, NULL, "there is no attempt %d; there were %d", page->attempt,
		                 row->attempt);
	bool works = strcmp(row->status, "running") == 0 || strcmp(row->status, "cancelling") == 0;
	if (page->attempt == 0)
		page->attempt = row->attempt;
	page->over = page->attempt > 0 && (page->attempt < row->attempt || !works);
	return 0;
}

/* Up to PAGE_BYTES of the log from page->after, NUL-terminated; none where there is no log. */
static int read_bytes(const struct api *api, const struct page *page, char *bytes, size_t *out,
                      struct qlstm_error *error)
{
	*out = 0;
	char path[ATTEMPT_PATH_SIZE];
	struct run_token token = {.attempt = page->attempt};
	snprintf(token.id, sizeof token.id, "%s", page->id);
	attempt_file(api->data_dir, &token, "worker.log", path);
	int file = page->attempt > 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (file < 0 && (page->attempt == 0 || errno == ENOENT))
		return 0;
	ssize_t count = file >= 0 ? pread(file, bytes, PAGE_BYTES, page->after) : -1;
	int number = errno;
	if (file >= 0)
		close(file);
	if (count < 0)
		return error_set(error, file_error_code(number), NULL, "the log cannot be read: %s", strerror(number));
	bytes[count] = '\0';
	*out = (size_t)count;
	return 0;
}

/* A worker writes to its log by itself too: text that no terminal obeys, and JSON can hold. */
static void add_line(json_t *lines, char *line, size_t length)
{
	for (char *at = line; at < line + length; at++)
		if (*at == '\0')
			*at = ' ';
	line[length] = '\0';
	utf8_clean(line);
	for (char *at = line; *at != '\0';) {
		size_t control = utf8_control(at);
		memset(at, ' ', control);
		at += control > 0 ? control : 1;
	}
	json_array_append_new(lines, json_string(line));
}

/* Whole lines; of a log that is over, and of a line longer than a page, also what has no end. */
static void cut_lines(struct page *page, char *bytes, size_t count)
{
	char *line = bytes, *end;
	bool full = count == PAGE_BYTES;
	for (int n = 0; n < page->limit && line < bytes + count; n++) {
		size_t left = (size_t)(bytes + count - line);
		end = memchr(line, '\n', left);
		if (end == NULL && (full ? line > bytes : !page->over))
			break;
		size_t length = end != NULL ? (size_t)(end - line) : left;
		add_line(page->lines, line, length);
		line += length + (end != NULL);
	}
	page->after += (int)(line - bytes);
}

static void reply_page(struct api *api, const struct http_request *request, struct http_reply *reply, struct page *page)
{
	struct qlstm_error error = {0};
	char *bytes = malloc(PAGE_BYTES + 1);
	size_t count = 0;
	int rc = bytes != NULL ? read_bytes(api, page, bytes, &count, &error)
	                       : error_set(&error, ERR_OUT_OF_MEMORY, NULL, "no memory for a page of the log");
	if (rc != 0) {
		free(bytes);
		reply_problem(request, reply, &error);
		return;
	}
	page->lines = json_array();
	int before = page->after;
	if (count > 0)
		cut_lines(page, bytes, count);
	bool all = page->over && (size_t)(page->after - before) == count && count < PAGE_BYTES;
	free(bytes);
	reply_json(reply, 200,
	           json_pack("{ss, si, so, si, sb}", "experiment", page->id, "attempt", page->attempt, "lines",
	                     page->lines, "after", page->after, "complete", all));
}

void logs_get(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	struct experiment_row row;
	struct page page = {.id = request->params[0], .limit = DEFAULT_LINES};
	if (!query_int_or_reply(request, reply, "attempt", 1, MAX_ATTEMPT, &page.attempt) ||
	    !query_int_or_reply(request, reply, "after", 0, LONGEST_LOG, &page.after) ||
	    !query_int_or_reply(request, reply, "limit", 1, MAX_LINES, &page.limit) ||
	    !resource_read_or_reply(api, request, reply, page.id, &row))
		return;
	if (find_attempt(&page, &row, &error) != 0)
		reply_problem(request, reply, &error);
	else
		reply_page(api, request, reply, &page);
	experiment_row_free(&row);
}
