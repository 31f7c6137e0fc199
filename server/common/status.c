/* Statuses and reasons by name, from the two lists in status.h. */
#include "server/common/status.h"

#include <string.h>

const char *status_name(enum run_status status)
{
	static const char *const names[] = {
#define X(id, name, terminal) name,
	    RUN_STATUSES(X)
#undef X
	};
	return names[status];
}

int status_from_name(const char *name, enum run_status *status)
{
	for (int i = 0; name != NULL && i < STATUS_COUNT; i++) {
		if (strcmp(name, status_name((enum run_status)i)) == 0) {
			*status = (enum run_status)i;
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}

bool status_terminal(enum run_status status)
{
	static const bool terminal[] = {
#define X(id, name, is_terminal) is_terminal,
	    RUN_STATUSES(X)
#undef X
	};
	return terminal[status];
}

const char *reason_name(enum run_reason reason)
{
	static const char *const names[] = {
#define X(id, name, retry) name,
	    RUN_REASONS(X)
#undef X
	};
	return names[reason];
}

int reason_from_name(const char *name, enum run_reason *reason)
{
	for (int i = 0; name != NULL && i < REASON_COUNT; i++) {
		if (strcmp(name, reason_name((enum run_reason)i)) == 0) {
			*reason = (enum run_reason)i;
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}

bool reason_retried(enum run_reason reason)
{
	static const bool retried[] = {
#define X(id, name, retry) retry,
	    RUN_REASONS(X)
#undef X
	};
	return retried[reason];
}
