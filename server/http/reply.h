/* Reply verbs: what a handler says. Each fills the whole reply; a later one replaces an earlier one. */
#ifndef QLSTM_HTTP_REPLY_H
#define QLSTM_HTTP_REPLY_H

#include <jansson.h>

#include "engine/text.h"
#include "server/http/http.h"

/* Steals `body`, also when it fails; NULL means out of memory and becomes a 500. */
void reply_json(struct http_reply *reply, int status, json_t *body);
/* Copies `text`. `content_type` has static storage here and below. */
void reply_text(struct http_reply *reply, int status, const char *content_type, const char *text);
/* Steals `bytes` (malloc). */
void reply_bytes(struct http_reply *reply, int status, const char *content_type, unsigned char *bytes, size_t length);
/* Takes `context` over: the source's `close` is called with it in any case. */
void reply_stream(struct http_reply *reply, const char *content_type, const struct http_source *source, void *context);
/* Takes the text over; it is empty afterwards. A 500 when it could not be written as a whole. */
void reply_written(struct http_reply *reply, const char *content_type, struct text *text);
void reply_empty(struct http_reply *reply, int status);

/* Adds a header (`name` static); values past 255 bytes are cut. Call after the verb. */
void reply_header(struct http_reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* application/problem+json with the status that belongs to the error's code. */
void reply_problem(const struct http_request *request, struct http_reply *reply, const struct qlstm_error *error);
/* The same under another status, where the code alone does not decide it: 405, 415, a query parameter's 400, ... */
void reply_problem_as(const struct http_request *request, struct http_reply *reply, int status,
                      const struct qlstm_error *error);

/* A kind of problem: an error code, or an error code under a status of HTTP's own that has a name of its own. The rows
 * are the documentation served at /problems/NAME. */
struct problem {
	int code, status;
	const char *name, *title, *meaning;
};
const struct problem *problem_find(const char *name); /* NULL when there is none */

/* A file that never changes, with ETag, If-None-Match, Range and If-Range. */
struct reply_file {
	int descriptor; /* stolen */
	size_t length;
	const char *content_type;
	const char *sha256;   /* the ETag */
	const char *filename; /* for Content-Disposition; NULL: none */
};
void reply_file(const struct http_request *request, struct http_reply *reply, const struct reply_file *file);

/* Whether If-None-Match names this ETag (with its quotes) or is "*"; the reply is then a 304. */
bool reply_not_modified(const struct http_request *request, struct http_reply *reply, const char *etag);

#endif
