/* What a worker's lines become. */
#ifndef QLSTM_STORE_PROGRESS_H
#define QLSTM_STORE_PROGRESS_H

#include <stdint.h>

#include "engine/error.h"
#include "server/store/db.h"
#include "server/store/metrics.h"

struct run_token;

/* ERR_CONFLICT (and no change) unless (id, attempt) is current and running or cancelling. */
int progress_hello(struct db *db, const struct run_token *token, int64_t pid, int64_t now, struct qlstm_error *error);
int progress_epoch(struct db *db, const struct run_token *token, const struct metric_row *metric, int64_t now,
                   struct qlstm_error *error);
/* A line of the worker's log, as an event alone. */
int progress_log(struct db *db, const struct run_token *token, const char *level, const char *message, int64_t now,
                 struct qlstm_error *error);
/* Keeps the two newest rows of the experiment: those of the latest attempt before others, for one that began again from
 * an earlier epoch could not use them. The file of a row that goes is the caller's to remove. */
int progress_checkpoint(struct db *db, const struct run_token *token, int epoch, const char *file, const char *sha256,
                        int64_t now, struct qlstm_error *error);

#endif
