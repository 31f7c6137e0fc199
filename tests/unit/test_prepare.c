/* The folder that a worker starts in: what is in it, what it goes on from, what stands in the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "server/run/prepare.h"
#include "tests/unit/disk_trace.h"
#include "tests/unit/experiment_fixture.h"

#define ID  "01ARZ3NDEKTSV4RRFFQ69G5FAV"
#define RUN "runs/" ID "/attempt-3"

static struct attempt attempt;
static struct prepared prepared;

static int setup(void **state)
{
	static char spec[] = "{\"seed\":1}";
	attempt = (struct attempt){.token = {ID, 3}, .spec_json = spec, .threads = 5};
	return make_folder(state);
}

static int teardown(void **state)
{
	disk_stop();
	return drop_folder(state);
}

static const char *in_folder(const char *name)
{
	static char paths[4][600];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static void put(const char *inside, const char *name, const char *text)
{
	assert_int_equal(file_make_directory(in_folder(inside), NULL), 0);
	assert_int_equal(file_write_atomic(in_folder(inside), name, text, strlen(text), NULL), 0);
}

static void assert_content(const char *path, const char *expected)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	assert_int_equal(file_read(path, 1 << 20, &bytes, &length, NULL), 0);
	assert_string_equal((char *)bytes, expected);
	free(bytes);
}

static ino_t file_number(const char *path)
{
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	return status.st_ino;
}

/* Prepares and closes the log. */
static int prepare(struct qlstm_error *error)
{
	int rc = prepare_attempt(folder, &attempt, &prepared, error);
	if (prepared.log_file >= 0)
		assert_int_equal(close(prepared.log_file), 0);
	return rc;
}

