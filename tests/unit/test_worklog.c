/* worker.log: one line stays one line, and too much is cut short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "server/run/worklog.h"
#include "tests/unit/worker_fixture.h"

static struct worklog *worklog;

static int open_log(void)
{
	char path[300];
	snprintf(path, sizeof path, "%s/log", folder);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int setup(void **state)
{
	if (make_folder(state) != 0 || open_loop() != 0)
		return -1;
	return worklog_open(&worklog, &loop, open_log(), NULL);
}

static int teardown(void **state)
{
	return close_loop() != 0 ? -1 : drop_folder(state);
}

static void add(const char *level, const char *text)
{
	worklog_add(worklog, level, text, strlen(text));
}

static void test_lines(void **state)
{
	(void)state;
	static const char odd[] = "two\nthree\x1b[2J\t\0 caf\xc3\xa9";
	add("info", "one");
	add("warning", "");
	worklog_add(worklog, "error", odd, sizeof odd - 1);
	worklog_add(worklog, "info", "cut here", 3);
	worklog_close(worklog);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_string_equal(read_text("log"), "info one\nwarning \nerror two three [2J   caf\xc3\xa9\ninfo cut\n");
}

static void test_nothing_was_said(void **state)
{
	(void)state;
	worklog_close(worklog);
	worklog_close(NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_string_equal(read_text("log"), "");
}

/* While one write is under way so much may wait, and no more: 32768 bytes. */
static void test_what_waits_is_limited(void **state)
{
	(void)state;
	static char text[32768];
	memset(text, 'x', sizeof text);
	add("a", "first"); /* under way from here on */
	worklog_add(worklog, "b", text, 16384 - 3);
	worklog_add(worklog, "c", text, 16384 - 2); /* one too many */
	worklog_add(worklog, "d", text, 16384 - 3); /* fills it */
	add("e", "");
	worklog_close(worklog);
	uv_run(&loop, UV_RUN_DEFAULT);
	const char *log = read_text("log");
	assert_int_equal(strlen(log), 8 + 32768);
	assert_memory_equal(log, "a first\nb xxx", 13);
	assert_memory_equal(log + 8 + 16384, "d xxx", 5);
}

/* And so much altogether: 4 MiB. */
static void test_a_log_is_limited(void **state)
{
	(void)state;
	static char text[32768];
	struct stat status;
	char path[300];
	memset(text, 'x', sizeof text);
	for (int i = 0; i < 127; i++) {
		worklog_add(worklog, "b", text, 32768 - 3);
		uv_run(&loop, UV_RUN_DEFAULT);
	}
	worklog_add(worklog, "b", text, 32768 - 4); /* 4 MiB - 1 */
	uv_run(&loop, UV_RUN_DEFAULT);
	add("", ""); /* takes two */
	worklog_close(worklog);
	uv_run(&loop, UV_RUN_DEFAULT);
	snprintf(path, sizeof path, "%s/log", folder);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, (4 << 20) - 1);
}

/* The file is closed at the end, whatever was under way. */
static void test_the_file_is_closed(void **state)
{
	(void)state;
	int before = open_log(), after;
	close(before);
	add("info", "one");
	worklog_close(worklog);
	uv_run(&loop, UV_RUN_DEFAULT);
	after = open_log();
	close(after);
	assert_true(after < before); /* its number is free again */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_lines),
	    TEST(test_nothing_was_said),
	    TEST(test_what_waits_is_limited),
	    TEST(test_a_log_is_limited),
	    TEST(test_the_file_is_closed),
	};
	return cmocka_run_group_tests_name("worklog", tests, NULL, NULL);
}
