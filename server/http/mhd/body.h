/* A request's body while it arrives: a growing buffer with a limit of its own and a share in a common one. */
#ifndef QLSTM_HTTP_MHD_BODY_H
#define QLSTM_HTTP_MHD_BODY_H

#include <stddef.h>

struct body {
	unsigned char *bytes;
	size_t length, capacity, limit;
};

/* All bodies in hand together. */
struct body_budget {
	size_t used, limit;
};

/* ERR_TOO_LARGE past the body's limit, ERR_UNAVAILABLE past the common one or without memory; the body is then empty.
 */
int body_append(struct body *body, struct body_budget *budget, const void *bytes, size_t count);
void body_clear(struct body *body, struct body_budget *budget);

#endif
