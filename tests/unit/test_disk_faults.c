/* A disk that fails below SQLite, at every operation in turn, and one whose power is cut there: nobody crashes, what
 * was acknowledged is there afterwards, the database is whole, and the next start recovers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "server/store/datasets.h"
#include "server/store/files.h"
#include "server/store/migrate.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/vfs_faults.h"

enum { RUNS = 3, DELETED = 1, EPOCHS = 2 };

/* What the store said was done. */
static struct {
	bool opened, inserted[RUNS], deleted, uploaded;
	int epochs;
} said;
static struct run_token token;

static int claim(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)argument;
	int64_t next_due = 0;
	return turn_claim(db, 2000, TURN_ANY_ROOM, &token, &next_due, error);
}

static int epoch(struct db *db, void *argument, struct qlstm_error *error)
{
	const struct metric_row metric = {
	    .epoch = *(const int *)argument, .attempt = 1, .seconds = 1, .metrics_json = METRICS_1};
	return progress_epoch(db, &token, &metric, 3000, error);
}

static int cancel_and_delete(struct db *db, void *argument, struct qlstm_error *error)
{
	enum run_status now;
	int rc = state_cancel(db, argument, 4000, &now, error);
	return rc == 0 ? experiment_delete(db, argument, error) : rc;
}

static int upload(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)argument;
	bool existed = false;
	struct dataset_row row = {.name = (char[]){"mine"},
	                          .file = (char[]){"hash.csv"},
	                          .kind = (char[]){"csv"},
	                          .columns_json = (char[]){"[]"},
	                          .description_json = (char[]){"{}"}};
	snprintf(row.id, sizeof row.id, "%s", numbered_id(50));
	return dataset_insert(db, &row, &existed, error);
}

static int recover(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)argument;
	int requeued, cancelled;
	return state_recover(db, 5000, &requeued, &cancelled, error);
}

/* A start, submissions, an upload, a run with epochs, a deletion, and an end; goes on after whatever fails. */
static void live(void)
{
	memset(&said, 0, sizeof said);
	said.opened = uv_loop_init(&loop) == 0 && store_open(&store, database, &loop, NULL) == 0;
	if (!said.opened) {
		uv_run(&loop, UV_RUN_DEFAULT);
		assert_int_equal(uv_loop_close(&loop), 0);
		return;
	}
	store_write(store, recover, NULL, NULL);
	for (int i = 0; i < RUNS; i++)
		said.inserted[i] = store_write(store, insert_numbered, &i, NULL) == 0;
	said.uploaded = store_write(store, upload, NULL, NULL) == 0;
	token = (struct run_token){0};
	if (store_write(store, claim, NULL, NULL) == 0)
		for (int i = 1; i <= EPOCHS; i++)
			if (store_write(store, epoch, &i, NULL) == 0)
				said.epochs = i;
	if (said.inserted[DELETED] && strcmp(token.id, numbered_id(DELETED)) != 0)
		said.deleted = store_write(store, cancel_and_delete, (void *)numbered_id(DELETED), NULL) == 0;
	assert_int_equal(close_store(NULL), 0);
}

static int is_there(struct db *db, const char *id)
{
	struct experiment_row row;
	int rc = experiment_get(db, id, &row, NULL);
	if (rc == 0)
		experiment_row_free(&row);
	return rc == 0;
}

/* On a disk that works again: what was said holds. */
static int look(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)argument;
	db_query(db, "PRAGMA integrity_check");
	assert_int_equal(db_step(db), 1);
	assert_string_equal(db_text(db, 0), "ok");
	assert_int_equal(db_finish(db), 0);
	for (int i = 0; i < RUNS; i++)
		if (said.inserted[i] && !(i == DELETED && strcmp(token.id, numbered_id(DELETED)) != 0))
			assert_true(is_there(db, numbered_id(i)));
	if (said.deleted) {
		struct run_files files;
		assert_int_equal(files_of_run(db, numbered_id(DELETED), &files, error), 0);
		assert_true(!files.known && files.deleted);
	}
	if (said.epochs > 0)
		assert_true(select_int(db, "SELECT max(epoch) FROM epoch_metric") >= said.epochs);
	if (said.uploaded)
		assert_int_equal(select_int(db, "SELECT count(*) FROM dataset WHERE name = 'mine'"), 1);
	return 0;
}

static void assert_said_holds(void)
{
	assert_int_equal(open_store(NULL), 0);
	assert_int_equal(store_write(store, recover, NULL, NULL), 0);
	assert_int_equal(store_read(store, look, NULL, NULL), 0);
	assert_int_equal(close_store(NULL), 0);
}

static void make_new_folder(void)
{
	assert_int_equal(file_remove_tree(folder, NULL), 0);
	assert_int_equal(file_make_directory(folder, NULL), 0);
}

/* The n-th operation of a kind fails, for each n until no more are done; in a new folder and in one that is in use. */
static void fail_each(enum vfs_kind kind, int code, bool persists, bool in_use)
{
	int n = 0;
	for (bool happened = true; happened; n++) {
		make_new_folder();
		if (in_use)
			live();
		vfs_fail(kind, n, code, persists);
		live();
		happened = vfs_mend();
		assert_said_holds();
	}
	assert_true(n > (kind == VFS_WRITE ? 10 : 1));
}

static void test_writes(void **state)
{
	(void)state;
	fail_each(VFS_WRITE, SQLITE_FULL, false, false);
	fail_each(VFS_WRITE, SQLITE_IOERR_WRITE, false, false);
	fail_each(VFS_WRITE, SQLITE_FULL, true, false);
}

static void test_syncs_and_truncates(void **state)
{
	(void)state;
	fail_each(VFS_SYNC, SQLITE_IOERR_FSYNC, false, false);
	fail_each(VFS_SYNC, SQLITE_IOERR_FSYNC, true, false);
	fail_each(VFS_TRUNCATE, SQLITE_IOERR_TRUNCATE, false, false);
	fail_each(VFS_TRUNCATE, SQLITE_IOERR_TRUNCATE, true, false);
}

static unsigned long long dice;

static bool keep_some(void)
{
	dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
	return (dice >> 33 & 1) != 0;
}

static bool keep_none(void)
{
	return false;
}

/* The power goes at the n-th operation: nothing that was not synced is there, or some of it, in any order. */
static void cut_each(bool (*keep)(void))
{
	char shared[320];
	snprintf(shared, sizeof shared, "%s-shm", database);
	int n = 0;
	for (bool happened = true; happened; n++) {
		make_new_folder();
		vfs_cut(n);
		live();
		happened = vfs_mend();
		dice = (unsigned long long)n;
		unlink(shared); /* memory */
		vfs_after_cut(keep);
		assert_said_holds();
	}
	assert_true(n > 20);
}

static void test_power_cuts(void **state)
{
	(void)state;
	cut_each(keep_none);
	cut_each(keep_some);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	vfs_install();
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {TEST(test_writes), TEST(test_syncs_and_truncates), TEST(test_power_cuts)};
	return cmocka_run_group_tests_name("disk_faults", tests, NULL, NULL);
}
