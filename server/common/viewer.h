/* Whose rows somebody sees. A row belongs to the owner that made it, a word such as "alice"; "" owns what was made
 * without a key. Example: {"alice", false} sees alice's experiments and data sets, {"alice", true} those of everybody.
 */
#ifndef QLSTM_COMMON_VIEWER_H
#define QLSTM_COMMON_VIEWER_H

#include <stdbool.h>
#include <stdint.h>

struct viewer {
	const char *owner; /* of what it makes; never NULL. Borrowed */
	bool all;          /* sees the rows of every owner */
};

/* What an owner may have at once by the key that asks; 0: as much as it likes. */
struct quota {
	int64_t queued;  /* experiments that wait */
	int64_t running; /* experiments that run, of those made with this key and those that run beside them */
	int64_t bytes;   /* of uploaded data sets */
};

#endif
