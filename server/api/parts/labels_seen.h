/* Which columns of classes or words were found good, so that the same data are not read again for each POST, and how
 * many are being read: each takes as much memory as its file has bytes. Data sets never change under their id. */
#ifndef QLSTM_API_LABELS_SEEN_H
#define QLSTM_API_LABELS_SEEN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"
#include "server/common/cost.h"
#include "server/common/data_file.h"

#define LABELS_READING 2  /* at once */
#define LABELS_SEEN    64 /* that are remembered, the last ones */
#define LABELS_TEXTS   6

struct labels_key {
	char dataset[27];             /* its id */
	int column, classes, missing; /* what becomes of missing values */
	int input, scored;            /* of words, the other columns, counted from 1; of classes 0 */
	int texts[LABELS_TEXTS];      /* of texts, how they are read and counted; else 0 */
	size_t n_train, n_validation;
};

struct labels_seen;
int labels_seen_open(struct labels_seen **out, struct qlstm_error *error);
void labels_seen_close(struct labels_seen *seen); /* NULL is allowed */

/* Whether they were found good before; then *counted is what labels_seen_end was given. If not, waits until there is
 * room to read: labels_seen_end follows, with NULL where they are not good. */
bool labels_seen_begin(struct labels_seen *seen, const struct labels_key *key, struct cost_windows *counted);
void labels_seen_end(struct labels_seen *seen, const struct labels_key *key, const struct cost_windows *counted);

#endif
