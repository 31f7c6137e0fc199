/* A request's body while it arrives: a growing buffer with a limit of its own and a share in a common one. Where a body
 * may be large the buffer is a block of BODY_BLOCK bytes that goes to a spool (server/common/spool.h) whenever it is
 * full and more comes: whatever its size, it takes no more memory than that. */
#ifndef QLSTM_HTTP_MHD_BODY_H
#define QLSTM_HTTP_MHD_BODY_H

#include <stddef.h>

#include "server/common/spool.h"

#define BODY_BLOCK ((size_t)1 << 20)

struct body {
	unsigned char *bytes;       /* the buffer; of a spooled body what is behind the spool */
	size_t length, capacity;    /* of the buffer */
	size_t limit;               /* of the whole body */
	const char *folder;         /* where it may be spooled; NULL: it stays in memory. Borrowed */
	struct spool spool;         /* not open: all of it is in the buffer */
	const unsigned char *pages; /* the spool as memory, once it is whole */
};

/* All bodies in hand together. */
struct body_budget {
	size_t used, limit;
};

/* How many bytes body_append takes before body_spool. */
size_t body_room(const struct body *body);
/* ERR_TOO_LARGE past the body's limit, ERR_UNAVAILABLE past the common one or without memory; the body is then empty,
 * but for a spool. */
int body_append(struct body *body, struct body_budget *budget, const void *bytes, size_t count);
void body_clear_buffer(struct body *body, struct body_budget *budget); /* twice is once */

/* These wait for the disk: no work for the thread of a loop.
 * body_spool empties the buffer; body_finish is called when all is there. Both as spool_open, spool_write and
 * spool_map. */
int body_spool(struct body *body, struct qlstm_error *error);
int body_finish(struct body *body, struct qlstm_error *error);
void body_close_spool(struct body *body); /* twice is once */

/* What has arrived; of a spooled body after body_finish. */
size_t body_length(const struct body *body);
const unsigned char *body_content(const struct body *body);

#endif
