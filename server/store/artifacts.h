/* Result files of an experiment. */
#ifndef QLSTM_STORE_ARTIFACTS_H
#define QLSTM_STORE_ARTIFACTS_H

#include <stdint.h>

#include "engine/error.h"
#include "server/store/db.h"

struct artifact_row {
	char name[32], file[96], sha256[65];
	int64_t bytes;
};
/* ERR_CONFLICT: there is one of that name. */
int artifact_insert(struct db *db, const char *id, const struct artifact_row *artifact, struct qlstm_error *error);
/* All of it: before those of a later attempt, which need not have the same names. */
int artifact_clear(struct db *db, const char *id, struct qlstm_error *error);
int artifact_list(struct db *db, const char *id, struct artifact_row *rows, int max, struct qlstm_error *error);
int artifact_get(struct db *db, const char *id, const char *name, struct artifact_row *out, struct qlstm_error *error);

#endif
