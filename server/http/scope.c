/* Who may do what. */
#include "server/http/scope.h"

#include <stddef.h>

const char *scope_name(enum scope scope)
{
	static const char *const names[SCOPE_COUNT] = {"none", "read", "submit", "admin"};
	return names[scope];
}

bool principal_may(const struct principal *principal, enum scope scope)
{
	return scope == SCOPE_NONE || (principal != NULL && (principal->scopes & 1U << scope) != 0);
}
