/* From the files that a worker left to the results of an experiment. */
#ifndef QLSTM_RUN_COLLECT_H
#define QLSTM_RUN_COLLECT_H

#include "engine/error.h"
#include "server/run/attempt.h"
#include "server/run/message.h"

/* Compares size and SHA-256 of every artifact of a done message with what is on disk, and makes its `file` relative to
 * the experiment's folder. ERR_CORRUPT on any difference. Blocks: for pool threads. */
int collect_verify(const char *data_dir, const struct run_token *token, struct message *done,
                   struct qlstm_error *error);

/* The experiment succeeds and its artifacts are registered. Writer thread; ERR_CONFLICT when the token is stale. */
int collect_store(struct db *db, const struct run_token *token, const struct message *done, struct qlstm_error *error);

/* Records the files alone, of a run that ended early. They take the place of those of an earlier attempt; where there
 * are none, those stay. */
int collect_add(struct db *db, const struct run_token *token, const struct message *done, struct qlstm_error *error);

#endif
