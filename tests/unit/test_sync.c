/* What a power cut leaves: every file that the project writes is on the disk before its name is, and its name before
 * anybody is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "server/run/prepare.h"
#include "server/worker/command.h"
#include "tests/unit/disk_trace.h"
#include "tests/unit/store_fixture.h"

static int drop(void **state)
{
	disk_stop();
	return drop_folder(state);
}

static int drop_store(void **state)
{
	disk_stop();
	return teardown(state);
}

static void assert_content(const char *name, const char *expected)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	char path[600];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(file_read(path, 1 << 20, &bytes, &length, NULL), 0);
	assert_int_equal(length, strlen(expected));
	assert_memory_equal(bytes, expected, length);
	free(bytes);
}

static void test_a_file(void **state)
{
	(void)state;
	disk_watch(folder);
	assert_int_equal(file_write_atomic(folder, "a", "one", 3, NULL), 0);
	assert_string_equal(disk_trace(), "make .a.tmp\nwrite .a.tmp\nsync .a.tmp\nrename .a.tmp a\nsync .\n");
	disk_watch(folder);
	assert_int_equal(file_write_atomic(folder, "a", "", 0, NULL),
	                 0); /* and one that is there, with nothing in it */
	assert_string_equal(disk_trace(), "make .a.tmp\nsync .a.tmp\nrename .a.tmp a\nsync .\n");
}

static void test_folders(void **state)
{
	(void)state;
	char path[400];
	snprintf(path, sizeof path, "%s/x/y/z", folder);
	disk_watch(folder);
	assert_int_equal(file_make_directory(path, NULL), 0);
	assert_string_equal(disk_trace(), "folder x\nsync .\nfolder x/y\nsync x\nfolder x/y/z\nsync x/y\n");
	/* A path without a slash is below the working folder. */
	char *before = getcwd(NULL, 0);
	assert_non_null(before);
	assert_int_equal(chdir(folder), 0);
	disk_watch(folder);
	int rc = file_make_directory("w", NULL);
	assert_int_equal(chdir(before), 0);
	free(before);
	assert_int_equal(rc, 0);
	assert_string_equal(disk_trace(), "folder w\nsync .\n");
}

/* Each step of a write fails once: the old content stays whole, no temporary file does. */
static void test_a_step_that_fails(void **state)
{
	(void)state;
	static const struct {
		const char *event;
		int number, code;
		const char *content, *message;
	} cases[] = {
	    {"make .a", ENOSPC, ERR_DISK_FULL, "old", "cannot write a: "},
	    {"make .a", EACCES, ERR_IO, "old", "cannot write a: "},
	    {"write .a", ENOSPC, ERR_DISK_FULL, "old", "cannot write a: "},
	    {"write .a", EDQUOT, ERR_DISK_FULL, "old", "cannot write a: "},
	    {"write .a", EFBIG, ERR_DISK_FULL, "old", "cannot write a: "},
	    {"write .a", EIO, ERR_IO, "old", "cannot write a: "},
	    {"write .a", ENOMEM, ERR_OUT_OF_MEMORY, "old", "cannot write a: "},
	    {"write .a", EINTR, 0, "new", ""},
	    {"sync .a", EIO, ERR_IO, "old", "cannot write a: "},
	    {"sync .a", ENOSPC, ERR_DISK_FULL, "old", "cannot write a: "},
	    {"rename .a", EIO, ERR_IO, "old", "cannot write a: "},
	    {"sync .\n", EIO, ERR_IO, "new", "cannot sync "},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct qlstm_error error = {0};
		disk_stop();
		assert_int_equal(file_write_atomic(folder, "a", "old", 3, NULL), 0);
		disk_watch(folder);
		disk_fail(cases[i].event, 0, cases[i].number);
		assert_int_equal(file_write_atomic(folder, "a", "new", 3, &error), cases[i].code);
		assert_int_equal(error.code, cases[i].code);
		assert_memory_equal(error.message, cases[i].message, strlen(cases[i].message));
		assert_content("a", cases[i].content);
		assert_null(strstr(disk_trace(), cases[i].code != 0 ? "rename .a.tmp a\nsync .a" : "remove"));
		char path[400];
		snprintf(path, sizeof path, "%s/a", folder);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(rmdir(folder), 0); /* nothing else is left */
		assert_int_equal(file_make_directory(folder, NULL), 0);
	}
}

static void test_folders_that_fail(void **state)
{
	(void)state;
	char path[400];
	snprintf(path, sizeof path, "%s/x/y", folder);
	disk_watch(folder);
	disk_fail("sync x", 0, EIO);
	assert_int_equal(file_make_directory(path, NULL), ERR_IO);
	disk_watch(folder);
	disk_fail("folder x/y", 0, ENOSPC);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(file_make_directory(path, NULL), ERR_DISK_FULL);
	assert_int_equal(access(path, F_OK), -1);
}

