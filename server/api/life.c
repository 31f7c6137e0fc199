/* /experiments/ID/cancel, pause, resume, retry: what people ask of an experiment's life. */
#include <string.h>

#include "server/api/handlers.h"
#include "server/api/resource.h"
#include "server/common/clock.h"
#include "server/run/state.h"
#include "server/store/experiments.h"

/* One request, and what it came to. */
struct wish {
	int (*grant)(struct db *db, struct wish *wish, struct qlstm_error *error);
	const char *id;
	enum run_reason stop;       /* what its worker is told while there is one; REASON_NONE: nothing */
	bool was_so;                /* nothing had to be done */
	struct queue_limits limits; /* where it is to wait again */
	bool over_quota;
	enum run_status now;
};

static int write_wish(struct db *db, void *argument, struct qlstm_error *error)
{
	struct wish *wish = argument;
	return wish->grant(db, wish, error);
}

static void grant(void *context, const struct http_request *request, struct http_reply *reply, struct wish wish)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	wish.id = request->params[0];
	wish.limits = (struct queue_limits){api->max_queued, request->principal->quota.queued};
	int rc = wish.stop == REASON_USER_CANCELLED ? reserve_write(api->reserve, api->store, write_wish, &wish, &error)
	                                            : store_write(api->store, write_wish, &wish, &error);
	if (rc != 0) {
		resource_reply_not_queued(request, reply, wish.over_quota, &error);
		return;
	}
	if (wish.now == STATUS_QUEUED)
		scheduler_notify(api->scheduler);
	else if (wish.stop != REASON_NONE && (wish.now == STATUS_RUNNING || wish.now == STATUS_CANCELLING))
		scheduler_stop(api->scheduler, wish.id, wish.stop);
	resource_reply(api, request, reply, wish.was_so ? 200 : 202, wish.id);
}

/* What an experiment's row says. */
static int look(struct db *db, const struct wish *wish, enum run_status *status, struct qlstm_error *error)
{
	struct experiment_row row = {0};
	int rc = experiment_get(db, wish->id, &row, error);
	if (rc == 0)
		rc = status_from_name(row.status, status);
	experiment_row_free(&row);
	return rc;
}

static int grant_cancel(struct db *db, struct wish *wish, struct qlstm_error *error)
{
	enum run_status before = STATUS_QUEUED;
	int rc = look(db, wish, &before, error);
	wish->was_so = before == STATUS_CANCELLED;
	return rc == 0 ? state_cancel(db, wish->id, clock_now_ms(), &wish->now, error) : rc;
}

static int grant_pause(struct db *db, struct wish *wish, struct qlstm_error *error)
{
	enum run_status before = STATUS_QUEUED;
	int rc = look(db, wish, &before, error);
	wish->was_so = before == STATUS_PAUSED;
	return rc == 0 ? state_pause(db, wish->id, clock_now_ms(), &wish->now, error) : rc;
}

/* What is to wait again counts as what is posted does. */
static int check_queue(struct db *db, struct wish *wish, const struct experiment_row *row, struct qlstm_error *error)
{
	return experiment_queue_check(db, row->owner, &wish->limits, &wish->over_quota, error);
}

static int grant_resume(struct db *db, struct wish *wish, struct qlstm_error *error)
{
	struct experiment_row row = {0};
	enum run_status before = STATUS_QUEUED;
	int rc = experiment_get(db, wish->id, &row, error);
	if (rc == 0)
		rc = status_from_name(row.status, &before);
	wish->was_so = before == STATUS_QUEUED;
	if (rc == 0 && before == STATUS_PAUSED)
		rc = check_queue(db, wish, &row, error);
	experiment_row_free(&row);
	return rc == 0 ? state_resume(db, wish->id, clock_now_ms(), &wish->now, error) : rc;
}

/* An uploaded data set may have been deleted since: then there is nothing to train on. */
static bool has_lost_its_data(const struct experiment_row *row)
{
	json_t *spec = json_embedded(row->spec_json);
	const char *data = json_string_value(json_object_get(json_object_get(spec, "data"), "dataset"));
	bool lost = row->dataset_id == NULL && data != NULL && ulid_valid(data);
	json_decref(spec);
	return lost;
}

static int grant_retry(struct db *db, struct wish *wish, struct qlstm_error *error)
{
	struct experiment_row row = {0};
	enum run_status before = STATUS_QUEUED;
	int rc = experiment_get(db, wish->id, &row, error);
	if (rc == 0)
		rc = status_from_name(row.status, &before);
	if (rc == 0 && (before == STATUS_FAILED || before == STATUS_CANCELLED))
		rc = has_lost_its_data(&row)
		         ? error_set(error, ERR_CONFLICT, NULL, "the experiment's data set was deleted; post it anew")
		         : check_queue(db, wish, &row, error);
	experiment_row_free(&row);
	wish->now = STATUS_QUEUED;
	return rc == 0 ? state_retry(db, wish->id, clock_now_ms(), error) : rc;
}

void experiments_cancel(void *context, struct http_request *request, struct http_reply *reply)
{
	grant(context, request, reply, (struct wish){.grant = grant_cancel, .stop = REASON_USER_CANCELLED});
}

void experiments_pause(void *context, struct http_request *request, struct http_reply *reply)
{
	grant(context, request, reply, (struct wish){.grant = grant_pause, .stop = REASON_USER_PAUSED});
}

void experiments_resume(void *context, struct http_request *request, struct http_reply *reply)
{
	grant(context, request, reply, (struct wish){.grant = grant_resume});
}

void experiments_retry(void *context, struct http_request *request, struct http_reply *reply)
{
	grant(context, request, reply, (struct wish){.grant = grant_retry});
}
