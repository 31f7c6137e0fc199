/* Removes what is nobody's (inventory.h) from the data directory. */
#ifndef QLSTM_DISK_SWEEP_H
#define QLSTM_DISK_SWEEP_H

#include "server/disk/inventory.h"

struct sweep {
	int removed; /* files and folders */
	int lost;    /* folders of runs whose rows are missing: left where they are */
	int failed;  /* what could not be removed; the next sweep tries again */
};
/* Blocks. An error is of the walk; what was removed is counted in any case. */
int sweep(const struct inventory *inventory, struct sweep *out, struct qlstm_error *error);

/* Forgets the deletions whose folders are gone. */
int sweep_deletions(struct store *store, const char *data_dir, struct qlstm_error *error);

#endif
