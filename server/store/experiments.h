/* Experiment rows: insert, read, list, delete. Status changes are run/state.h's alone. What belongs to an experiment
 * has headers of its own, which this one includes. JSON in these structs is text; ownership: experiment_row_free
 * releases a filled row. */
#ifndef QLSTM_STORE_EXPERIMENTS_H
#define QLSTM_STORE_EXPERIMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/common/viewer.h"
#include "server/store/artifacts.h"
#include "server/store/checkpoints.h"
#include "server/store/db.h"
#include "server/store/metrics.h"
#include "server/store/progress.h"
#include "server/store/transitions.h"

struct experiment_row {
	char *id, *status, *reason, *reason_message, *name, *project, *tags_json, *notes;
	char *spec_json, *model_json, *data_json, *engine_json, *dataset_id;
	char *owner;        /* "": made without a key */
	char *metrics_json; /* of the last epoch done, as in struct metric_row; "{}" before the first */
	int attempt, max_attempts, epochs, epoch, version;
	double max_seconds;
	int64_t created_at, started_at, attempt_started_at, finished_at; /* ms; 0: not yet */
	double best_test_loss; /* the loss that chooses, of validation where there is that part; NaN: none yet */
	int best_epoch;        /* 0: none yet */
	double train_seconds;
	int queue_position; /* from 1 while queued, else 0; needs the queue in memory (queue_order.h) */
};
void experiment_row_free(struct experiment_row *row);

/* What POST inserts; everything borrowed. `key` may be NULL. */
struct experiment_new {
	const char *id, *name, *project, *tags_json, *notes, *spec_json, *model_json, *data_json, *engine_json;
	const char *dataset_id; /* NULL: built-in */
	const char *init_id;    /* whose weights it starts from, as init_from of the spec; NULL: nobody's */
	int64_t max_owned;      /* experiments of the owner that may wait; 0: any number */
	int64_t max_running;    /* it is not claimed while so many of the owner run; 0: any number */
	bool *over_quota;       /* out, may be NULL: those are waiting, and ERR_UNAVAILABLE came of that */
	const char *owner;      /* NULL: made without a key. Its Idempotency-Keys are its own */
	int epochs, max_attempts, priority;
	double max_seconds;
	int64_t now;
	const char *key, *body_sha256; /* Idempotency-Key and what was posted with it */
	int64_t key_at, key_grace;     /* of clock_steady_ms; how much longer than a day keys are kept */
	char *existing_id;             /* out, RUN_ID_SIZE bytes: set when the key was used before with the same body */
};
/* The time by which it is ordered in the queue: earlier by its priority. None that comes later by more is before it. */
int64_t experiment_run_at(const struct experiment_new *new);

/* Inserts the queued row, its first transition and the key. ERR_CONFLICT when the key was used with another body;
 * 0 with existing_id set (and nothing inserted) for a replay; ERR_NOT_FOUND when the data set vanished meanwhile;
 * ERR_UNAVAILABLE when `max_queued` are waiting already. */
int experiment_insert(struct db *db, const struct experiment_new *new, int max_queued, struct qlstm_error *error);

/* Whether one more may wait. ERR_UNAVAILABLE when `all` are waiting already, or `owned` of this owner (0: any number;
 * *over_quota says that it was this one). Writer thread. */
struct queue_limits {
	int all;
	int64_t owned;
};
int experiment_queue_check(struct db *db, const char *owner, const struct queue_limits *limits, bool *over_quota,
                           struct qlstm_error *error);
/* The row that experiment_insert has made, without reading it: it borrows what `new` does. Not to be freed. */
void experiment_row_of(const struct experiment_new *new, int queue_position, struct experiment_row *out);

int experiment_get(struct db *db, const char *id, struct experiment_row *out, struct qlstm_error *error);
/* Whether the viewer sees it: 0, or what experiment_get says of one that does not exist. */
int experiment_visible(struct db *db, const char *id, const struct viewer *viewer, struct qlstm_error *error);

struct experiment_query {
	const char *status;  /* NULL: any */
	const char *project; /* NULL: any */
	const char *owner;   /* NULL: any */
	const char *before;  /* behind this id in the order of the list; NULL: from the first */
	int limit;
	const char *tag;      /* one of its tags; NULL: any, as all below */
	const char *text;     /* in name, notes or tags, whatever its case (of ASCII) */
	const char *model;    /* the type or the variant of one of its layers: "lstm", "linear" */
	const char *dataset;  /* the name or the id of its data set */
	const char *kind;     /* "training" or "prediction" */
	int64_t since, until; /* created then or later; before then (0: whenever); ms */
	const char *sort; /* a metric of the last epoch, or "best_test_loss": those that have it, the smallest first */
	bool falling;     /* the largest first */
};
/* Newest first, or sorted; a filter beside owner, status and project is asked of each row in turn, and a sorted list
 * reads all that fit. ERR_NOT_FOUND where a sorted list goes on behind an experiment that is gone. *rows (free each,
 * then the array) and *count are the caller's; one row more than `limit` is never returned, *more says whether there
 * are any. */
int experiment_list(struct db *db, const struct experiment_query *query, struct experiment_row **rows, int *count,
                    bool *more, struct qlstm_error *error);

/* A project: when the first and the last of its experiments were made (ms). */
struct project_row {
	char *project;
	int64_t created_at, last_at;
};
/* In the order of their names, at most `limit`; those of an owner, or all (NULL); `only` that one (NULL: any). *rows
 * and *count are the caller's (project_rows_free). Costs some look-ups a project, however many experiments there are.
 */
int project_list(struct db *db, const char *owner, const char *only, int limit, struct project_row **rows, int *count,
                 struct qlstm_error *error);
void project_rows_free(struct project_row *rows, int count);

/* What people may change; NULL: it stays. JSON in tags_json. */
struct experiment_labels {
	const char *name, *tags_json, *notes;
};
int experiment_label(struct db *db, const char *id, const struct experiment_labels *labels, struct qlstm_error *error);

/* Only in a terminal status, and while none that has not ended starts from it, else ERR_CONFLICT. Files are the
 * caller's to remove afterwards; until the sweep has seen that they are gone, the id stays among the deleted ones
 * (files.h). */
int experiment_delete(struct db *db, const char *id, struct qlstm_error *error);

#endif
