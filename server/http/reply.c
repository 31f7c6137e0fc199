/* Reply verbs. */
#include "server/http/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/utf8.h"
#include "server/common/json_text.h"
#include "server/http/range.h"

#define RETRY_SECONDS 5

/* The first row of a code carries its status; rows below it are told apart by theirs. */
static const struct problem problems[] = {
    {ERR_SYNTAX, 400, "syntax", "The request cannot be read",
     "The body is not JSON or no data of its kind, or the request's head is not sound; the message says where it "
     "breaks."},
    {ERR_WRONG_TYPE, 422, "wrong_type", "A value has the wrong type", "The field takes another type of value."},
    {ERR_WRONG_TYPE, 415, "unsupported_media_type", "Unsupported media type",
     "The path takes no bodies of this Content-Type, or the body is something else than it says."},
    {ERR_OUT_OF_RANGE, 422, "out_of_range", "A value is out of range",
     "The message names the allowed range or the allowed words."},
    {ERR_OUT_OF_RANGE, 416, "range_not_satisfiable", "Range not satisfiable",
     "The Range header asks for bytes behind the end of the file."},
    {ERR_UNKNOWN_FIELD, 422, "unknown_field", "A name is unknown",
     "No field or parameter has this name; the message suggests the nearest."},
    {ERR_MISSING, 422, "missing", "Something required is missing", "The field or parameter must be there."},
    {ERR_INVALID, 422, "invalid", "A value does not fit the rest",
     "Allowed by itself, but not together with the rest."},
    {ERR_INVALID, 403, "cross_origin", "Refused from another web page",
     "The Origin header names another site: web pages may not change things here behind their reader's back."},
    {ERR_INVALID, 421, "wrong_host", "Another server is meant",
     "The Host header holds no name of this service. On a loopback address these are localhost, 127.0.0.1 and [::1], "
     "and "
     "what --host-name adds: web pages whose name was made to lead here stay outside."},
    {ERR_NOT_FOUND, 404, "not_found", "There is no such thing",
     "Nothing has this path, id or name, or it has been deleted."},
    {ERR_CONFLICT, 409, "conflict", "The current state forbids it",
     "The message says which state, and what to do first."},
    {ERR_CONFLICT, 403, "scope_missing", "The scope is missing",
     "The message names the scope that the path needs and who asked."},
    {ERR_CONFLICT, 401, "unauthorized", "A key is needed",
     "The request has no Authorization header with a key that is in force; the message says what is wrong with it."},
    {ERR_CONFLICT, 405, "method_not_allowed", "Method not allowed", "The Allow header lists what the path takes."},
    {ERR_TOO_LARGE, 413, "too_large", "It is too large",
     "The body, or the memory that the experiment would take, is past a limit."},
    {ERR_TOO_LARGE, 414, "target_too_long", "The target is too long", "Path and query together are past a limit."},
    {ERR_TOO_LARGE, 431, "head_too_large", "The request's head is too large",
     "Its headers are too many, or too long together."},
    {ERR_UNAVAILABLE, 503, "unavailable", "Not now",
     "The service is shutting down or its queue is full; try again after Retry-After."},
    {ERR_UNAVAILABLE, 429, "too_many", "Too many at once",
     "The key's rate of requests, or what its owner may have waiting, is used up; try again after Retry-After."},
    {ERR_DISK_FULL, 507, "disk_full", "The disk is full", "Nothing was stored; free space on the service's disk."},
    {ERR_OUT_OF_MEMORY, 500, "out_of_memory", "Out of memory", "The service could not get the memory to answer."},
    {ERR_IO, 500, "io", "A file cannot be read or written", "The service's log says more."},
    {ERR_CORRUPT, 500, "corrupt", "Stored data is damaged", "A checksum or a file structure does not hold."},
    {ERR_INTERNAL, 500, "internal", "The service failed", "A fault of the service, not of the request."},
};

enum { N_PROBLEMS = sizeof problems / sizeof problems[0] };

const struct problem *problem_find(const char *name)
{
	for (int i = 0; i < N_PROBLEMS; i++)
		if (strcmp(problems[i].name, name) == 0)
			return &problems[i];
	return NULL;
}

