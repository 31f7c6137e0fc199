/* Who may do what: a route names the scope that it needs, a principal is who a request comes from with the scopes it
 * has. Example: DELETE /experiments/{id} needs SCOPE_SUBMIT; a principal with SCOPE_READ alone gets a 403 there. */
#ifndef QLSTM_HTTP_SCOPE_H
#define QLSTM_HTTP_SCOPE_H

#include <stdbool.h>

#include "server/common/viewer.h"

enum scope {
	SCOPE_NONE,   /* anybody: health, version, the contract */
	SCOPE_READ,   /* see experiments, data sets, results, figures of operation */
	SCOPE_SUBMIT, /* make, change and end experiments and data sets */
	SCOPE_ADMIN,  /* run the service itself */
	SCOPE_COUNT
};

struct principal {
	const char *name;     /* for people */
	unsigned scopes;      /* bit 1 << scope for each */
	struct viewer viewer; /* what it makes, and what it sees */
	struct quota quota;
	const char *mark; /* of the secret that it came by, which another secret of the same key has not; NULL: none */
};

/* "none", "read", "submit", "admin"; static storage. */
const char *scope_name(enum scope scope);

/* The scope of that name, or SCOPE_COUNT. */
enum scope scope_from_name(const char *name);

/* NULL is nobody: it has SCOPE_NONE alone. */
bool principal_may(const struct principal *principal, enum scope scope);

#endif
