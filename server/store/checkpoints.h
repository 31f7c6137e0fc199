/* Checkpoints on disk that an attempt may resume from. */
#ifndef QLSTM_STORE_CHECKPOINTS_H
#define QLSTM_STORE_CHECKPOINTS_H

#include "engine/error.h"
#include "server/store/db.h"

struct checkpoint_row {
	int epoch, attempt;
	char file[64], sha256[65];
};
/* Newest first, by attempt and epoch; at most `max`. Returns how many, or a negative code. */
int checkpoint_list(struct db *db, const char *id, struct checkpoint_row *rows, int max, struct qlstm_error *error);

#endif
