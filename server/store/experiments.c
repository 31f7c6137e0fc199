/* Experiment rows: reading, listing, deleting. Inserting is in submission.c. */
#include "server/store/experiments.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/status.h"
#include "server/store/files.h"
#include "server/store/queue_order.h"
#include "server/store/rows.h"

/* The text members, in the order in which SELECT_ROW has them, from column 0. */
static const size_t text_members[] = {
#define MEMBER(name) offsetof(struct experiment_row, name)
    MEMBER(id),          MEMBER(status),     MEMBER(reason),       MEMBER(reason_message), MEMBER(name),
    MEMBER(project),     MEMBER(tags_json),  MEMBER(spec_json),    MEMBER(model_json),     MEMBER(data_json),
    MEMBER(engine_json), MEMBER(dataset_id), MEMBER(metrics_json), MEMBER(owner),          MEMBER(notes),
#undef MEMBER
};

enum { N_TEXTS = sizeof text_members / sizeof *text_members };

#define SELECT_ROW                                                                                                     \
	"SELECT id, status, reason, reason_message, name, project, tags_json, spec_json, model_json, data_json,"       \
	" engine_json, dataset_id, metrics_json, owner, notes,"                                                        \
	" attempt, max_attempts, epochs, epoch, version, max_seconds, created_at, started_at, attempt_started_at,"     \
	" finished_at, best_test_loss, best_epoch, train_seconds, run_at FROM experiment "

static char **text_member(struct experiment_row *row, int i)
{
	return (char **)((char *)row + text_members[i]);
}

void experiment_row_free(struct experiment_row *row)
{
	for (int i = 0; i < N_TEXTS; i++) {
		free(*text_member(row, i));
		*text_member(row, i) = NULL;
	}
}

/* 0 for a row that is not queued, and on a connection without the queue in memory. */
static int place_of(struct db *db, const struct experiment_row *row, int64_t run_at)
{
	bool queued = row->status != NULL && strcmp(row->status, status_name(STATUS_QUEUED)) == 0;
	return queued && db_queue_order(db) != NULL ? queue_order_place(db_queue_order(db), run_at, row->id) : 0;
}

static int read_row(struct db *db, struct experiment_row *row, struct qlstm_error *error)
{
	memset(row, 0, sizeof *row);
	for (int i = 0; i < N_TEXTS; i++) {
		int rc = column_copy(db, i, text_member(row, i), error);
		if (rc != 0) {
			experiment_row_free(row);
			return rc;
		}
	}
	int column = N_TEXTS;
	row->attempt = (int)db_int(db, column++);
	row->max_attempts = (int)db_int(db, column++);
	row->epochs = (int)db_int(db, column++);
	row->epoch = (int)db_int(db, column++);
	row->version = (int)db_int(db, column++);
	row->max_seconds = db_real(db, column++);
	row->created_at = db_int(db, column++);
	row->started_at = db_int(db, column++);
	row->attempt_started_at = db_int(db, column++);
	row->finished_at = db_int(db, column++);
	row->best_test_loss = db_real(db, column++);
	row->best_epoch = (int)db_int(db, column++);
	row->train_seconds = db_real(db, column++);
	row->queue_position = place_of(db, row, db_int(db, column++));
	return 0;
}

static int not_found(const char *id, struct qlstm_error *error)
{
	return error_set(error, ERR_NOT_FOUND, NULL, "there is no experiment '%s'", id);
}

int experiment_get(struct db *db, const char *id, struct experiment_row *out, struct qlstm_error *error)
{
	db_query(db, SELECT_ROW "WHERE id = :id");
	db_bind_text(db, ":id", id);
	bool found = db_step(db) > 0;
	int rc = found ? read_row(db, out, error) : 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	return found ? rc : not_found(id, error);
}

int experiment_visible(struct db *db, const char *id, const struct viewer *viewer, struct qlstm_error *error)
{
	db_query(db, "SELECT owner FROM experiment WHERE id = :id");
	db_bind_text(db, ":id", id);
	bool found = db_step(db) > 0 && (viewer->all || strcmp(db_text(db, 0), viewer->owner) == 0);
	if (db_finish(db) != 0)
		return db_error(db, error);
	return found ? 0 : not_found(id, error);
}

/* JSON of a damaged row has nothing that is looked for. */
#define LAYER_IS                                                                                                       \
	"SELECT 1 FROM json_each(spec_json, '$.model.layers')"                                                         \
	" WHERE :model IN (json_extract(value, '$.type'), json_extract(value, '$.variant'))"
