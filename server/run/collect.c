/* From the files that a worker left to the results of an experiment. */
#include "server/run/collect.h"

#include <stdio.h>
#include <string.h>

#include "server/common/clock.h"
#include "server/common/file.h"

int collect_verify(const char *data_dir, const struct run_token *token, struct message *done, struct qlstm_error *error)
{
	for (int i = 0; i < done->is.done.n_artifacts; i++) {
		struct artifact_row *row = &done->is.done.artifacts[i];
		char path[ATTEMPT_PATH_SIZE], sha256[65], inside[sizeof row->file];
		size_t bytes = 0;
		attempt_file(data_dir, token, row->file, path);
		int rc = sha256_file(path, sha256, &bytes, error);
		if (rc != 0)
			return rc;
		if (bytes != (size_t)row->bytes || strcmp(sha256, row->sha256) != 0)
			return error_set(error, ERR_CORRUPT, NULL, "the artifact '%s' is not what the worker announced",
			                 row->name);
		snprintf(inside, sizeof inside, "attempt-%d/%.*s", token->attempt, (int)sizeof row->file / 2,
		         row->file);
		memcpy(row->file, inside, sizeof inside);
	}
	return 0;
}

int collect_store(struct db *db, const struct run_token *token, const struct message *done, struct qlstm_error *error)
{
	int rc = state_succeed_with(db, token, done->is.done.warning[0] != '\0' ? done->is.done.warning : NULL,
	                            clock_now_ms(), error);
	return rc == 0 ? collect_add(db, token, done, error) : rc;
}

int collect_add(struct db *db, const struct run_token *token, const struct message *done, struct qlstm_error *error)
{
	int rc = done->is.done.n_artifacts > 0 ? artifact_clear(db, token->id, error) : 0;
	for (int i = 0; rc == 0 && i < done->is.done.n_artifacts; i++)
		rc = artifact_insert(db, token->id, &done->is.done.artifacts[i], error);
	return rc;
}
