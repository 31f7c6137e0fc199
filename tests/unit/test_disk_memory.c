/* Every allocation of ours fails once in what looks after the data directory: the start, sweeps, checks, backups and
 * restoring; whoever asked is told, nothing is lost, nothing leaks. Of our own sources alone (wrapped_allocation.h);
 * SQLite's are not among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <unistd.h>

#include "schema/embed.h"
#include "server/disk/backup.h"
#include "server/disk/caretaker.h"
#include "server/disk/check.h"
#include "server/disk/loss.h"
#include "server/disk/sweep.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/wrapped_allocation.h"

#define OLD "01ARZ3NDEKTSV4RRFF00000000" /* older than the experiment */
#define ID  "01ARZ3NDEKTSV4RRFF00000001"

static struct db *db, *reader;
static struct qlstm_error error;

static const char *in_folder(const char *name)
{
	static char paths[4][600];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static void put(const char *inside, const char *name)
{
	assert_int_equal(file_make_directory(in_folder(inside), NULL), 0);
	assert_int_equal(file_write_atomic(in_folder(inside), name, name, strlen(name), NULL), 0);
}

/* A run with a result, and what is nobody's. */
static int fill_folder(void **state)
{
	struct artifact_row artifact = {.name = "weights", .file = "attempt-1/weights.safetensors", .bytes = 19};
	sha256_hex("weights.safetensors", 19, artifact.sha256);
	if (make_folder(state) != 0 || db_open(&db, database, DB_WRITER, schema_database_sql, NULL) != 0)
		return -1;
	struct experiment_new new = new_experiment(ID);
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'succeeded', attempt = 1"), 0);
	assert_int_equal(artifact_insert(db, ID, &artifact, NULL), 0);
	put("runs/" ID "/attempt-1", "weights.safetensors");
	put("runs/" ID "/attempt-1", "worker.log");
	return db_open(&reader, database, DB_READER, NULL, NULL);
}

static int drop(void **state)
{
	char file[400];
	snprintf(file, sizeof file, "%s.backup", folder);
	unlink(file);
	db_close(reader);
	db_close(db);
	return drop_folder(state);
}

static int read_directly(void *context, store_fn fn, void *argument, struct qlstm_error *why)
{
	return fn(context, argument, why);
}

static int call_sweep(void)
{
	const struct inventory inventory = {.data_dir = folder, .read = read_directly, .context = db, .alone = true};
	struct sweep done;
	struct loss loss = {0};
	put("runs/" OLD "/attempt-1", "worker.log");
	put("runs/" ID "/attempt-1", "checkpoint-3.safetensors");
	int rc = loss_after_open(&inventory, false, &loss, &error);
	return rc == 0 ? sweep(&inventory, &done, &error) : rc;
}

static void ignore(const char *kind, const char *path, const char *what)
{
	(void)kind, (void)path, (void)what;
}

static int call_check(void)
{
	struct check found = {0};
	int rc = check_directory(folder, ignore, &found, &error);
	if (rc == 0)
		assert_int_equal(found.files, 1);
	assert_int_equal(found.damaged, 0);
	return rc;
}

static int call_backup(void)
{
	struct backup backup;
	struct backup_report report = {0};
	char file[400];
	snprintf(file, sizeof file, "%s.backup", folder);
	unlink(file);
	if (db_begin(reader) != 0)
		return db_error(reader, &error);
	int rc = backup_begin(reader, folder, file, BACKUP_TRIES - 1, &backup, &error);
	db_rollback(reader);
	if (rc == 0)
		rc = backup_finish(&backup, file, &report, &error);
	if (rc == 0)
		assert_true(report.files == 1 && report.missing == 0);
	return rc;
}

static int call_restore(void)
{
	struct backup_report report;
	char file[400], target[400];
	snprintf(file, sizeof file, "%s.backup", folder);
	snprintf(target, sizeof target, "%s.restored", folder);
	assert_int_equal(file_remove_tree(target, NULL), 0);
	int rc = backup_restore(file, target, &report, &error);
	snprintf(target, sizeof target, "%s.restored/qlstmd.db", folder);
	assert_true((access(target, F_OK) == 0) == (rc == 0)); /* one cut off does not pass for whole */
	snprintf(target, sizeof target, "%s.restored", folder);
	assert_int_equal(file_remove_tree(target, NULL), 0);
	return rc;
}

static int call_start(void)
{
	struct reserve *reserve = NULL;
	struct caretaker *caretaker = NULL;
	struct loss loss = {0};
	uv_loop_t turning;
	assert_int_equal(uv_loop_init(&turning), 0);
	const struct caretaker_config config = {.data_dir = folder, .sweep_seconds = 1000};
	int rc = loss_before_open(folder, false, &loss, &error);
	if (rc == 0)
		rc = reserve_open(&reserve, folder, 1 << 20, &error);
	if (rc == 0)
		rc = caretaker_open(&caretaker, &turning, NULL, &config, &error);
	caretaker_close(caretaker);
	reserve_close(reserve);
	uv_run(&turning, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&turning), 0);
	return rc;
}

static void test_every_allocation(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int (*run)(void);
		int least; /* allocations that it makes */
	} calls[] = {{"sweep", call_sweep, 0},
	             {"check", call_check, 2},
	             {"backup", call_backup, 3},
	             {"restore", call_restore, 2},
	             {"start", call_start, 2}};
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		int n = 0;
		for (bool failed = true; failed; n++) {
			error_clear(&error);
			left = n;
			int rc = calls[i].run();
			failed = left < 0;
			left = -1;
			if (rc != (failed ? ERR_OUT_OF_MEMORY : 0) || error.code != rc)
				fail_msg("%s, allocation %d: %d, %s", calls[i].name, n, rc, error.message);
		}
		if (n <= calls[i].least)
			fail_msg("%s: %d allocations", calls[i].name, n - 1);
	}
	assert_int_equal(call_check(), 0);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_every_allocation, fill_folder, drop)};
	return cmocka_run_group_tests_name("disk_memory", tests, NULL, NULL);
}