#define FILTERS                                                                                                        \
	" AND (:tag IS NULL OR (json_valid(tags_json) AND EXISTS"                                                      \
	" (SELECT 1 FROM json_each(tags_json) WHERE value = :tag)))"                                                   \
	" AND (:text IS NULL OR instr(lower(name || char(10) || notes || char(10) || tags_json), lower(:text)) > 0)"   \
	" AND (:model IS NULL OR (json_valid(spec_json) AND EXISTS (" LAYER_IS ")))"                                   \
	" AND (:kind IS NULL OR (json_valid(spec_json) AND"                                                            \
	" coalesce(json_extract(spec_json, '$.kind'), 'training') = :kind))"                                           \
	" AND (:dataset IS NULL OR :dataset = dataset_id OR"                                                           \
	" (json_valid(data_json) AND json_extract(data_json, '$.dataset') = :dataset))"                                \
	" AND (:since IS NULL OR created_at >= :since) AND (:until IS NULL OR created_at < :until)"

/* By which of owner, status and project are asked for: each has the index that serves it. */
#define LIST(filter) SELECT_ROW "WHERE " filter "id < :before" FILTERS " ORDER BY id DESC LIMIT :limit"
#define OWNED        "owner = :owner AND owner <> '' AND "
static const char *const list_sql[2][2][2] = {
    {{LIST(""), LIST("project = :project AND ")},
     {LIST("status = :status AND "), LIST("status = :status AND project = :project AND ")}},
    {{LIST(OWNED), LIST(OWNED "project = :project AND ")},
     {LIST(OWNED "status = :status AND "), LIST(OWNED "status = :status AND project = :project AND ")}},
};

/* One metric's value; NULL where there is none. Equal ones are in the order of ids. */
#define METRIC                                                                                                         \
	"CASE :sort WHEN 'best_test_loss' THEN best_test_loss"                                                         \
	" ELSE iif(json_valid(metrics_json), json_extract(metrics_json, '$.' || :sort), NULL) END"
#define SORTED(order, beyond)                                                                                          \
	SELECT_ROW "WHERE " METRIC " IS NOT NULL AND (:owner IS NULL OR (owner = :owner AND owner <> ''))"             \
	           " AND (:status IS NULL OR status = :status) AND (:project IS NULL OR project = :project)" FILTERS   \
	           " AND (:before IS NULL OR (" METRIC ", id) " beyond " (SELECT " METRIC                              \
	           ", id FROM experiment WHERE id = :before)) ORDER BY " METRIC order ", id" order " LIMIT :limit"
static const char *const sorted_sql[2] = {SORTED(" ASC", ">"), SORTED(" DESC", "<")};

static void bind_time(struct db *db, const char *name, int64_t ms)
{
	if (ms != 0)
		db_bind_int(db, name, ms);
}

static void bind_filters(struct db *db, const struct experiment_query *query)
{
	db_bind_text(db, ":tag", query->tag);
	db_bind_text(db, ":text", query->text);
	db_bind_text(db, ":model", query->model);
	db_bind_text(db, ":dataset", query->dataset);
	db_bind_text(db, ":kind", query->kind);
	bind_time(db, ":since", query->since);
	bind_time(db, ":until", query->until);
	if (query->sort != NULL)
		db_bind_text(db, ":sort", query->sort);
}

/* The row behind which a sorted list goes on has its place there by its own value. */
static int check_place(struct db *db, const struct experiment_query *query, struct qlstm_error *error)
{
	const struct viewer all = {.all = true};
	return query->sort != NULL && query->before != NULL ? experiment_visible(db, query->before, &all, error) : 0;
}

int experiment_list(struct db *db, const struct experiment_query *query, struct experiment_row **rows, int *count,
                    bool *more, struct qlstm_error *error)
{
	struct experiment_row *list = NULL;
	int n = 0, rc = check_place(db, query, error);
	if (rc != 0)
		return rc;
	db_query(db, query->sort != NULL
	                 ? sorted_sql[query->falling]
	                 : list_sql[query->owner != NULL][query->status != NULL][query->project != NULL]);
	bind_filters(db, query);
	if (query->owner != NULL)
		db_bind_text(db, ":owner", query->owner);
	if (query->status != NULL)
		db_bind_text(db, ":status", query->status);
	if (query->project != NULL)
		db_bind_text(db, ":project", query->project);
	if (query->before != NULL || query->sort == NULL)
		db_bind_text(db, ":before", query->before != NULL ? query->before : "~"); /* behind every id */
	db_bind_int(db, ":limit", (int64_t)query->limit + 1);
	*more = false;
	while (rc == 0 && !*more && db_step(db) > 0) {
		*more = n == query->limit;
		if (*more)
			break;
		rc = rows_grow((void **)&list, n, sizeof *list, error);
		if (rc == 0)
			rc = read_row(db, &list[n], error);
		if (rc == 0)
			n++;
	}
	if (db_finish(db) != 0 && rc == 0)
		rc = db_error(db, error);
	if (rc != 0) {
		while (n > 0)
			experiment_row_free(&list[--n]);
		free(list);
		return rc;
	}
	*rows = list;
	*count = n;
	return 0;
}

