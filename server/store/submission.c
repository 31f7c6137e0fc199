/* What POST /experiments leaves in the database: the row, its first transition and its Idempotency-Key, in one
 * transaction. */
#include "server/store/experiments.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "server/common/status.h"
#include "server/store/queue_order.h"
#include "server/store/rows.h"

#define KEY_LIFE_MS (24 * 60 * 60 * INT64_C(1000))

/* `existing_id` has room for a ULID. 0: the key is free; 1: this body came before, existing_id is set; ERR_CONFLICT:
 * another body did. */
static int look_up_key(struct db *db, const struct experiment_new *new, char *existing_id, struct qlstm_error *error)
{
	db_query(db, "DELETE FROM idempotency WHERE created_at < :oldest");
	db_bind_int(db, ":oldest", new->key_at - new->key_grace - KEY_LIFE_MS);
	if (db_run(db) != 0)
		return db_error(db, error);
	char body_sha256[65] = "";
	db_query(db, "SELECT body_sha256, experiment_id FROM idempotency WHERE owner = :owner AND key = :key");
	db_bind_text(db, ":owner", new->owner != NULL ? new->owner : "");
	db_bind_text(db, ":key", new->key);
	bool found = db_step(db) > 0;
	if (found) {
		column_text(db, 0, body_sha256, sizeof body_sha256);
		column_text(db, 1, existing_id, RUN_ID_SIZE);
	}
	if (db_finish(db) != 0)
		return db_error(db, error);
	if (found && strcmp(body_sha256, new->body_sha256) != 0) {
		existing_id[0] = '\0';
		return error_set(error, ERR_CONFLICT, NULL, "the Idempotency-Key was used with another body");
	}
	return found;
}

