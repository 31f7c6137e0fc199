/* For tests of the handlers: the whole table of routes on a store, called in this thread without a server. Headers are
 * those of `headers`: the program is linked with --wrap=http_header (Makefile). Nothing runs: the scheduler is never
 * woken. Include behind cmocka.h, in one file of a program. */
#ifndef QLSTM_TESTS_SERVICE_FIXTURE_H
#define QLSTM_TESTS_SERVICE_FIXTURE_H

#include <strings.h>
#include <unistd.h>

#include "server/access/keyring.h"
#include "server/api/catalog.h"
#include "server/api/contract.h"
#include "server/api/routes.h"
#include "server/common/clock.h"
#include "server/http/reply.h"
#include "tests/unit/store_fixture.h"

static struct api api;
/* Name, value, name, value, ..., NULL. */
static const char *headers[9];

const char *__wrap_http_header(const struct http_request *request, const char *name);

const char *__wrap_http_header(const struct http_request *request, const char *name)
{
	(void)request;
	for (int i = 0; headers[i] != NULL; i += 2)
		if (strcasecmp(headers[i], name) == 0)
			return headers[i + 1];
	return NULL;
}

static inline int open_service(void **state)
{
	struct qlstm_error error = {0};
	char datasets[300];
	headers[0] = NULL;
	if (setup(state) != 0)
		return -1;
	snprintf(datasets, sizeof datasets, "%s/datasets", folder);
	const struct scheduler_config config = {
	    .data_dir = folder, .worker_path = "/nowhere", .slots = 1, .threads = 1};
	api = (struct api){.store = store,
	                   .loop = &loop,
	                   .data_dir = folder,
	                   .max_memory = (size_t)1 << 30,
	                   .max_upload = API_MAX_DATASET,
	                   .max_queued = 1000000,
	                   .threads = 1,
	                   .speed = 1,
	                   .started = clock_monotonic()};
	int rc = file_make_directory(datasets, &error);
	if (rc == 0)
		rc = catalog_open(&error);
	if (rc == 0)
		rc = contract_open(&error);
	if (rc == 0)
		rc = keeper_open(&api.keeper, folder, false, &error);
	if (rc == 0)
		rc = reserve_open(&api.reserve, folder, 0, &error);
	if (rc == 0)
		rc = labels_seen_open(&api.labels, &error);
	if (rc == 0)
		rc = assessments_open(&api.assessments, &error);
	if (rc == 0)
		rc = plan_estimates_new(&api.plans, &error);
	if (rc == 0)
		rc = hub_open(&api.hub, &loop, store, &error);
	if (rc == 0)
		rc = scheduler_open(&api.scheduler, &loop, store, &config, &error);
	if (rc != 0)
		print_error("%s\n", error.message);
	return rc != 0 ? rc : uv_mutex_init(&api.datasets);
}

static inline int close_service(void **state)
{
	scheduler_close(api.scheduler);
	hub_close(api.hub);
	plan_estimates_free(api.plans);
	assessments_close(api.assessments);
	labels_seen_close(api.labels);
	reserve_close(api.reserve);
	keeper_close(api.keeper);
	uv_mutex_destroy(&api.datasets);
	contract_close();
	return teardown(state);
}

static inline void reply_clear(struct http_reply *reply)
{
	free(reply->body);
	if (reply->file >= 0)
		close(reply->file);
	if (reply->source != NULL)
		reply->source->close(reply->source_context);
	*reply = (struct http_reply){.file = -1};
}

/* The value of a header of the reply, or NULL. */
static inline const char *reply_value(const struct http_reply *reply, const char *name)
{
	for (int i = 0; i < reply->n_headers; i++)
		if (strcmp(reply->headers[i].name, name) == 0)
			return reply->headers[i].value;
	return NULL;
}

/* One request; the reply is the caller's (reply_clear). */
static inline struct http_reply call_with(const char *method, const char *raw, const void *body, size_t length)
{
	struct http_reply reply = {.file = -1};
	struct target target;
	const char *fault = target_parse(&target, raw);
	struct http_request request = {
	    .method = method, .path = target.path, .target = &target, .body = body, .body_length = length};
	if (fault == NULL)
		routes_handle(&api, &request, &reply);
	target_free(&target);
	return reply;
}

static inline struct http_reply call(const char *method, const char *raw, const char *body)
{
	return call_with(method, raw, body, body != NULL ? strlen(body) : 0);
}

/* The text of a body, for messages. */
static inline const char *reply_text_of(const struct http_reply *reply)
{
	static char text[400];
	snprintf(text, sizeof text, "%.*s", (int)(reply->body_length < 300 ? reply->body_length : 300),
	         reply->body != NULL ? (const char *)reply->body : "");
	return text;
}

static inline void assert_call(const char *method, const char *raw, const char *body, int status)
{
	struct http_reply reply = call(method, raw, body);
	if (reply.status != status)
		fail_msg("%s %s: %d %s instead of %d", method, raw, reply.status, reply_text_of(&reply), status);
	reply_clear(&reply);
}

static inline int run_sql(struct db *db, void *argument, struct qlstm_error *error)
{
	return db_script(db, argument) == 0 ? 0 : db_error(db, error);
}

static inline void write_sql(const char *sql)
{
	struct qlstm_error error = {0};
	if (store_write(store, run_sql, (void *)(uintptr_t)sql, &error) != 0)
		fail_msg("%s", error.message);
}

/* A file with what it is to hold, and the row of a result with its hash. */
static inline void put_artifact(const char *id, const char *name, const char *file, const void *bytes, size_t length)
{
	char directory[400], sha256[65], sql[500];
	snprintf(directory, sizeof directory, "%s/runs/%s/attempt-1", folder, id);
	assert_int_equal(file_make_directory(directory, NULL), 0);
	assert_int_equal(file_write_atomic(directory, file, bytes, length, NULL), 0);
	sha256_hex(bytes, length, sha256);
	snprintf(sql, sizeof sql, "INSERT INTO artifact VALUES ('%s', '%s', 'attempt-1/%s', %zu, '%s')", id, name, file,
	         length, sha256);
	write_sql(sql);
}

#endif
