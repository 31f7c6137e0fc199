/* Rows of uploaded data sets. */
#ifndef QLSTM_STORE_DATASETS_H
#define QLSTM_STORE_DATASETS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"
#include "server/common/viewer.h"
#include "server/store/db.h"

struct dataset_row {
	char id[27], sha256[65];
	char *name, *file, *kind, *columns_json, *description_json; /* owned; as in schema/database.sql */
	char *owner;                                                /* owned; NULL in a new row: made without a key */
	int64_t bytes, n_rows, created_at;
};
void dataset_row_free(struct dataset_row *row);

/* ERR_CONFLICT when the owner has the name for other bytes; 0 with *existed when name and bytes are there already
 * (row->id is then set to the existing id). */
int dataset_insert(struct db *db, struct dataset_row *row, bool *existed, struct qlstm_error *error);
/* ERR_TOO_LARGE when those of the owner take more than `most` bytes; in the transaction that added one. */
int dataset_check_quota(struct db *db, const char *owner, int64_t most, struct qlstm_error *error);
/* By id, or by name, of those that the viewer sees; of several by that name its own, else the newest. ERR_NOT_FOUND. */
int dataset_get(struct db *db, const char *id_or_name, const struct viewer *viewer, struct dataset_row *out,
                struct qlstm_error *error);
/* What the viewer sees, newest first; *rows (free each, then the array) are the caller's. */
int dataset_list(struct db *db, const struct viewer *viewer, struct dataset_row **rows, int *count,
                 struct qlstm_error *error);
/* ERR_CONFLICT while an experiment that has not ended uses it. *last: no other row has the same file. References from
 * ended experiments become NULL (their data_json keeps name and hash). */
int dataset_delete(struct db *db, const char *id, bool *last, struct qlstm_error *error);

#endif