/* `status` 0: the code's own. The last row stands for every code that is not in the table. */
static const struct problem *problem_of(int code, int status)
{
	const struct problem *first = NULL;
	for (int i = 0; i < N_PROBLEMS; i++) {
		if (problems[i].code != code)
			continue;
		if (problems[i].status == status)
			return &problems[i];
		if (first == NULL)
			first = &problems[i];
	}
	return first != NULL ? first : &problems[N_PROBLEMS - 1];
}

static void clear(struct http_reply *reply)
{
	free(reply->body);
	if (reply->file >= 0)
		close(reply->file);
	if (reply->source != NULL)
		reply->source->close(reply->source_context);
	*reply = (struct http_reply){.file = -1};
}

void reply_header(struct http_reply *reply, const char *name, const char *format, ...)
{
	if (reply->n_headers == HTTP_MAX_HEADERS)
		return;
	int i = reply->n_headers++;
	reply->headers[i].name = name;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reply->headers[i].value, sizeof reply->headers[i].value, format, arguments);
	va_end(arguments);
}

void reply_bytes(struct http_reply *reply, int status, const char *content_type, unsigned char *bytes, size_t length)
{
	clear(reply);
	reply->status = status;
	reply->content_type = content_type;
	reply->body = bytes;
	reply->body_length = length;
	reply_header(reply, "Cache-Control", "no-store");
}

void reply_text(struct http_reply *reply, int status, const char *content_type, const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;
	if (copy == NULL)
		reply_empty(reply, 500);
	else
		reply_bytes(reply, status, content_type, (unsigned char *)copy, strlen(copy));
}

void reply_stream(struct http_reply *reply, const char *content_type, const struct http_source *source, void *context)
{
	reply_bytes(reply, 200, content_type, NULL, 0);
	reply->source = source;
	reply->source_context = context;
}

void reply_written(struct http_reply *reply, const char *content_type, struct text *text)
{
	char *bytes;
	size_t length;
	if (text_take(text, &bytes, &length) == 0)
		reply_bytes(reply, 200, content_type, (unsigned char *)bytes, length);
	else
		reply_json(reply, 500, NULL);
}

void reply_empty(struct http_reply *reply, int status)
{
	reply_bytes(reply, status, NULL, NULL, 0);
}

static void reply_json_as(struct http_reply *reply, int status, const char *content_type, json_t *body)
{
	char *text = json_text(body), *line = NULL;
	json_decref(body);
	size_t length = text != NULL ? strlen(text) : 0;
	if (text != NULL && (line = realloc(text, length + 2)) != NULL) {
		memcpy(line + length++, "\n", 2); /* so that a terminal's prompt starts on a line of its own */
		text = line;
	}
	if (text == NULL)
		reply_text(reply, 500, "application/problem+json",
		           "{\"type\":\"/problems/out_of_memory\",\"title\":\"Out of memory\",\"status\":500}");
	else
		reply_bytes(reply, status, content_type, (unsigned char *)text, length);
}

void reply_json(struct http_reply *reply, int status, json_t *body)
{
	reply_json_as(reply, status, "application/json", body);
}

/* Text that clients sent may be cut or ill-formed; JSON takes UTF-8 only. New reference. */
static json_t *clean_string(const char *text, size_t limit)
{
	char *copy = strndup(text, limit);
	if (copy == NULL)
		return NULL;
	utf8_clean(copy);
	json_t *string = json_string(copy);
	free(copy);
	return string;
}

/* What clients of other protocols look for beside the problem. Takes `message` over. */
static void add_foreign(const char *path, int status, json_t *message, json_t *body)
{
	static const struct {
		int status;
		const char *code;
	} codes[] = {
	    {400, "INVALID_PARAMETER_VALUE"}, {401, "UNAUTHENTICATED"},        {403, "PERMISSION_DENIED"},
	    {404, "RESOURCE_DOES_NOT_EXIST"}, {405, "ENDPOINT_NOT_FOUND"},     {409, "INVALID_STATE"},
	    {422, "INVALID_PARAMETER_VALUE"}, {429, "REQUEST_LIMIT_EXCEEDED"}, {503, "TEMPORARILY_UNAVAILABLE"}};
	const char *code = "INTERNAL_ERROR";
	for (size_t k = 0; k < sizeof codes / sizeof codes[0]; k++)
		code = codes[k].status == status ? codes[k].code : code;
	if (strncmp(path, "/v2", 3) == 0) /* the Open Inference Protocol */
		json_object_set(body, "error", message);
	if (strncmp(path, "/api/2.0/", 9) == 0) { /* MLflow */
		json_object_set_new(body, "error_code", json_string(code));
		json_object_set(body, "message", message);
	}
	json_decref(message);
}

