/* Whose turn it is: the first of the queue that may run now. Writer thread.
 *
 * The order is (run_at, id). What is in a back-off is passed over until that ends, and has its old place then. A clock
 * that was put back keeps nobody waiting: what it makes later than now comes as if posted now. Beside that two things
 * hold back whoever is first:
 *   - memory: together with what runs it would take more than there is room for. Nobody overtakes it: the room that it
 *     waits for would go to small ones for ever;
 *   - the quota of its owner: so many of that owner run already. Those of other owners overtake it, others of this
 * owner do not. Its row says which (state_wait). */
#ifndef QLSTM_RUN_TURN_H
#define QLSTM_RUN_TURN_H

#include <stdint.h>

#include "engine/error.h"
#include "server/common/status.h"
#include "server/store/db.h"

/* Memory, in bytes. */
struct turn_room {
	int64_t free; /* that one more may take beside what runs */
	int64_t most; /* that all which run may take: what needs more by itself can never run */
};
#define TURN_ANY_ROOM ((struct turn_room){INT64_MAX, INT64_MAX})

/* A column of experiment: the bytes that the planner expects it to take; 0 in rows of versions that did not say. */
#define SQL_PLANNED_BYTES "iif(json_valid(engine_json), coalesce(json_extract(engine_json, '$.estimated_bytes'), 0), 0)"

/* Claims it: running, attempt + 1. One that can never run is claimed too: whoever begins the attempt finds out, and
 * ends it (prepare.h). ERR_NOT_FOUND when it is nobody's turn; *next_due (ms, 0: none) then says when the next back-off
 * ends. What was noted of those that wait is to be kept then too. Cost: O(log n), and with a quota in its way O(owners
 * that wait * log n). */
int turn_claim(struct db *db, int64_t now, struct turn_room room, struct run_token *claimed, int64_t *next_due,
               struct qlstm_error *error);

#endif
