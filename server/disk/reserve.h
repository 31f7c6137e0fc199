/* The reserve: room on the disk that is kept for emptying it. DATA/qlstmd.reserve holds it; deleting, cancelling and
 * recovery may give it up, when they find no room for the few pages they write. While it is given up nothing new is
 * accepted; it is made again as soon as there is room. Thread-safe. NULL stands for none. */
#ifndef QLSTM_DISK_RESERVE_H
#define QLSTM_DISK_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"
#include "server/store/store.h"

struct reserve;

/* Makes no file yet; `data_dir` is copied. With 0 bytes there is never one. */
int reserve_open(struct reserve **out, const char *data_dir, size_t bytes, struct qlstm_error *error);
void reserve_close(struct reserve *reserve); /* the file stays */

/* Takes its bytes from the disk, or an eighth of the disk where that is less, once twice as much is free. Whether all
 * of it is there now. Blocks. */
bool reserve_make(struct reserve *reserve);
/* Gives a part of its bytes to whoever needs them: others may be quicker, and then there is more. Whether there were
 * any. Blocks. */
bool reserve_give_up(struct reserve *reserve);

/* ERR_DISK_FULL while it is given up. Never blocks. */
int reserve_check(struct reserve *reserve, struct qlstm_error *error);

/* store_write, which gives up of the reserve what it takes while the disk is full: for what makes room. */
int reserve_write(struct reserve *reserve, struct store *store, store_fn fn, void *argument, struct qlstm_error *error);

#endif
