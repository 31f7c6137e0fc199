/* Whose rows somebody sees. A row belongs to the owner that made it, a word such as "alice"; "" owns what was made
 * without a key. Example: {"alice", false} sees alice's experiments and data sets, {"alice", true} those of everybody.
 */
#ifndef QLSTM_COMMON_VIEWER_H
#define QLSTM_COMMON_VIEWER_H

#include <stdbool.h>

struct viewer {
	const char *owner; /* of what it makes; never NULL. Borrowed */
	bool all;          /* sees the rows of every owner */
};

#endif
