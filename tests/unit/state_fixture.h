/* For tests of state.h: one database, one experiment that can be put into any state. Include behind cmocka.h. */
#ifndef QLSTM_TESTS_STATE_FIXTURE_H
#define QLSTM_TESTS_STATE_FIXTURE_H

#include "schema/embed.h"
#include "tests/unit/experiment_fixture.h"

static struct db *db;

#define ID "01ARZ3NDEKTSV4RRFFQ69G5FAV"
static const struct run_token current = {ID, 4};

enum { NOW = 5000 };

static inline int setup(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	struct qlstm_error error = {0};
	int rc = db_open(&db, database, DB_WRITER, schema_database_sql, &error);
	if (rc != 0)
		print_error("%s\n", error.message);
	return rc;
}

static inline int teardown(void **state)
{
	db_close(db);
	return drop_folder(state);
}

static inline void insert(const char *id)
{
	struct experiment_new new = new_experiment(id);
	assert_int_equal(experiment_insert(db, &new, 1000, NULL), 0);
}

/* Whatever happened before: attempt 4, as given. */
static inline void put(enum run_status status, int failures, int max_attempts)
{
	db_query(
	    db,
	    "UPDATE experiment SET status = :status, attempt = 4, failures = :failures, attempt_epochs = 1,"
	    " daemon_failures = 0, max_attempts = :max, run_at = 1000, not_before = 0, reason = NULL WHERE id = '" ID
	    "'");
	db_bind_text(db, ":status", status_name(status));
	db_bind_int(db, ":failures", failures);
	db_bind_int(db, ":max", max_attempts);
	assert_int_equal(db_run(db), 0);
}

static inline enum run_status get_status(void)
{
	struct experiment_row row;
	enum run_status status = STATUS_COUNT;
	assert_int_equal(experiment_get(db, ID, &row, NULL), 0);
	assert_int_equal(status_from_name(row.status, &status), 0);
	experiment_row_free(&row);
	return status;
}

static inline struct transition_row last_transition(int *count)
{
	struct transition_row *rows = NULL, last = {0};
	assert_int_equal(transition_list(db, ID, &rows, count, NULL), 0);
	if (*count > 0)
		last = rows[*count - 1];
	free(rows);
	return last;
}

static inline int end(enum run_reason reason)
{
	enum run_status status;
	return state_end(db, &current, reason, "because", NOW, &status, NULL);
}

#endif