/* Bytes that the system takes in pieces. */
static void test_short_writes(void **state)
{
	(void)state;
	char path[400];
	snprintf(path, sizeof path, "%s/a", folder);
	disk_watch(folder);
	disk.longest = 7;
	assert_int_equal(file_write_atomic(folder, "a", "0123456789abcdefghijklmnopqrstuvwxyz", 36, NULL), 0);
	disk_stop();
	assert_content("a", "0123456789abcdefghijklmnopqrstuvwxyz");
}

/* What is read: all of it, or an error. */
static void test_reading(void **state)
{
	(void)state;
	static char large[150000];
	char path[400], expected[65], found[65];
	unsigned char *bytes = NULL;
	size_t length = 0, total = 0;
	struct qlstm_error error = {0};
	snprintf(path, sizeof path, "%s/a", folder);
	for (size_t i = 0; i < sizeof large; i++)
		large[i] = (char)(i * 7 % 251);
	assert_int_equal(file_write_atomic(folder, "a", large, sizeof large, NULL), 0);
	sha256_hex(large, sizeof large, expected);
	disk_watch(folder);
	disk.longest = 40000; /* the system gives it in pieces */
	assert_int_equal(file_read(path, sizeof large, &bytes, &length, NULL), 0);
	assert_int_equal(length, sizeof large);
	assert_memory_equal(bytes, large, sizeof large);
	free(bytes);
	assert_int_equal(sha256_file(path, found, &total, NULL), 0);
	assert_string_equal(found, expected);
	assert_int_equal(total, sizeof large);
	disk_fail("read a", 1, EINTR);
	assert_int_equal(file_read(path, sizeof large, &bytes, &length, NULL), 0);
	free(bytes);
	disk_fail("read a", 1, EINTR);
	assert_int_equal(sha256_file(path, found, NULL, NULL), 0);
	assert_string_equal(found, expected);
	bytes = NULL;
	disk_fail("read a", 1, EIO);
	assert_int_equal(file_read(path, sizeof large, &bytes, &length, &error), ERR_IO);
	assert_null(bytes);
	assert_memory_equal(error.message, "cannot read ", 12);
	error_clear(&error);
	disk_fail("read a", 1, EIO);
	assert_int_equal(sha256_file(path, found, NULL, &error), ERR_IO);
	assert_memory_equal(error.message, "cannot read ", 12);
}

/* A folder in which something cannot be removed. */
static void test_removing_that_fails(void **state)
{
	(void)state;
	char path[400];
	struct qlstm_error error = {0};
	snprintf(path, sizeof path, "%s/x/y", folder);
	assert_int_equal(file_make_directory(path, NULL), 0);
	assert_int_equal(file_write_atomic(path, "z", "", 0, NULL), 0);
	snprintf(path, sizeof path, "%s/x", folder);
	disk_watch(folder);
	disk_fail("remove x/y/z", 0, EACCES);
	assert_int_equal(file_remove_tree(path, &error), ERR_IO);
	assert_memory_equal(error.message, "cannot remove ", 14);
	assert_content("x/y/z", "");
	disk_fail("remove x/y\n", 1, EBUSY); /* the folder itself, once it is empty */
	assert_int_equal(file_remove_tree(path, NULL), ERR_IO);
	disk_fail("remove x/y\n", 1, ENOENT);                   /* somebody else was faster */
	assert_int_equal(file_remove_tree(path, NULL), ERR_IO); /* and x is not empty */
	assert_int_equal(file_remove_tree(path, NULL), 0);
	assert_int_equal(access(path, F_OK), -1);
}

/* A name so long that none is left for the temporary file. */
static void test_a_name_that_is_too_long(void **state)
{
	(void)state;
	char name[260];
	memset(name, 'n', sizeof name);
	name[242] = '\0'; /* with 1 + 1 + 8 + 4 it makes 256, one more than a name has */
	struct qlstm_error error = {0};
	disk_watch(folder);
	assert_int_equal(file_write_atomic(folder, name, "x", 1, &error), ERR_IO);
	assert_non_null(strstr(error.message, "name too long"));
	assert_string_equal(disk_trace(), "");
	name[241] = '\0';
	assert_int_equal(file_write_atomic(folder, name, "x", 1, NULL), 0);
}

static void test_an_attempt(void **state)
{
	(void)state;
	struct attempt attempt = {.token = {"ID", 3}, .spec_json = (char[]){"{}"}};
	struct prepared prepared;
	disk_watch(folder);
	assert_int_equal(prepare_attempt(folder, &attempt, &prepared, NULL), 0);
	close(prepared.log_file);
	assert_string_equal(disk_trace(),
	                    "folder runs\nsync .\nfolder runs/ID\nsync runs\nfolder runs/ID/attempt-3\nsync runs/ID\n"
	                    "make runs/ID/attempt-3/.spec.json.tmp\nwrite runs/ID/attempt-3/.spec.json.tmp\n"
	                    "sync runs/ID/attempt-3/.spec.json.tmp\n"
	                    "rename runs/ID/attempt-3/.spec.json.tmp runs/ID/attempt-3/spec.json\n"
	                    "sync runs/ID/attempt-3\nmake runs/ID/attempt-3/worker.log\n");
}

