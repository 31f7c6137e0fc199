/* /experiments: create, delete. Lists are in experiment/list.c, reading one in experiment/get.c, what else becomes of
 * one in life.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/drain.h"
#include "server/api/experiments.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/api/resource.h"
#include "server/api/submission.h"
#include "server/common/clock.h"
#include "server/common/file.h"

/* curl -d sends JSON under the form's name, and many people's first request is such a line: it is read as JSON all the
 * same. Browsers can send that type from any page; routes.c refuses those by their Origin. */
const char *const experiments_types[] = {"application/json", "application/x-www-form-urlencoded", NULL};

/* The key must be 1 to 255 visible characters; absent is fine. */
static bool key_or_reply(const struct http_request *request, struct http_reply *reply, const char **key)
{
	*key = http_header(request, "Idempotency-Key");
	if (*key == NULL)
		return true;
	size_t length = strlen(*key), visible = 0;
	while ((*key)[visible] > ' ' && (*key)[visible] <= '~')
		visible++;
	if (length >= 1 && length <= 255 && visible == length)
		return true;
	struct qlstm_error error = {0};
	error_set(&error, ERR_INVALID, NULL, "Idempotency-Key takes 1 to 255 visible ASCII characters without blanks");
	reply_problem_as(request, reply, 400, &error);
	return false;
}

/* What is wrong with a spec is a 422 unless it is no JSON; nothing of it is a 404 or a 413. */
static void reply_refused(const struct http_request *request, struct http_reply *reply, const struct qlstm_error *error)
{
	if (error->code == ERR_NOT_FOUND || error->code == ERR_TOO_LARGE)
		reply_problem_as(request, reply, 422, error);
	else
		reply_problem(request, reply, error);
}

struct insert {
	const struct experiment_new *new;
	int max_queued;
};

static int write_insert(struct db *db, void *argument, struct qlstm_error *error)
{
	const struct insert *insert = argument;
	return experiment_insert(db, insert->new, insert->max_queued, error);
}

/* A day by the wall clock can pass in a second when it is set; a day of this process cannot. */
static int64_t key_grace(int64_t age)
{
	const int64_t day = 24 * 60 * 60 * INT64_C(1000);
	return age < day ? 29 * day : 0;
}

/* `existing`: the experiment that the key made before, or NULL. */
static void reply_created(struct api *api, const struct http_request *request, struct http_reply *reply,
                          const struct experiment_new *new, const char *existing)
{
	struct qlstm_error error = {0};
	if (existing != NULL) {
		resource_reply(api, request, reply, 202, existing);
	} else {
		struct experiment_row row;
		experiment_row_of(new, store_queue_place(api->store, experiment_run_at(new), new->id), &row);
		resource_reply_row(reply, 202, &row);
	}
	if (existing != NULL && reply->status == 404) {
		error_set(&error, ERR_NOT_FOUND, NULL,
		          "the experiment made with this Idempotency-Key has been deleted");
		reply_problem(request, reply, &error);
	}
	if (reply->status != 202)
		return;
	reply_header(reply, "Location", "/experiments/%s", existing != NULL ? existing : new->id);
	reply_header(reply, "Retry-After", "1");
	if (existing != NULL)
		reply_header(reply, "Idempotent-Replayed", "true");
}

/* Queues it: 202 with the resource, for a replayed key with the one made then. */
static void create(struct api *api, const struct http_request *request, struct http_reply *reply,
                   const struct submission *submission, const char *key, const char *text, size_t length)
{
	struct qlstm_error error = {0};
	char id[RUN_ID_SIZE], existing[RUN_ID_SIZE] = "", sha256[65];
	ulid_make(id);
	sha256_hex(text, length, sha256);
	bool over_quota = false;
	int64_t age = 0, steady = clock_steady_ms(&age);
	struct experiment_new new = {
	    .id = id,
	    .name = submission_name(submission),
	    .project = submission_project(submission),
	    .tags_json = submission->tags_json,
	    .notes = submission_notes(submission),
	    .spec_json = submission->spec_json,
	    .model_json = submission->found.model_json,
	    .data_json = submission->found.data_json,
	    .engine_json = submission->found.engine_json,
	    .owner = request->principal->viewer.owner,
	    .max_owned = request->principal->quota.queued,
	    .max_running = request->principal->quota.running,
	    .over_quota = &over_quota,
	    .dataset_id = submission->found.dataset_id[0] != '\0' ? submission->found.dataset_id : NULL,
	    .init_id = submission->initial.id[0] != '\0' ? submission->initial.id : NULL,
	    .epochs = submission->found.epochs,
	    .max_attempts = submission->found.max_attempts,
	    .priority = submission->found.priority,
	    .max_seconds = submission->found.max_seconds,
	    .now = clock_now_ms(),
	    .key = key,
	    .body_sha256 = sha256,
	    .key_at = steady,
	    .key_grace = key_grace(age),
	    .existing_id = existing,
	};
	int rc = store_write(api->store, write_insert, &(struct insert){&new, api->max_queued}, &error);
	if (rc == ERR_CONFLICT || rc == ERR_NOT_FOUND) { /* the key with another body; the data set just deleted */
		reply_problem_as(request, reply, 422, &error);
		return;
	}
	if (rc != 0) {
		resource_reply_not_queued(request, reply, over_quota, &error);
		return;
	}
	scheduler_notify(api->scheduler);
	reply_created(api, request, reply, &new, existing[0] != '\0' ? existing : NULL);
}

void experiments_submit(struct api *api, const struct http_request *request, struct http_reply *reply, const char *text,
                        size_t length)
{
	struct qlstm_error error = {0};
	struct submission submission;
	bool validate_only = false;
	const char *key;
	if (!query_bool_or_reply(request, reply, "validate_only", &validate_only) ||
	    !key_or_reply(request, reply, &key))
		return;
	if (!validate_only && (drain_check(api, &error) != 0 || reserve_check(api->reserve, &error) != 0)) {
		reply_problem(request, reply, &error);
		return;
	}
	if (submission_make(api, &request->principal->viewer, text, length, &submission, &error) != 0) {
		reply_refused(request, reply, &error);
		return;
	}
	if (validate_only)
		submission_reply(&submission, reply);
	else
		create(api, request, reply, &submission, key, text, length);
	submission_free(&submission);
}

void experiments_post(void *context, struct http_request *request, struct http_reply *reply)
{
	const char *text = request->body_length > 0 ? (const char *)request->body : "";
	if (content_type_or_reply(request, reply, experiments_types))
		experiments_submit(context, request, reply, text, request->body_length);
}

static int write_delete(struct db *db, void *argument, struct qlstm_error *error)
{
	return experiment_delete(db, argument, error);
}

void experiments_delete(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	char id[RUN_ID_SIZE], path[4096];
	snprintf(id, sizeof id, "%s", request->params[0]);
	if (reserve_write(api->reserve, api->store, write_delete, id, &error) != 0) {
		reply_problem(request, reply, &error);
		return;
	}
	/* After the commit: a crash here leaves files without a row, which the sweep removes, never a row without
	 * files. */
	int length = snprintf(path, sizeof path, "%s/runs/%s", api->data_dir, id);
	if (length > 0 && (size_t)length < sizeof path)
		file_remove_tree(path, NULL);
	reply_empty(reply, 204);
}
