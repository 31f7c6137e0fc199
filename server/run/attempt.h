/* One attempt at an experiment: what was claimed, and where it lives on disk. Plain data, read by any thread. */
#ifndef QLSTM_RUN_ATTEMPT_H
#define QLSTM_RUN_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/run/state.h"
#include "server/run/turn.h"
#include "server/store/checkpoints.h"
#include "server/store/db.h"

#define ATTEMPT_PATH_SIZE    1024 /* DATA/runs/ID/attempt-N/FILE; scheduler_open checks that DATA is short enough */
#define ATTEMPT_DATA_SIZE    96   /* a data set's file name */
#define ATTEMPT_DIALECT_SIZE 1024

struct attempt {
	struct run_token token;
	char *spec_json; /* owned */
	double max_seconds;
	int epochs;
	bool predicts;                         /* with the weights of init_file; nothing is trained */
	int threads;                           /* of its worker; the scheduler's to set */
	int64_t bytes;                         /* that the planner expects it to take */
	int64_t most_bytes;                    /* that all which run may take; 0: no limit. The scheduler's to set */
	char dataset_sha256[65];               /* "" for a built-in series */
	char dataset_file[ATTEMPT_DATA_SIZE];  /* its name in DATA/datasets */
	char init_file[ATTEMPT_DATA_SIZE * 2]; /* weights to start from, below DATA; "": none */
	char init_sha256[65];
	char dialect[ATTEMPT_DIALECT_SIZE];   /* how it is read (server/common/csv_json.h) */
	struct checkpoint_row checkpoints[2]; /* newest first */
	int n_checkpoints;
};

#define ATTEMPT_WAITING_MAX 1024

/* Writer thread: claims the next experiment (turn.h) and reads what its attempt needs. ERR_NOT_FOUND: nothing is due,
 * see next_due. */
struct attempt_claim {
	struct attempt attempt;
	int64_t next_due; /* ms; 0: nothing is queued */
	int waiting;      /* experiments that are still queued, counted up to ATTEMPT_WAITING_MAX */
};
int attempt_claim(struct db *db, struct turn_room room, struct attempt_claim *claim, struct qlstm_error *error);
void attempt_free(struct attempt *attempt);

/* DATA/runs/ID/attempt-N, and FILE in it; of the attempt itself, or of an earlier one. */
void attempt_folder(const char *data_dir, const struct run_token *token, char out[ATTEMPT_PATH_SIZE]);
void attempt_file(const char *data_dir, const struct run_token *token, const char *file, char out[ATTEMPT_PATH_SIZE]);

#endif
