/* What happened to an experiment. */
#include "server/store/transitions.h"

#include <stdlib.h>

#include "server/store/events.h"
#include "server/store/rows.h"

static const char *text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void bind_unless_empty(struct db *db, const char *name, const char *value)
{
	db_bind_text(db, name, text_or_null(value));
}

int transition_insert(struct db *db, const char *id, const struct transition_row *row, struct qlstm_error *error)
{
	db_query(db, "INSERT INTO transition (experiment_id, seq, at, attempt, from_status, to_status, reason, message)"
	             " SELECT :id, coalesce(max(seq), 0) + 1, :at, :attempt, :from, :to, :reason, :message"
	             " FROM transition WHERE experiment_id = :id");
	db_bind_text(db, ":id", id);
	db_bind_int(db, ":at", row->at);
	db_bind_int(db, ":attempt", row->attempt);
	bind_unless_empty(db, ":from", row->from_status);
	db_bind_text(db, ":to", row->to_status);
	bind_unless_empty(db, ":reason", row->reason);
	bind_unless_empty(db, ":message", row->message);
	if (db_run(db) != 0)
		return db_error(db, error);
	json_t *body =
	    json_pack("{s:s*, s:s, s:s*, s:s*}", "from", text_or_null(row->from_status), "to", row->to_status, "reason",
	              text_or_null(row->reason), "message", text_or_null(row->message));
	return event_insert(db, id, "status", row->attempt, row->at, body, error);
}

static int read_row(struct db *db, void *row, struct qlstm_error *error)
{
	struct transition_row *transition = row;
	(void)error;
	transition->at = db_int(db, 0);
	transition->attempt = (int)db_int(db, 1);
	column_text(db, 2, transition->from_status, sizeof transition->from_status);
	column_text(db, 3, transition->to_status, sizeof transition->to_status);
	column_text(db, 4, transition->reason, sizeof transition->reason);
	column_text(db, 5, transition->message, sizeof transition->message);
	return 0;
}

int transition_list(struct db *db, const char *id, struct transition_row **rows, int *count, struct qlstm_error *error)
{
	static const struct row_type type = {sizeof **rows, read_row, NULL};
	void *list = NULL;
	db_query(db, "SELECT at, attempt, from_status, to_status, reason, message FROM transition"
	             " WHERE experiment_id = :id ORDER BY seq");
	db_bind_text(db, ":id", id);
	int rc = rows_read(db, &type, &list, count, error);
	if (rc == 0)
		*rows = list;
	return rc;
}