static void test_a_first_attempt(void **state)
{
	(void)state;
	assert_int_equal(prepare_attempt(folder, &attempt, &prepared, NULL), 0);
	assert_string_equal(prepared.folder, in_folder(RUN));
	assert_string_equal(prepared.data, "");
	assert_string_equal(prepared.resume, "");
	assert_int_equal(prepared.threads, 5);
	assert_content(in_folder(RUN "/spec.json"), "{\"seed\":1}");
	assert_int_equal(write(prepared.log_file, "one\n", 4), 4);
	assert_int_equal(close(prepared.log_file), 0);
	/* The same attempt once more (of a data directory that was put back from a copy): the log is gone on with. */
	assert_int_equal(prepare_attempt(folder, &attempt, &prepared, NULL), 0);
	assert_int_equal(write(prepared.log_file, "two\n", 4), 4);
	assert_true((fcntl(prepared.log_file, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(close(prepared.log_file), 0);
	assert_content(in_folder(RUN "/worker.log"), "one\ntwo\n");
	struct stat status;
	assert_int_equal(stat(in_folder(RUN "/worker.log"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void use_data(const char *text)
{
	char name[80];
	sha256_hex(text, strlen(text), attempt.dataset_sha256);
	snprintf(name, sizeof name, "%s.csv", attempt.dataset_sha256);
	snprintf(attempt.dataset_file, sizeof attempt.dataset_file, "%s", name);
	put("datasets", name, text);
}

static const char *stored_data(void)
{
	char name[100];
	snprintf(name, sizeof name, "datasets/%s.csv", attempt.dataset_sha256);
	return in_folder(name);
}

static void test_the_data_set_is_linked(void **state)
{
	(void)state;
	use_data("a\n1\n");
	put(RUN, "data.csv", "of a future that did not happen");
	assert_int_equal(prepare(NULL), 0);
	assert_string_equal(prepared.data, in_folder(RUN "/data.csv"));
	assert_true(file_number(prepared.data) == file_number(stored_data()));
	assert_content(prepared.data, "a\n1\n");
}

static void test_a_data_set_that_is_lost(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	use_data("a\n1\n");
	char *path = strdup(stored_data());
	assert_non_null(path);
	assert_int_equal(file_write_atomic(in_folder("datasets"), strrchr(path, '/') + 1, "a\n2\n", 4, NULL), 0);
	assert_int_equal(prepare(&error), ERR_INVALID); /* the same size, other bytes */
	assert_memory_equal(error.message, "the data set is lost: ", 22);
	assert_non_null(strstr(error.message, "has changed"));
	assert_int_equal(prepared.log_file, -1);
	assert_int_equal(unlink(path), 0);
	error_clear(&error);
	assert_int_equal(prepare(&error), ERR_INVALID);
	assert_memory_equal(error.message, "the data set is lost: ", 22);
	assert_int_equal(symlink("/dev/null", path), 0); /* no file: that may pass, and is not the data set's fault */
	error_clear(&error);
	assert_int_equal(prepare(&error), ERR_IO);
	assert_memory_equal(error.message, "cannot open ", 12);
	free(path);
}

/* Where a file system has no links, or no more of them, the bytes are copied, and as safely as any. */
static void test_without_links_it_is_copied(void **state)
{
	(void)state;
	use_data("a\n1\n");
	put(RUN, "data.csv", "old");
	disk_watch(folder);
	disk_fail("link datasets", 0, EPERM);
	assert_int_equal(prepare(NULL), 0);
	assert_true(file_number(prepared.data) != file_number(stored_data()));
	assert_content(prepared.data, "a\n1\n");
	assert_non_null(strstr(disk_trace(), "write " RUN "/.data.csv.tmp\nsync " RUN "/.data.csv.tmp\nrename " RUN
	                                     "/.data.csv.tmp " RUN "/data.csv\nsync " RUN "\n"));
	disk_watch(folder);
	disk_fail("link datasets", 1, EMLINK); /* after the one that finds something there */
	assert_int_equal(prepare(NULL), 0);
	assert_content(prepared.data, "a\n1\n");
	disk_watch(folder);
	disk_fail("remove " RUN "/data.csv", 0, EACCES);
	assert_int_equal(prepare(NULL), 0);
	assert_content(prepared.data, "a\n1\n");
}

static void use_checkpoint(int place, int epoch, int of_attempt, const char *text)
{
	struct checkpoint_row *row = &attempt.checkpoints[place];
	char inside[100];
	*row = (struct checkpoint_row){.epoch = epoch, .attempt = of_attempt};
	snprintf(row->file, sizeof row->file, "checkpoint-%d", epoch);
	snprintf(inside, sizeof inside, "runs/" ID "/attempt-%d", of_attempt);
	sha256_hex(text, strlen(text), row->sha256);
	put(inside, row->file, text);
	attempt.n_checkpoints = place + 1;
}

static void test_the_newest_checkpoint_that_holds(void **state)
{
	(void)state;
	use_checkpoint(0, 20, 2, "twenty");
	use_checkpoint(1, 10, 1, "ten");
	assert_int_equal(prepare(NULL), 0);
	assert_string_equal(prepared.resume, in_folder(RUN "/checkpoint-20"));
	assert_content(prepared.resume, "twenty");
	assert_true(file_number(prepared.resume) == file_number(in_folder("runs/" ID "/attempt-2/checkpoint-20")));
	put("runs/" ID "/attempt-2", "checkpoint-20", "twentY");
	assert_int_equal(prepare(NULL), 0);
	assert_string_equal(prepared.resume, in_folder(RUN "/checkpoint-10"));
	assert_content(prepared.resume, "ten");
	assert_int_equal(unlink(in_folder("runs/" ID "/attempt-1/checkpoint-10")), 0);
	assert_int_equal(prepare(NULL), 0);
	assert_string_equal(prepared.resume, ""); /* from scratch */
	attempt.n_checkpoints = 0;
	put("runs/" ID "/attempt-2", "checkpoint-20", "twenty");
	assert_int_equal(prepare(NULL), 0);
	assert_string_equal(prepared.resume, "");
}

/* Nothing that another attempt owns is touched. */
static void test_other_attempts_keep_their_files(void **state)
{
	(void)state;
	use_checkpoint(0, 20, 2, "twenty");
	put("runs/" ID "/attempt-2", "spec.json", "theirs");
	use_data("a\n1\n");
	disk_watch(folder);
	assert_int_equal(prepare(NULL), 0);
	assert_null(strstr(disk_trace(), "remove"));
	assert_content(in_folder("runs/" ID "/attempt-2/spec.json"), "theirs");
	assert_content(in_folder("runs/" ID "/attempt-2/checkpoint-20"), "twenty");
}

static void test_a_full_disk(void **state)
{
	(void)state;
	static const struct {
		const char *event;
		int number, code;
	} cases[] = {
	    {"folder " RUN, ENOSPC, ERR_DISK_FULL},
	    {"write " RUN "/.spec.json", ENOSPC, ERR_DISK_FULL},
	    {"make " RUN "/.data.csv", ENOSPC, ERR_DISK_FULL},
	    {"make " RUN "/.checkpoint-20", ENOSPC, ERR_DISK_FULL},
	    {"make " RUN "/worker.log", ENOSPC, ERR_DISK_FULL},
	    {"make " RUN "/worker.log", EACCES, ERR_IO},
	};
	use_checkpoint(0, 20, 2, "twenty");
	use_data("a\n1\n");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct qlstm_error error = {0};
		assert_int_equal(file_remove_tree(in_folder(RUN), NULL), 0);
		disk_watch(folder);
		disk_fail(cases[i].event, 0, cases[i].number);
		if (strstr(cases[i].event, "/.data") != NULL || strstr(cases[i].event, "/.check") != NULL)
			disk.fail_links = true;
		assert_int_equal(prepare(&error), cases[i].code);
		assert_int_equal(error.code, cases[i].code);
		assert_int_equal(prepared.log_file, -1);
	}
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_first_attempt),
	    TEST(test_the_data_set_is_linked),
	    TEST(test_a_data_set_that_is_lost),
	    TEST(test_without_links_it_is_copied),
	    TEST(test_the_newest_checkpoint_that_holds),
	    TEST(test_other_attempts_keep_their_files),
	    TEST(test_a_full_disk),
	};
	return cmocka_run_group_tests_name("prepare", tests, NULL, NULL);
}