static int insert_key(struct db *db, const struct experiment_new *new, struct qlstm_error *error)
{
	db_query(db, "INSERT INTO idempotency (owner, key, body_sha256, experiment_id, created_at)"
	             " VALUES (:owner, :key, :body_sha256, :id, :now)");
	db_bind_text(db, ":owner", new->owner != NULL ? new->owner : "");
	db_bind_text(db, ":key", new->key);
	db_bind_text(db, ":body_sha256", new->body_sha256);
	db_bind_text(db, ":id", new->id);
	db_bind_int(db, ":now", new->key_at);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

static int check_dataset(struct db *db, const char *id, struct qlstm_error *error)
{
	db_query(db, "SELECT 1 FROM dataset WHERE id = :id");
	db_bind_text(db, ":id", id);
	bool found = db_step(db) > 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	return found ? 0 : error_set(error, ERR_NOT_FOUND, "/data/dataset", "the data set was deleted meanwhile");
}

static int check_init(struct db *db, const char *id, struct qlstm_error *error)
{
	db_query(db, "SELECT 1 FROM experiment WHERE id = :id UNION ALL SELECT 1 FROM dataset WHERE id = :id LIMIT 1");
	db_bind_text(db, ":id", id);
	bool found = db_step(db) > 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	return found ? 0 : error_set(error, ERR_NOT_FOUND, "/init_from", "the weights were deleted meanwhile");
}

static int check_queue(struct db *db, int max_queued, struct qlstm_error *error)
{
	int64_t queued = 0;
	int rc = queue_order_waiting(db, &queued, error);
	if (rc == 0 && queued >= max_queued)
		rc = error_set(error, ERR_UNAVAILABLE, NULL, "%d experiments are waiting already", max_queued);
	return rc;
}

static int check_quota(struct db *db, const char *owner, int64_t most, bool *over, struct qlstm_error *error)
{
	db_query(db, "SELECT 1 FROM experiment WHERE owner = :owner AND owner <> '' AND status = 'queued'"
	             " LIMIT 1 OFFSET :others");
	db_bind_text(db, ":owner", owner);
	db_bind_int(db, ":others", most - 1);
	*over = db_step(db) > 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	return !*over ? 0
	              : error_set(error, ERR_UNAVAILABLE, NULL, "%lld experiments of '%s' are waiting already",
	                          (long long)most, owner);
}

int experiment_queue_check(struct db *db, const char *owner, const struct queue_limits *limits, bool *over_quota,
                           struct qlstm_error *error)
{
	*over_quota = false;
	int rc = check_queue(db, limits->all, error);
	return rc == 0 && limits->owned > 0 ? check_quota(db, owner, limits->owned, over_quota, error) : rc;
}

int64_t experiment_run_at(const struct experiment_new *new)
{
	return new->now - (int64_t) new->priority *PRIORITY_MS;
}

static int insert_row(struct db *db, const struct experiment_new *new, struct qlstm_error *error)
{
	db_query(
	    db,
	    "INSERT INTO experiment (id, status, max_attempts, max_seconds, run_at, name, project, tags_json, notes,"
	    " spec_json, model_json, data_json, engine_json, dataset_id, epochs, created_at, owner, max_running, "
	    "init_id)"
	    " VALUES (:id, 'queued', :max_attempts, :max_seconds, :run_at, :name, :project, :tags, :notes,"
	    " :spec, :model, :data, :engine, :dataset, :epochs, :now, :owner, :max_running, :init)");
	db_bind_int(db, ":max_running", new->max_running);
	db_bind_text(db, ":init", new->init_id);
	db_bind_text(db, ":owner", new->owner != NULL ? new->owner : "");
	db_bind_text(db, ":id", new->id);
	db_bind_int(db, ":max_attempts", new->max_attempts);
	db_bind_real(db, ":max_seconds", new->max_seconds);
	db_bind_int(db, ":now", new->now);
	db_bind_int(db, ":run_at", experiment_run_at(new));
	db_bind_text(db, ":name", new->name);
	db_bind_text(db, ":project", new->project);
	db_bind_text(db, ":tags", new->tags_json);
	db_bind_text(db, ":notes", new->notes != NULL ? new->notes : "");
	db_bind_text(db, ":spec", new->spec_json);
	db_bind_text(db, ":model", new->model_json);
	db_bind_text(db, ":data", new->data_json);
	db_bind_text(db, ":engine", new->engine_json);
	db_bind_text(db, ":dataset", new->dataset_id);
	db_bind_int(db, ":epochs", new->epochs);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* What insert_row leaves to the table's defaults is so here too. */
void experiment_row_of(const struct experiment_new *new, int queue_position, struct experiment_row *out)
{
	*out = (struct experiment_row){.id = borrow(new->id),
	                               .status = borrow(status_name(STATUS_QUEUED)),
	                               .name = borrow(new->name),
	                               .project = borrow(new->project),
	                               .tags_json = borrow(new->tags_json),
	                               .notes = borrow(new->notes != NULL ? new->notes : ""),
	                               .spec_json = borrow(new->spec_json),
	                               .model_json = borrow(new->model_json),
	                               .data_json = borrow(new->data_json),
	                               .engine_json = borrow(new->engine_json),
	                               .dataset_id = borrow(new->dataset_id),
	                               .metrics_json = borrow("{}"),
	                               .owner = borrow(new->owner != NULL ? new->owner : ""),
	                               .max_attempts = new->max_attempts,
	                               .epochs = new->epochs,
	                               .version = 1,
	                               .max_seconds = new->max_seconds,
	                               .created_at = new->now,
	                               .best_test_loss = (double)NAN,
	                               .queue_position = queue_position};
}

int experiment_insert(struct db *db, const struct experiment_new *new, int max_queued, struct qlstm_error *error)
{
	int rc = 0;
	bool over = false;
	const struct queue_limits limits = {max_queued, new->max_owned};
	char existing_id[RUN_ID_SIZE] = "";
	if (new->key != NULL)
		rc = look_up_key(db, new, existing_id, error);
	if (new->existing_id != NULL)
		memcpy(new->existing_id, existing_id, RUN_ID_SIZE);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (new->dataset_id != NULL)
		rc = check_dataset(db, new->dataset_id, error);
	if (rc == 0 && new->init_id != NULL)
		rc = check_init(db, new->init_id, error);
	if (rc == 0)
		rc = experiment_queue_check(db, new->owner, &limits, &over, error);
	if (new->over_quota != NULL)
		*new->over_quota = over;
	if (rc == 0)
		rc = insert_row(db, new, error);
	if (rc == 0 && new->key != NULL)
		rc = insert_key(db, new, error);
	struct transition_row first = {.at = new->now, .to_status = "queued"};
	return rc == 0 ? transition_insert(db, new->id, &first, error) : rc;
}
