/* What happened to an experiment, as one list. */
#include "server/store/events.h"

#include <stdlib.h>

#include "server/common/json_text.h"

static int insert(struct db *db, struct event *event, struct qlstm_error *error)
{
	db_query(db, "INSERT INTO event (experiment_id, at, attempt, type, body_json)"
	             " VALUES (:experiment, :at, :attempt, :type, :body)");
	db_bind_text(db, ":experiment", event->experiment);
	db_bind_int(db, ":at", event->at);
	db_bind_int(db, ":attempt", event->attempt);
	db_bind_text(db, ":type", event->type);
	db_bind_text(db, ":body", event->body);
	if (db_run(db) != 0)
		return db_error(db, error);
	event->id = db_last_id(db);
	return 0;
}

int event_insert(struct db *db, const char *experiment, const char *type, int attempt, int64_t at, json_t *body,
                 struct qlstm_error *error)
{
	char *text = json_text(body);
	json_decref(body);
	struct event *event = text != NULL ? event_new(experiment, type, attempt, at, text) : NULL;
	free(text);
	if (event == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for an event");
	int rc = insert(db, event, error);
	if (rc == 0 && db_outbox(db) != NULL)
		outbox_push(db_outbox(db), event);
	else
		free(event);
	return rc;
}

/* The rows of a query that selects id, at, attempt, type, body_json. */
static int read_list(struct db *db, const char *experiment, int64_t after, int limit, struct outbox *out,
                     struct qlstm_error *error)
{
	int rc = 0;
	db_bind_text(db, ":experiment", experiment);
	db_bind_int(db, ":after", after);
	db_bind_int(db, ":limit", limit);
	while (rc == 0 && db_step(db) > 0) {
		struct event *event =
		    event_new(experiment, db_text(db, 3), (int)db_int(db, 2), db_int(db, 1), db_text(db, 4));
		if (event == NULL) {
			rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for events");
			break;
		}
		event->id = db_int(db, 0);
		outbox_push(out, event);
	}
	if (db_finish(db) != 0 && rc == 0)
		rc = db_error(db, error);
	return rc;
}

int event_list(struct db *db, const char *experiment, int64_t after, int limit, struct outbox *out,
               struct qlstm_error *error)
{
	db_query(db, "SELECT id, at, attempt, type, body_json FROM event"
	             " WHERE experiment_id = :experiment AND id > :after ORDER BY id LIMIT :limit");
	return read_list(db, experiment, after, limit, out, error);
}

int event_list_brief(struct db *db, const char *experiment, int64_t after, int limit, struct outbox *out, int64_t *last,
                     struct qlstm_error *error)
{
	*last = 0;
	db_query(db, "SELECT id FROM event WHERE experiment_id = :experiment ORDER BY id DESC LIMIT 1");
	db_bind_text(db, ":experiment", experiment);
	if (db_step(db) > 0)
		*last = db_int(db, 0);
	if (db_finish(db) != 0)
		return db_error(db, error);
	db_query(db, "SELECT id, at, attempt, type, body_json FROM event"
	             " WHERE experiment_id = :experiment AND id > :after AND type <> 'epoch' ORDER BY id LIMIT :limit");
	return read_list(db, experiment, after, limit, out, error);
}