/* From one name to the next by the index, and of each the ends of its ids. */
#define PROJECTS(owned)                                                                                                \
	"WITH RECURSIVE name (project) AS ("                                                                           \
	"SELECT min(project) FROM experiment WHERE " owned "project > ''"                                              \
	" UNION ALL SELECT (SELECT min(project) FROM experiment WHERE " owned "project > name.project)"                \
	" FROM name WHERE project IS NOT NULL) SELECT project,"                                                        \
	" (SELECT created_at FROM experiment WHERE " owned "project = name.project ORDER BY id LIMIT 1),"              \
	" (SELECT created_at FROM experiment WHERE " owned "project = name.project ORDER BY id DESC LIMIT 1)"          \
	" FROM name WHERE project IS NOT NULL AND (:only IS NULL OR project = :only) LIMIT :limit"

static int read_project(struct db *db, void *row, struct qlstm_error *error)
{
	struct project_row *project = row;
	project->created_at = db_int(db, 1);
	project->last_at = db_int(db, 2);
	return column_copy(db, 0, &project->project, error);
}

static void free_project(void *row)
{
	free(((struct project_row *)row)->project);
}

void project_rows_free(struct project_row *rows, int count)
{
	for (int i = 0; i < count; i++)
		free_project(&rows[i]);
	free(rows);
}

int project_list(struct db *db, const char *owner, const char *only, int limit, struct project_row **rows, int *count,
                 struct qlstm_error *error)
{
	static const struct row_type type = {sizeof(struct project_row), read_project, free_project};
	db_query(db, owner != NULL ? PROJECTS(OWNED) : PROJECTS(""));
	if (owner != NULL)
		db_bind_text(db, ":owner", owner);
	db_bind_text(db, ":only", only);
	db_bind_int(db, ":limit", limit);
	return rows_read(db, &type, (void **)rows, count, error);
}

int experiment_label(struct db *db, const char *id, const struct experiment_labels *labels, struct qlstm_error *error)
{
	db_query(db, "UPDATE experiment SET name = coalesce(:name, name), tags_json = coalesce(:tags, tags_json),"
	             " notes = coalesce(:notes, notes), version = version + 1 WHERE id = :id");
	db_bind_text(db, ":id", id);
	db_bind_text(db, ":name", labels->name);
	db_bind_text(db, ":tags", labels->tags_json);
	db_bind_text(db, ":notes", labels->notes);
	if (db_run(db) != 0)
		return db_error(db, error);
	db_query(db, "UPDATE experiment SET spec_json = json_set(spec_json, '$.name', name, '$.tags', json(tags_json),"
	             " '$.notes', notes) WHERE id = :id AND json_valid(spec_json)");
	db_bind_text(db, ":id", id);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

int experiment_delete(struct db *db, const char *id, struct qlstm_error *error)
{
	enum run_status status = STATUS_QUEUED;
	db_query(db, "SELECT status FROM experiment WHERE id = :id");
	db_bind_text(db, ":id", id);
	bool found = db_step(db) > 0;
	int rc = found ? status_from_name(db_text(db, 0), &status) : 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	if (!found)
		return not_found(id, error);
	if (rc != 0 || !status_terminal(status))
		return error_set(error, ERR_CONFLICT, NULL, "the experiment has not ended; cancel it first");
	db_query(db, "SELECT 1 FROM experiment WHERE init_id = :id"
	             " AND status IN ('queued', 'running', 'paused', 'cancelling') LIMIT 1");
	db_bind_text(db, ":id", id);
	bool used = db_step(db) > 0;
	if (db_finish(db) != 0)
		return db_error(db, error);
	if (used)
		return error_set(error, ERR_CONFLICT, NULL, "an experiment that has not ended starts from its weights");
	/* An Idempotency-Key that made it stays: a late repetition of that POST must not bring it back. */
	db_query(db, "DELETE FROM experiment WHERE id = :id");
	db_bind_text(db, ":id", id);
	return db_run(db) == 0 ? files_note_deleted(db, id, error) : db_error(db, error);
}
