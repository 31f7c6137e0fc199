/* Which files of the data directory the rows name, and which experiments were deleted. A file that no row names is
 * nobody's (server/disk/inventory.h). */
#ifndef QLSTM_STORE_FILES_H
#define QLSTM_STORE_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/common/status.h"
#include "server/store/db.h"

#define FILES_NAME_SIZE 96 /* "attempt-2/checkpoint-30.safetensors", within the experiment's folder */
#define FILES_OF_RUN    16

/* What the rows say of an experiment. */
struct run_files {
	bool known;   /* it has a row */
	bool deleted; /* it had one, and was deleted */
	bool before;  /* rows that came after it are there: were it lost, they would be too */
	bool live;    /* `attempt` has a worker */
	int attempt;  /* the newest */
	int n;
	char names[FILES_OF_RUN][FILES_NAME_SIZE]; /* checkpoints and results */
};
int files_of_run(struct db *db, const char *id, struct run_files *out, struct qlstm_error *error);

/* Whether a data set has its bytes in DATA/datasets/FILE. */
int files_has_dataset(struct db *db, const char *file, bool *has, struct qlstm_error *error);

/* A file that a row names. */
struct named_file {
	char path[160]; /* within the data directory */
	char sha256[65];
	int64_t bytes; /* -1: the row does not say */
	enum named_kind { NAMED_DATASET, NAMED_ARTIFACT, NAMED_CHECKPOINT } kind;
};
/* All of them, data sets first; *files (free) and *count are the caller's. */
int files_list(struct db *db, struct named_file **files, int *count, struct qlstm_error *error);

/* Deleted experiments whose folders may still be there: noted with the deletion, forgotten once the folder is gone. */
int files_note_deleted(struct db *db, const char *id, struct qlstm_error *error);
int files_forget_deleted(struct db *db, const char *id, struct qlstm_error *error);
/* The first `max` of them; returns how many, or a negative code. */
int files_list_deleted(struct db *db, char (*ids)[RUN_ID_SIZE], int max, struct qlstm_error *error);

#endif
