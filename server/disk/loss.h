/* Whether the database is the one that the rest of the data directory belongs to, before anybody writes to it. A
 * database that is missing, damaged, or older than the runs beside it is said and left as it is; whoever accepts the
 * loss has what is of no use put aside, into DATA/aside-N, and never removed. */
#ifndef QLSTM_DISK_LOSS_H
#define QLSTM_DISK_LOSS_H

#include <stdbool.h>

#include "server/disk/inventory.h"

/* What is the matter, and what was done about it; "" while nothing is. */
struct loss {
	char report[512];
};

/* Before the store is opened: ERR_CORRUPT when the database is missing beside runs or data sets. With `accept` all of
 * it is put aside and 0 is returned. ERR_CONFLICT while another process uses the directory. */
int loss_before_open(const char *data_dir, bool accept, struct loss *loss, struct qlstm_error *error);

/* After the store was not opened with ERR_CORRUPT: the same for a database that is damaged. 0 also when it is not (any
 * more): the store may be tried again. A database of another program or of a newer version is no damage. */
int loss_of_damage(const char *data_dir, bool accept, struct loss *loss, struct qlstm_error *error);

/* With the store open and nothing else at work: ERR_CORRUPT when there are folders of experiments newer than all that
 * the database knows. With `accept` those folders are put aside. */
int loss_after_open(const struct inventory *inventory, bool accept, struct loss *loss, struct qlstm_error *error);

#endif
