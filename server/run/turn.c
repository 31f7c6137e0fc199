/* Whose turn it is. */
#include "server/run/turn.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "server/run/state.h"
#include "server/store/rows.h"

enum { OWNER_SIZE = 80 };

#define MIB (1024.0 * 1024.0)

/* The first of the queue, or of what one owner has in it. */
struct candidate {
	bool found;
	char id[RUN_ID_SIZE], owner[OWNER_SIZE];
	int64_t run_at, max_running, bytes;
};

#define SELECT_CANDIDATE "SELECT id, owner, run_at, max_running, " SQL_PLANNED_BYTES " FROM experiment "
#define WAITING          "WHERE status = 'queued' AND not_before = 0 "

/* Reads the row of the query at hand, which starts with SELECT_CANDIDATE, and finishes it. */
static int read_candidate(struct db *db, struct candidate *out, struct qlstm_error *error)
{
	*out = (struct candidate){.found = db_step(db) > 0};
	if (out->found) {
		column_text(db, 0, out->id, sizeof out->id);
		column_text(db, 1, out->owner, sizeof out->owner);
		out->run_at = db_int(db, 2);
		out->max_running = db_int(db, 3);
		out->bytes = db_int(db, 4);
	}
	return db_finish(db) == 0 ? 0 : db_error(db, error);
}

static int find_first(struct db *db, struct candidate *out, struct qlstm_error *error)
{
	db_query(db, SELECT_CANDIDATE "INDEXED BY experiment_queue " WAITING "ORDER BY run_at, id LIMIT 1");
	return read_candidate(db, out, error);
}

/* What has no owner is first in its index. */
static int find_first_unowned(struct db *db, struct candidate *out, struct qlstm_error *error)
{
	db_query(db, SELECT_CANDIDATE "INDEXED BY experiment_owner_queue " WAITING
	                              "AND owner = '' ORDER BY run_at, id LIMIT 1");
	return read_candidate(db, out, error);
}

/* That of the next owner by name who has one. */
static int find_first_of_next(struct db *db, const char *owner, struct candidate *out, struct qlstm_error *error)
{
	db_query(db, SELECT_CANDIDATE "INDEXED BY experiment_owner_queue " WAITING
	                              "AND owner > :owner ORDER BY owner, run_at, id LIMIT 1");
	db_bind_text(db, ":owner", owner);
	return read_candidate(db, out, error);
}

static bool is_before(const struct candidate *one, const struct candidate *other)
{
	if (!one->found || !other->found)
		return one->found;
	return one->run_at < other->run_at || (one->run_at == other->run_at && strcmp(one->id, other->id) < 0);
}

/* Whether so many of its owner run that this one has to wait; its row says so then. */
static int check_quota(struct db *db, const struct candidate *candidate, int64_t now, bool *waits,
                       struct qlstm_error *error)
{
	char message[160];
	*waits = false;
	if (candidate->max_running == 0)
		return 0;
	db_query(db, "SELECT count(*) FROM experiment WHERE owner = :owner AND owner <> ''"
	             " AND status IN ('running', 'cancelling')");
	db_bind_text(db, ":owner", candidate->owner);
	int64_t running = db_step(db) > 0 ? db_int(db, 0) : 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	*waits = running >= candidate->max_running;
	if (!*waits)
		return 0;
	snprintf(message, sizeof message, "%lld experiments of '%s' run already; the key it was made with allows %lld",
	         (long long)running, candidate->owner, (long long)candidate->max_running);
	return state_wait(db, candidate->id, REASON_WAITS_FOR_QUOTA, message, now, error);
}

/* The first of all those that no quota holds back. */
static int find_turn(struct db *db, int64_t now, struct candidate *out, struct qlstm_error *error)
{
	bool waits = false;
	int rc = find_first(db, out, error);
	if (rc != 0 || !out->found)
		return rc;
	rc = check_quota(db, out, now, &waits, error);
	if (rc != 0 || !waits)
		return rc;
	struct candidate next = {0};
	rc = find_first_unowned(db, out, error);
	while (rc == 0) {
		char owner[OWNER_SIZE];
		memcpy(owner, next.owner, sizeof owner);
		rc = find_first_of_next(db, owner, &next, error);
		if (rc != 0 || !next.found)
			break;
		rc = check_quota(db, &next, now, &waits, error);
		if (rc == 0 && !waits && is_before(&next, out))
			*out = next;
	}
	return rc;
}

/* Back-offs that are over: they wait for their turn again. One further away than any can be was begun before the clock
 * was put back: it does not count. */
static int end_backoffs(struct db *db, int64_t now, struct qlstm_error *error)
{
	db_query(db, "UPDATE experiment INDEXED BY experiment_backoff SET not_before = 0 WHERE status = 'queued'"
	             " AND not_before > 0 AND not_before <= :now");
	db_bind_int(db, ":now", now);
	if (db_run(db) != 0)
		return db_error(db, error);
	db_query(db, "UPDATE experiment INDEXED BY experiment_backoff SET not_before = 0 WHERE status = 'queued'"
	             " AND not_before > 0 AND not_before > :latest");
	db_bind_int(db, ":latest", now + STATE_LONGEST_BACKOFF_MS);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

/* What was posted later than now was posted before the clock was put back: it comes as if posted now. Else all that is
 * posted until then would overtake it. */
static int end_futures(struct db *db, int64_t now, struct qlstm_error *error)
{
	db_query(db, "UPDATE experiment INDEXED BY experiment_queue SET run_at = :now - :priority_ms *"
	             " iif(json_valid(spec_json), coalesce(json_extract(spec_json, '$.priority'), 0), 0)"
	             " WHERE status = 'queued' AND not_before = 0 AND run_at > :now");
	db_bind_int(db, ":now", now);
	db_bind_int(db, ":priority_ms", PRIORITY_MS);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

static int find_next_due(struct db *db, int64_t *next_due, struct qlstm_error *error)
{
	db_query(db, "SELECT not_before FROM experiment INDEXED BY experiment_backoff WHERE status = 'queued'"
	             " AND not_before > 0 ORDER BY not_before LIMIT 1");
	*next_due = db_step(db) > 0 ? db_int(db, 0) : 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	return error_set(error, ERR_NOT_FOUND, NULL, "nothing is due");
}

int turn_claim(struct db *db, int64_t now, struct turn_room room, struct run_token *claimed, int64_t *next_due,
               struct qlstm_error *error)
{
	struct candidate candidate = {0};
	char message[160];
	*next_due = 0;
	int rc = end_backoffs(db, now, error);
	if (rc == 0)
		rc = end_futures(db, now, error);
	if (rc == 0)
		rc = find_turn(db, now, &candidate, error);
	if (rc != 0)
		return rc;
	if (candidate.found && (candidate.bytes <= room.free || candidate.bytes > room.most))
		return state_claim(db, candidate.id, now, claimed, error);
	if (candidate.found) {
		snprintf(message, sizeof message, "it will take %.1f MiB, and beside what runs there is room for %.1f",
		         (double)candidate.bytes / MIB, (double)room.free / MIB);
		rc = state_wait(db, candidate.id, REASON_WAITS_FOR_MEMORY, message, now, error);
	}
	return rc == 0 ? find_next_due(db, next_due, error) : rc;
}