/* A whole training, as the worker does it. "lines" is its standard output: what stands above a line of the trace that
 * writes to it was done before the daemon could hear of it. */
static void train(const char *spec, const char *out)
{
	char path[400], lines[400];
	snprintf(path, sizeof path, "%s/spec", folder);
	snprintf(lines, sizeof lines, "%s/lines", folder);
	assert_int_equal(file_write_atomic(folder, "spec", spec, strlen(spec), NULL), 0);
	char *words[] = {path, "--out", (char *)(uintptr_t)out, "--checkpoint-seconds", "0"};
	struct option_value values[OPTIONS_MAX];
	const char *operand = NULL;
	assert_int_equal(options_read(command_train.options, command_train.operand, 5, words, &operand, values, NULL),
	                 0);
	fflush(stdout);
	int kept = dup(STDOUT_FILENO), file = open(lines, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(kept >= 0 && file >= 0);
	assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
	close(file);
	disk_watch(folder);
	int status = command_train.run(operand, values);
	disk_stop();
	fflush(stdout);
	assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
	close(kept);
	assert_int_equal(status, WORKER_DONE);
}

#define WRITTEN(name)                                                                                                  \
	"make out/." name ".tmp\nwrite out/." name ".tmp\nsync out/." name ".tmp\nrename out/." name ".tmp out/" name  \
	"\nsync out\n"
#define CHECKPOINT(epoch) WRITTEN("checkpoint-" epoch ".safetensors")

static void test_a_worker(void **state)
{
	(void)state;
	char out[400];
	snprintf(out, sizeof out, "%s/out", folder);
	train("{\"type\":\"lstm\",\"hidden_size\":1,\"training\":{\"epochs\":4}}", out);
	assert_string_equal(
	    disk_trace(),
	    "folder out\nsync .\nwrite lines\n" CHECKPOINT("1") "write lines\n" CHECKPOINT(
	        "2") "write lines\n" CHECKPOINT("3") "write lines\nremove out/checkpoint-1.safetensors\n"
	                                             "write lines\n" WRITTEN("weights.safetensors")
	                                                 WRITTEN("predictions.csv") WRITTEN("report.json")
	                                                     WRITTEN("events.out.tfevents.qlstm")
	                                                         WRITTEN("state.safetensors")
	                                                             WRITTEN("resolved-spec.json") "write lines\n");
}

/* When store_write returns, its log is on the disk. */
static void test_a_commit(void **state)
{
	(void)state;
	for (int number = 0; number < 3; number++) {
		disk_watch(folder);
		assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
		assert_log_is_synced(disk_trace());
	}
}

/* A new log has a name that survives: its folder is synced before the first commit is acknowledged. */
static void test_a_new_log(void **state)
{
	assert_int_equal(make_folder(state), 0);
	disk_watch(folder);
	assert_int_equal(open_store(state), 0);
	int number = 1;
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	const char *made = strstr(disk_trace(), "make qlstmd.db-wal\n");
	assert_non_null(made);
	assert_non_null(strstr(made, "sync .\n"));
}

/* The log goes into the database, and only once that is on the disk is it emptied. */
static void test_a_checkpoint(void **state)
{
	int number = 1;
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	disk_watch(folder);
	assert_int_equal(close_store(state), 0);
	char trace[4096];
	snprintf(trace, sizeof trace, "%.4000s", disk_keep(disk_trace(), "qlstmd.db"));
	disk_stop();
	const char *write = strstr(trace, "write \n"), *sync = strstr(trace, "sync \n");
	const char *emptied = strstr(trace, "truncate -wal\n");
	assert_true(write != NULL && sync != NULL && emptied != NULL);
	assert_true(write < sync && sync < emptied);
	assert_null(strstr(sync, "write \n"));
	assert_int_equal(open_store(state), 0);
}

/* A sync that fails is no success. */
static void test_a_commit_that_cannot_be_synced(void **state)
{
	(void)state;
	int number = 1;
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	disk_watch(folder);
	disk_fail("sync qlstmd.db-wal", 0, EIO);
	number = 2;
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), ERR_IO);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop)
#define STORE(test)  cmocka_unit_test_setup_teardown(test, setup, drop_store)
	const struct CMUnitTest tests[] = {
	    FOLDER(test_a_file),
	    FOLDER(test_folders),
	    FOLDER(test_a_step_that_fails),
	    FOLDER(test_folders_that_fail),
	    FOLDER(test_short_writes),
	    FOLDER(test_reading),
	    FOLDER(test_removing_that_fails),
	    FOLDER(test_a_name_that_is_too_long),
	    FOLDER(test_an_attempt),
	    FOLDER(test_a_worker),
	    STORE(test_a_commit),
	    cmocka_unit_test_teardown(test_a_new_log, drop_store),
	    STORE(test_a_checkpoint),
	    STORE(test_a_commit_that_cannot_be_synced),
	};
	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
