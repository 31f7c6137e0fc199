/* A request's body while it arrives: a growing buffer with a limit of its own and a share in a common one; a large one
 * goes into a file without a name, and takes no memory. */
#ifndef QLSTM_HTTP_MHD_BODY_H
#define QLSTM_HTTP_MHD_BODY_H

#include <stdbool.h>
#include <stddef.h>

#define BODY_IN_MEMORY ((size_t)1 << 20) /* bytes of a body that may be spooled; what is more goes into the file */

struct body {
	unsigned char *bytes;
	size_t length, capacity, limit;
	const char *spool; /* the folder for that file; NULL: every body stays in memory. Borrowed */
	int file;          /* its descriptor and 1; 0: there is none */
	bool mapped;       /* `bytes` is the file */
};

/* All bodies in hand together. */
struct body_budget {
	size_t used, limit;
};

/* ERR_TOO_LARGE past the body's limit, ERR_UNAVAILABLE past the common one or without memory, ERR_DISK_FULL where a
 * file would leave less than 256 MiB, or a sixteenth, of its disk; the body is then empty. */
int body_append(struct body *body, struct body_budget *budget, const void *bytes, size_t count);
/* It is all there: `bytes` holds it. ERR_UNAVAILABLE. */
int body_finish(struct body *body);
void body_clear(struct body *body, struct body_budget *budget);

#endif
