/* One attempt at an experiment. */
#include "server/run/attempt.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/common/clock.h"
#include "server/store/queue_order.h"
#include "server/store/rows.h"

void attempt_free(struct attempt *attempt)
{
	free(attempt->spec_json);
	attempt->spec_json = NULL;
}

static int read_spec(struct db *db, struct attempt *attempt, struct qlstm_error *error)
{
	db_query(db, "SELECT spec_json, max_seconds, epochs, dataset.sha256, dataset.file, " SQL_PLANNED_BYTES
	             ", coalesce(json_extract(description_json, '$.dialect'), '{\"rules\":\"first_line\"}')"
	             ", iif(json_valid(spec_json), json_extract(spec_json, '$.kind') IS 'prediction', 0)"
	             " FROM experiment"
	             " LEFT JOIN dataset ON dataset.id = experiment.dataset_id WHERE experiment.id = :id");
	db_bind_text(db, ":id", attempt->token.id);
	int rc = ERR_NOT_FOUND;
	if (db_step(db) > 0) {
		rc = column_copy(db, 0, &attempt->spec_json, error);
		attempt->max_seconds = db_real(db, 1);
		attempt->epochs = (int)db_int(db, 2);
		column_text(db, 3, attempt->dataset_sha256, sizeof attempt->dataset_sha256);
		column_text(db, 4, attempt->dataset_file, sizeof attempt->dataset_file);
		attempt->bytes = db_int(db, 5);
		column_text(db, 6, attempt->dialect, sizeof attempt->dialect);
		attempt->predicts = db_int(db, 7) != 0;
	}
	return db_finish(db) == 0 ? rc : db_error(db, error);
}

/* Weights to start from: a data set's file, or what another experiment left, its weights or its whole state. One that
 * is gone has a name and no hash: who prepares the attempt finds out. */
static int read_init(struct db *db, struct attempt *attempt, struct qlstm_error *error)
{
	db_query(db, "SELECT coalesce('datasets/' || dataset.file, 'runs/' || init_id || '/' || artifact.file, 'gone'),"
	             " coalesce(dataset.sha256, artifact.sha256, '') FROM experiment"
	             " LEFT JOIN dataset ON dataset.id = init_id"
	             " LEFT JOIN artifact ON artifact.experiment_id = init_id AND artifact.name ="
	             "  iif(json_valid(spec_json) AND json_extract(spec_json, '$.training.optimizer.resume'), 'state',"
	             "  'weights')"
	             " WHERE experiment.id = :id AND init_id IS NOT NULL");
	db_bind_text(db, ":id", attempt->token.id);
	if (db_step(db) > 0) {
		column_text(db, 0, attempt->init_file, sizeof attempt->init_file);
		column_text(db, 1, attempt->init_sha256, sizeof attempt->init_sha256);
	}
	return db_finish(db) == 0 ? 0 : db_error(db, error);
}

static int count_waiting(struct db *db, int *waiting, struct qlstm_error *error)
{
	int64_t queued = 0;
	int rc = queue_order_waiting(db, &queued, error);
	*waiting = (int)(queued < ATTEMPT_WAITING_MAX ? queued : ATTEMPT_WAITING_MAX);
	return rc;
}

int attempt_claim(struct db *db, struct turn_room room, struct attempt_claim *claim, struct qlstm_error *error)
{
	struct attempt *attempt = &claim->attempt;
	*claim = (struct attempt_claim){0};
	if (db_frugal(db))
		return error_set(error, ERR_DISK_FULL, NULL, "the disk is full: nothing is begun");
	int rc = turn_claim(db, clock_now_ms(), room, &attempt->token, &claim->next_due, error);
	if (rc == 0)
		rc = read_spec(db, attempt, error);
	if (rc == 0)
		rc = read_init(db, attempt, error);
	if (rc == 0) {
		attempt->n_checkpoints = checkpoint_list(db, attempt->token.id, attempt->checkpoints, 2, error);
		rc = attempt->n_checkpoints < 0 ? attempt->n_checkpoints : 0;
	}
	if (rc == 0)
		rc = count_waiting(db, &claim->waiting, error);
	if (rc != 0)
		attempt_free(attempt);
	return rc;
}

void attempt_folder(const char *data_dir, const struct run_token *token, char out[ATTEMPT_PATH_SIZE])
{
	snprintf(out, ATTEMPT_PATH_SIZE, "%s/runs/%s/attempt-%d", data_dir, token->id, token->attempt);
}

void attempt_file(const char *data_dir, const struct run_token *token, const char *file, char out[ATTEMPT_PATH_SIZE])
{
	snprintf(out, ATTEMPT_PATH_SIZE, "%s/runs/%s/attempt-%d/%s", data_dir, token->id, token->attempt, file);
}
