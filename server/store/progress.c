/* What a worker's lines become. Each statement carries the fencing token: a row that has moved on does not change. */
#include "server/store/progress.h"

#include <math.h>

#include "server/common/status.h"
#include "server/store/events.h"

#define IF_CURRENT " WHERE id = :id AND attempt = :attempt AND status IN ('running', 'cancelling')"

static void bind_token(struct db *db, const struct run_token *token)
{
	db_bind_text(db, ":id", token->id);
	db_bind_int(db, ":attempt", token->attempt);
}

/* Finishes an UPDATE ... IF_CURRENT. */
static int finish_guarded(struct db *db, const struct run_token *token, struct qlstm_error *error)
{
	if (db_run(db) != 0)
		return db_error(db, error);
	if (db_changes(db) != 1)
		return error_set(error, ERR_CONFLICT, NULL, "attempt %d of %s is no longer current", token->attempt,
		                 token->id);
	return 0;
}

int progress_hello(struct db *db, const struct run_token *token, int64_t pid, int64_t now, struct qlstm_error *error)
{
	db_query(db, "UPDATE experiment SET worker_pid = :pid, heartbeat_at = :now, version = version + 1" IF_CURRENT);
	bind_token(db, token);
	db_bind_int(db, ":pid", pid);
	db_bind_int(db, ":now", now);
	return finish_guarded(db, token, error);
}

/* 1 or 0; negative after an error. */
static int has_epoch(struct db *db, const char *id, int epoch, struct qlstm_error *error)
{
	db_query(db, "SELECT 1 FROM epoch_metric WHERE experiment_id = :id AND epoch = :epoch");
	db_bind_text(db, ":id", id);
	db_bind_int(db, ":epoch", epoch);
	int found = db_step(db) > 0;
	return db_finish(db) == 0 ? found : db_error(db, error);
}

/* An epoch done again after a resume has the numbers it had before and is no event. */
static int epoch_event(struct db *db, const struct run_token *token, const struct metric_row *metric, json_t *metrics,
                       int64_t now, struct qlstm_error *error)
{
	json_t *body = json_pack("{s:i}", "epoch", metric->epoch), *seconds = json_real(metric->seconds);
	if (json_object_update(body, metrics) != 0 || json_object_set(body, "seconds", seconds) != 0) {
		json_decref(body);
		body = NULL;
	}
	json_decref(seconds);
	return event_insert(db, token->id, "epoch", token->attempt, now, body, error);
}

/* `best`: the loss that chooses the best epoch, NaN when the epoch has none; the column is named after the first such.
 */
static int update_experiment(struct db *db, const struct run_token *token, const struct metric_row *metric, double best,
                             int64_t now, struct qlstm_error *error)
{
	/* An epoch that is done again after a resume replaces its seconds in the sum. */
	db_query(db, "UPDATE experiment SET epoch = :epoch, metrics_json = :metrics,"
	             " best_epoch = iif(best_test_loss IS NULL OR :best < best_test_loss,"
	             "                  iif(:best IS NULL, NULL, :epoch), best_epoch),"
	             " best_test_loss = iif(best_test_loss IS NULL OR :best < best_test_loss, :best, best_test_loss),"
	             " train_seconds = train_seconds + :seconds - coalesce("
	             "   (SELECT seconds FROM epoch_metric WHERE experiment_id = :id AND epoch = :epoch), 0),"
	             " attempt_epochs = attempt_epochs + 1, daemon_failures = 0,"
	             " heartbeat_at = :now, version = version + 1" IF_CURRENT);
	bind_token(db, token);
	db_bind_int(db, ":epoch", metric->epoch);
	db_bind_text(db, ":metrics", metric->metrics_json);
	db_bind_real(db, ":best", best);
	db_bind_real(db, ":seconds", metric->seconds);
	db_bind_int(db, ":now", now);
	return finish_guarded(db, token, error);
}

static int insert_epoch(struct db *db, const struct run_token *token, const struct metric_row *metric,
                        struct qlstm_error *error)
{
	db_query(db, "INSERT OR REPLACE INTO epoch_metric (experiment_id, epoch, attempt, metrics_json, seconds)"
	             " VALUES (:id, :epoch, :attempt, :metrics, :seconds)");
	bind_token(db, token);
	db_bind_int(db, ":epoch", metric->epoch);
	db_bind_text(db, ":metrics", metric->metrics_json);
	db_bind_real(db, ":seconds", metric->seconds);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

int progress_epoch(struct db *db, const struct run_token *token, const struct metric_row *metric, int64_t now,
                   struct qlstm_error *error)
{
	json_t *metrics = json_loads(metric->metrics_json, 0, NULL);
	if (metrics == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for an epoch's metrics");
	const json_t *best = json_object_get(metrics, METRIC_OF_VALIDATION);
	if (best == NULL)
		best = json_object_get(metrics, METRIC_OF_BEST);
	int rc = update_experiment(db, token, metric, json_is_number(best) ? json_number_value(best) : (double)NAN, now,
	                           error);
	int known = rc == 0 ? has_epoch(db, token->id, metric->epoch, error) : rc;
	rc = known >= 0 ? insert_epoch(db, token, metric, error) : known;
	if (rc == 0 && known == 0)
		rc = epoch_event(db, token, metric, metrics, now, error);
	json_decref(metrics);
	return rc;
}

int progress_log(struct db *db, const struct run_token *token, const char *level, const char *message, int64_t now,
                 struct qlstm_error *error)
{
	db_query(db, "UPDATE experiment SET heartbeat_at = :now" IF_CURRENT);
	bind_token(db, token);
	db_bind_int(db, ":now", now);
	int rc = finish_guarded(db, token, error);
	if (rc != 0)
		return rc;
	json_t *body = json_pack("{s:s, s:s}", "level", level, "message", message);
	return event_insert(db, token->id, "log", token->attempt, now, body, error);
}

int progress_checkpoint(struct db *db, const struct run_token *token, int epoch, const char *file, const char *sha256,
                        int64_t now, struct qlstm_error *error)
{
	db_query(db, "UPDATE experiment SET heartbeat_at = :now, version = version + 1" IF_CURRENT);
	bind_token(db, token);
	db_bind_int(db, ":now", now);
	int rc = finish_guarded(db, token, error);
	if (rc != 0)
		return rc;
	db_query(db, "INSERT OR REPLACE INTO checkpoint (experiment_id, epoch, attempt, file, sha256)"
	             " VALUES (:id, :epoch, :attempt, :file, :sha256)");
	bind_token(db, token);
	db_bind_int(db, ":epoch", epoch);
	db_bind_text(db, ":file", file);
	db_bind_text(db, ":sha256", sha256);
	if (db_run(db) != 0)
		return db_error(db, error);
	db_query(db,
	         "DELETE FROM checkpoint WHERE experiment_id = :id AND epoch NOT IN"
	         " (SELECT epoch FROM checkpoint WHERE experiment_id = :id ORDER BY attempt DESC, epoch DESC LIMIT 2)");
	db_bind_text(db, ":id", token->id);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}
