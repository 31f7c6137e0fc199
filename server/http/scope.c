/* Who may do what. */
#include "server/http/scope.h"

#include <stddef.h>
#include <string.h>

static const char *const names[SCOPE_COUNT] = {"none", "read", "submit", "admin"};

const char *scope_name(enum scope scope)
{
	return names[scope];
}

enum scope scope_from_name(const char *name)
{
	int scope = 0;
	while (scope < SCOPE_COUNT && strcmp(names[scope], name) != 0)
		scope++;
	return (enum scope)scope;
}

bool principal_may(const struct principal *principal, enum scope scope)
{
	return scope == SCOPE_NONE || (principal != NULL && (principal->scopes & 1U << scope) != 0);
}
