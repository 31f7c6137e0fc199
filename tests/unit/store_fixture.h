/* For tests of a whole store: a loop, a store on it, and jobs for it. Include behind cmocka.h. */
#ifndef QLSTM_TESTS_STORE_FIXTURE_H
#define QLSTM_TESTS_STORE_FIXTURE_H

#include "server/store/store.h"
#include "tests/unit/experiment_fixture.h"

static uv_loop_t loop;
static struct store *store;

static inline int open_store(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	if (uv_loop_init(&loop) != 0)
		return -1;
	int rc = store_open(&store, database, &loop, &error);
	if (rc != 0)
		print_error("%s\n", error.message);
	return rc;
}

static inline int close_store(void **state)
{
	(void)state;
	store_close(store);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

static inline int setup(void **state)
{
	return make_folder(state) != 0 ? -1 : open_store(state);
}

static inline int teardown(void **state)
{
	int rc = close_store(state);
	return drop_folder(state) != 0 ? -1 : rc;
}

/* store_fn: inserts the experiment whose number the argument points to. */
static inline int insert_numbered(struct db *db, void *argument, struct qlstm_error *error)
{
	struct experiment_new new = new_experiment(numbered_id(*(const int *)argument));
	return experiment_insert(db, &new, 1000000, error);
}

/* store_fn: inserts it as well, and fails. */
static inline int insert_and_fail(struct db *db, void *argument, struct qlstm_error *error)
{
	int rc = insert_numbered(db, argument, error);
	return rc != 0 ? rc : error_set(error, ERR_INVALID, NULL, "changed my mind");
}

static inline int count_rows(struct db *db, void *argument, struct qlstm_error *error)
{
	int64_t *count = argument;
	*count = select_int(db, "SELECT count(*) FROM experiment");
	return *count >= 0 ? 0 : db_error(db, error);
}

static inline int64_t rows_seen(void)
{
	int64_t rows = -1;
	assert_int_equal(store_read(store, count_rows, &rows, NULL), 0);
	return rows;
}

#endif
