/* A spool: bytes on their way that are too many for memory, in a file of the data folder that has no name and goes with
 * its descriptor. It leaves room on its disk: what is being uploaded must not take what experiments need. */
#ifndef QLSTM_COMMON_SPOOL_H
#define QLSTM_COMMON_SPOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

#define SPOOL_FILE                                                                                                     \
	"qlstmd.spool" /* how it is called where a file needs a name: for an instant .SPOOL_FILE.XXXXXXXX.tmp */

struct spool {
	int file; /* its descriptor and 1; 0: it is not open */
	size_t length;
};

/* ERR_DISK_FULL, ERR_UNAVAILABLE without a descriptor, ERR_IO. Needs sodium_init. */
int spool_open(struct spool *spool, const char *folder, struct qlstm_error *error);
/* Behind what is there. ERR_DISK_FULL where less than 256 MiB, or a sixteenth of a small disk, would be left; asked
 * with the first bytes and once in 16 MiB. ERR_IO. */
int spool_write(struct spool *spool, const void *bytes, size_t count, struct qlstm_error *error);
/* All of it as memory, to be read alone: the file's own pages, until spool_unmap; "" of an empty one. ERR_IO. */
int spool_map(const struct spool *spool, const unsigned char **bytes, struct qlstm_error *error);
void spool_unmap(const struct spool *spool, const unsigned char *bytes);
/* Of a large one this takes a while (its blocks are given back): no work for the thread of a loop. Twice is once. */
void spool_close(struct spool *spool);

#endif