void reply_problem_as(const struct http_request *request, struct http_reply *reply, int status,
                      const struct qlstm_error *error)
{
	const struct problem *problem = problem_of(error->code, status);
	char type[64];
	snprintf(type, sizeof type, "/problems/%s", problem->name);
	const char *message = error->message[0] != '\0' ? error->message : problem->meaning;
	json_t *body = json_pack("{ss, ss, si, so, so, s[{so, ss, so}]}", "type", type, "title", problem->title,
	                         "status", status, "detail", clean_string(message, sizeof error->message), "instance",
	                         clean_string(request->path, 512), "errors", "pointer",
	                         clean_string(error->pointer, sizeof error->pointer), "code", problem->name, "message",
	                         clean_string(message, sizeof error->message));
	add_foreign(request->path, status, clean_string(message, sizeof error->message), body);
	reply_json_as(reply, status, "application/problem+json", body);
	if (status == 503)
		reply_header(reply, "Retry-After", "%d", RETRY_SECONDS);
}

void reply_problem(const struct http_request *request, struct http_reply *reply, const struct qlstm_error *error)
{
	reply_problem_as(request, reply, problem_of(error->code, 0)->status, error);
}

/* Whether a list of entity tags ("a", W/"b", *) holds `etag`, by weak comparison. */
static bool etag_listed(const char *list, const char *etag)
{
	size_t length = strlen(etag);
	if (strcmp(list, "*") == 0)
		return true;
	for (const char *at = strstr(list, etag); at != NULL; at = strstr(at + 1, etag))
		if (at[length] == '\0' || at[length] == ',' || at[length] == ' ')
			return true;
	return false;
}

bool reply_not_modified(const struct http_request *request, struct http_reply *reply, const char *etag)
{
	const char *list = http_header(request, "If-None-Match");
	if (list == NULL || !etag_listed(list, etag))
		return false;
	reply_empty(reply, 304);
	reply_header(reply, "ETag", "%s", etag);
	return true;
}

/* Called last, so that a 304 and a 416 carry them too. */
static void file_headers(struct http_reply *reply, const struct reply_file *file)
{
	reply->n_headers = 0; /* in place of no-store */
	reply_header(reply, "Cache-Control", "private, max-age=31536000, immutable");
	reply_header(reply, "ETag", "\"%s\"", file->sha256);
	reply_header(reply, "Accept-Ranges", "bytes");
	if (file->filename != NULL)
		reply_header(reply, "Content-Disposition", "attachment; filename=\"%s\"", file->filename);
}

void reply_file(const struct http_request *request, struct http_reply *reply, const struct reply_file *file)
{
	char etag[68];
	snprintf(etag, sizeof etag, "\"%s\"", file->sha256);
	if (reply_not_modified(request, reply, etag)) {
		close(file->descriptor);
		file_headers(reply, file);
		return;
	}

	const char *condition = http_header(request, "If-Range");
	bool wanted = condition == NULL || strcmp(condition, etag) == 0;
	size_t first = 0, count = file->length;
	enum range_result range =
	    wanted ? range_parse(http_header(request, "Range"), file->length, &first, &count) : RANGE_WHOLE;
	if (range == RANGE_UNSATISFIABLE) {
		close(file->descriptor);
		struct qlstm_error error = {0};
		error_set(&error, ERR_OUT_OF_RANGE, NULL, "the file has %zu bytes", file->length);
		reply_problem_as(request, reply, 416, &error);
		reply_header(reply, "Content-Range", "bytes */%zu", file->length);
		return;
	}
	reply_empty(reply, range == RANGE_PART ? 206 : 200);
	reply->content_type = file->content_type;
	reply->file = file->descriptor;
	reply->file_offset = first;
	reply->file_length = count;
	file_headers(reply, file);
	if (range == RANGE_PART)
		reply_header(reply, "Content-Range", "bytes %zu-%zu/%zu", first, first + count - 1, file->length);
}
