/* Results count only when every byte is the one that was announced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <unistd.h>

#include "server/run/collect.h"
#include "tests/unit/state_fixture.h"

#define ATTEMPT "runs/" ID "/attempt-4"

static struct message done;

static int start(void **state)
{
	char path[600];
	if (setup(state) != 0)
		return -1;
	snprintf(path, sizeof path, "%s/" ATTEMPT, folder);
	done = (struct message){.kind = MESSAGE_DONE};
	return file_make_directory(path, NULL);
}

static void put_file(const char *name, const char *text)
{
	char path[600];
	snprintf(path, sizeof path, "%s/" ATTEMPT, folder);
	assert_int_equal(file_write_atomic(path, name, text, strlen(text), NULL), 0);
}

/* The next artifact is announced as this text. */
static void announce(const char *name, const char *file, const char *text)
{
	struct artifact_row *row = &done.is.done.artifacts[done.is.done.n_artifacts++];
	*row = (struct artifact_row){.bytes = (int64_t)strlen(text)};
	snprintf(row->name, sizeof row->name, "%s", name);
	snprintf(row->file, sizeof row->file, "%s", file);
	sha256_hex(text, strlen(text), row->sha256);
}

static void test_what_holds(void **state)
{
	(void)state;
	put_file("w", "weights");
	put_file("p.csv", "");
	put_file("r", "report");
	announce("weights", "w", "weights");
	announce("predictions", "p.csv", "");
	announce("report", "r", "report");
	assert_int_equal(collect_verify(folder, &current, &done, NULL), 0);
	assert_string_equal(done.is.done.artifacts[0].file, "attempt-4/w");
	assert_string_equal(done.is.done.artifacts[1].file, "attempt-4/p.csv");
	assert_string_equal(done.is.done.artifacts[2].file, "attempt-4/r");
	assert_int_equal(done.is.done.artifacts[0].bytes, 7);
}

static void test_what_does_not(void **state)
{
	(void)state;
	static const struct {
		const char *on_disk, *announced;
		int more, code;
		const char *message;
	} cases[] = {
	    {"weights", "weightS", 0, ERR_CORRUPT, "the artifact 'second' is not what the worker announced"},
	    {"weights", "weights!", 0, ERR_CORRUPT, "the artifact 'second' is not what the worker announced"},
	    {"weights", "", 0, ERR_CORRUPT, "the artifact 'second' is not what the worker announced"},
	    {"weights", "weights", 1, ERR_CORRUPT, "the artifact 'second' is not what the worker announced"},
	    {"weights", "weights", -1, ERR_CORRUPT, "the artifact 'second' is not what the worker announced"},
	    {NULL, "weights", 0, ERR_NOT_FOUND, "cannot open "},
	    {"weights", "weights", 0, 0, ""},
	};
	put_file("a", "first");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char path[600];
		struct qlstm_error error = {0};
		snprintf(path, sizeof path, "%s/" ATTEMPT "/b", folder);
		unlink(path);
		if (cases[i].on_disk != NULL)
			put_file("b", cases[i].on_disk);
		done.is.done.n_artifacts = 0;
		announce("first", "a", "first");
		announce("second", "b", cases[i].announced);
		done.is.done.artifacts[1].bytes += cases[i].more; /* the hash holds, the size does not */
		assert_int_equal(collect_verify(folder, &current, &done, &error), cases[i].code);
		assert_memory_equal(error.message, cases[i].message, strlen(cases[i].message));
	}
}

/* A link is no result: it could lead anywhere. */
static void test_links_are_not_followed(void **state)
{
	(void)state;
	char path[600];
	put_file("a", "text");
	snprintf(path, sizeof path, "%s/" ATTEMPT "/b", folder);
	assert_int_equal(symlink("a", path), 0);
	announce("weights", "b", "text");
	assert_int_equal(collect_verify(folder, &current, &done, NULL), ERR_IO);
}

static void test_success_registers_all(void **state)
{
	(void)state;
	struct artifact_row rows[4];
	insert(ID);
	put(STATUS_RUNNING, 0, 3);
	announce("weights", "w", "weights");
	announce("report", "r", "report");
	assert_int_equal(collect_store(db, &current, &done, NULL), 0);
	assert_int_equal(get_status(), STATUS_SUCCEEDED);
	assert_int_equal(artifact_list(db, ID, rows, 4, NULL), 2);
	assert_string_equal(rows[0].name, "report");
	assert_string_equal(rows[1].name, "weights");
	assert_string_equal(rows[1].file, "w");
	assert_string_equal(rows[1].sha256, done.is.done.artifacts[0].sha256);
	assert_int_equal(rows[1].bytes, 7);
	assert_true(select_int(db, "SELECT finished_at FROM experiment") > 1700000000000);
}

static void test_a_stale_token_registers_nothing(void **state)
{
	(void)state;
	struct artifact_row rows[4];
	insert(ID);
	put(STATUS_RUNNING, 0, 3);
	announce("weights", "w", "weights");
	assert_int_equal(collect_store(db, &(struct run_token){ID, 3}, &done, NULL), ERR_CONFLICT);
	assert_int_equal(get_status(), STATUS_RUNNING);
	assert_int_equal(artifact_list(db, ID, rows, 4, NULL), 0);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_what_holds),
	    TEST(test_what_does_not),
	    TEST(test_links_are_not_followed),
	    TEST(test_success_registers_all),
	    TEST(test_a_stale_token_registers_nothing),
	};
	return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}
