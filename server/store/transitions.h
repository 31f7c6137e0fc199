/* What happened to an experiment, one row for each change of status. */
#ifndef QLSTM_STORE_TRANSITIONS_H
#define QLSTM_STORE_TRANSITIONS_H

#include <stdint.h>

#include "engine/error.h"
#include "server/store/db.h"

struct transition_row {
	int64_t at;
	int attempt;
	char from_status[16], to_status[16], reason[24];
	char message[256];
};
int transition_list(struct db *db, const char *id, struct transition_row **rows, int *count, struct qlstm_error *error);

/* The next row of the experiment, and its event of type "status"; the time, attempt and names are the row's. "" stands
 * for none. */
int transition_insert(struct db *db, const char *id, const struct transition_row *row, struct qlstm_error *error);

#endif
