/* Looks after the data directory while the service runs: sweeps it at intervals, and makes the reserve again when there
 * is room. Loop thread; the work is done on a pool thread. */
#ifndef QLSTM_DISK_CARETAKER_H
#define QLSTM_DISK_CARETAKER_H

#include "server/disk/inventory.h"
#include "server/disk/reserve.h"

struct caretaker;

struct caretaker_config {
	const char *data_dir; /* absolute; borrowed, as all of this */
	uv_mutex_t *datasets; /* as in struct inventory */
	struct reserve *reserve;
	int sweep_seconds; /* between two sweeps */
};
int caretaker_open(struct caretaker **out, uv_loop_t *loop, struct store *store, const struct caretaker_config *config,
                   struct qlstm_error *error);
/* Waits for what is under way (it runs the loop for that). */
void caretaker_close(struct caretaker *caretaker);

/* The inventory of a directory whose store is open. */
struct inventory caretaker_inventory(const char *data_dir, struct store *store);
/* reserve_make; while it is not whole, the store is frugal. Blocks. */
void caretaker_fill_reserve(struct reserve *reserve, struct store *store);
/* One sweep, with what came of it in the log. Blocks. */
void caretaker_sweep(const struct inventory *inventory, struct store *store);

#endif
