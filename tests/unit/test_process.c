/* A running worker: how it is started, its lines, its time, its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>

#include "server/run/process.h"
#include "server/run/train_command.h"
#include "tests/unit/worker_fixture.h"

static struct process *process;
static struct prepared prepared;
static struct launcher launcher;
static struct worker_config config;

/* What was heard of it; times in ms of the loop's clock. */
static struct {
	char text[4096];
	int lines, too_long, over;
	uint64_t started_at, line_at, over_at;
	void (*on_line)(void);
} heard;

static uint64_t now_ms(void)
{
	uv_update_time(&loop);
	return uv_now(&loop);
}

static void on_line(void *context, const char *text, size_t length)
{
	assert_ptr_equal(context, &heard);
	assert_int_equal(heard.over, 0);
	heard.lines++;
	heard.too_long += text == NULL;
	heard.line_at = uv_now(&loop);
	if (text != NULL && strlen(heard.text) + length + 2 < sizeof heard.text)
		sprintf(heard.text + strlen(heard.text), "%.*s|", (int)length, text);
	if (heard.on_line != NULL)
		heard.on_line();
}

static void on_over(void *context)
{
	assert_ptr_equal(context, &heard);
	heard.over++;
	heard.over_at = now_ms();
}

static const struct process_events events = {on_line, on_over};

static int setup(void **state)
{
	memset(&heard, 0, sizeof heard);
	process = NULL;
	if (make_folder(state) != 0 || make_worker() != 0 || open_loop() != 0)
		return -1;
	launcher = launcher_local(&loop);
	config = (struct worker_config){worker, 12, NULL, (size_t)7 << 20, 5};
	prepared = (struct prepared){.threads = 3, .log_file = -1};
	snprintf(prepared.folder, sizeof prepared.folder, "%s", folder);
	return 0;
}

static int teardown(void **state)
{
	process_close(process);
	return close_loop() != 0 ? -1 : drop_folder(state);
}

static void start(const char *script, double max_seconds, int grace_ms, int hang_ms)
{
	char path[300];
	struct command command;
	snprintf(path, sizeof path, "%s/worker.log", folder);
	assert_int_equal(file_write_atomic(folder, "spec.json", script, strlen(script), NULL), 0);
	prepared.log_file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(prepared.log_file >= 0);
	heard.started_at = now_ms();
	train_command(&command, &config, &prepared);
	command.limits = (struct command_limits){max_seconds, grace_ms, hang_ms};
	assert_int_equal(process_start(&process, &loop, &launcher, &command, &events, &heard, NULL), 0);
	command_free(&command);
	close(prepared.log_file);
}

static bool is_over(void *context)
{
	(void)context;
	return heard.over > 0;
}

/* How it ended: a status, or a signal, and our reason. */
static void assert_over(int64_t status, int signal, enum run_reason reason)
{
	assert_true(turn_until(is_over, NULL, PATIENCE_MS));
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(heard.over, 1);
	assert_int_equal(process_end(process).status, status);
	assert_int_equal(process_end(process).signal, signal);
	assert_int_equal(process_end(process).reason, reason);
}

#define LONG_MS 100000

static void test_lines_and_status(void **state)
{
	(void)state;
	start("say one; say; say 'two words'; printf 'no end'; exit 7", 60, LONG_MS, LONG_MS);
	assert_over(7, 0, REASON_NONE);
	assert_string_equal(heard.text, "one||two words|"); /* a line is one once it ends */
	process_stop(process, REASON_TIMEOUT);              /* too late to be why */
	process_kill(process, REASON_TIMEOUT);
	assert_int_equal(process_end(process).reason, REASON_NONE);
}

static void test_a_signal(void **state)
{
	(void)state;
	start("say a; kill -SEGV $$", 60, LONG_MS, LONG_MS);
	assert_over(0, SIGSEGV, REASON_NONE);
	assert_string_equal(heard.text, "a|");
}

static void test_a_line_that_is_too_long(void **state)
{
	(void)state;
	start("say a; head -c 200000 /dev/zero | tr '\\0' x; echo; say b; exit 0", 60, LONG_MS, LONG_MS);
	assert_over(0, 0, REASON_NONE);
	assert_int_equal(heard.lines, 3);
	assert_int_equal(heard.too_long, 1);
	assert_string_equal(heard.text, "a|b|");
}

/* The instruction set stands before the command, where one was chosen. */
static void test_the_instruction_set(void **state)
{
	(void)state;
	for (int chosen = 0; chosen < 2; chosen++) {
		struct command command;
		config.isa = chosen ? "x86-64-v3" : "";
		train_command(&command, &config, &prepared);
		char *const *words = command.arguments.items;
		assert_string_equal(words[1], chosen ? "--isa" : "train");
		if (chosen) {
			assert_string_equal(words[2], "x86-64-v3");
			assert_string_equal(words[3], "train");
		}
		command_free(&command);
	}
}

/* What it is told, and all of it. */
static void test_the_command_line(void **state)
{
	(void)state;
	static const struct {
		const char *data, *resume, *more;
	} cases[] = {
	    {"", "", ""},
	    {"/d.csv", "", "--data\n/d.csv\n"},
	    {"", "/c", "--resume\n/c\n--any-arithmetic\n"},
	    {"/d.csv", "/c", "--data\n/d.csv\n--resume\n/c\n--any-arithmetic\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char expected[2000];
		snprintf(prepared.data, sizeof prepared.data, "%s", cases[i].data);
		snprintf(prepared.resume, sizeof prepared.resume, "%s", cases[i].resume);
		heard.over = 0;
		start("printf '%s\\n' \"$@\" > arguments; exit 0", 60, LONG_MS, LONG_MS);
		assert_over(0, 0, REASON_NONE);
		snprintf(expected, sizeof expected,
		         "train\n%s/"
		         "spec.json\n--out\n%s\n--supervised\n--checkpoint-seconds\n12\n--checkpoint-epochs\n5\n--"
		         "threads\n3\n--memory\n8\n%s",
		         folder, folder, cases[i].more);
		assert_string_equal(read_text("arguments"), expected);
		process_close(process);
		process = NULL;
	}
}

/* A prediction has weights and neither checkpoints nor threads. */
static void test_the_command_line_of_a_prediction(void **state)
{
	(void)state;
	char expected[2000];
	prepared.predicts = true;
	snprintf(prepared.data, sizeof prepared.data, "/d.csv");
	snprintf(prepared.init, sizeof prepared.init, "/w");
	start("printf '%s\\n' \"$@\" > arguments; exit 0", 60, LONG_MS, LONG_MS);
	assert_over(0, 0, REASON_NONE);
	snprintf(expected, sizeof expected,
	         "apply\n%s/spec.json\n--out\n%s\n--supervised\n--memory\n8\n--data\n/d.csv\n--weights\n/w\n", folder,
	         folder);
	assert_string_equal(read_text("arguments"), expected);
}

/* A clean environment, its own folder and session, standard error in the log. */
static void test_where_it_runs(void **state)
{
	(void)state;
	char expected[2000];
	const char *path = getenv("PATH"), *temporary = getenv("TMPDIR");
	assert_int_equal(setenv("QLSTM_SECRET", "1", 1), 0);
	start("echo words >&2; tr '\\0' '\\n' < /proc/$$/environ | sort > environment; readlink /proc/$$/cwd > cwd\n"
	      "cut -d' ' -f6 /proc/$$/stat > session; echo $$ > pid; exit 0",
	      60, LONG_MS, LONG_MS);
	assert_over(0, 0, REASON_NONE);
	assert_int_equal(unsetenv("QLSTM_SECRET"), 0);
	snprintf(expected, sizeof expected, "LANG=C\nOMP_NUM_THREADS=1\nPATH=%s\nTMPDIR=%s\n", path,
	         temporary != NULL && temporary[0] != '\0' ? temporary : "/tmp");
	assert_string_equal(read_text("environment"), expected);
	char *real = realpath(folder, NULL);
	assert_non_null(real);
	assert_memory_equal(read_text("cwd"), real, strlen(real));
	free(real);
	assert_string_equal(read_text("worker.log"), "words\n");
	snprintf(expected, sizeof expected, "%.40s", read_text("pid"));
	assert_string_equal(read_text("session"), expected); /* a Ctrl-C at our terminal is not its */
}

/* Without PATH and TMPDIR of our own it gets the usual ones. */
static void test_default_environment(void **state)
{
	(void)state;
	char path[4096];
	snprintf(path, sizeof path, "%s", getenv("PATH"));
	const char *temporary = getenv("TMPDIR");
	char *kept = temporary != NULL ? strdup(temporary) : NULL;
	assert_int_equal(setenv("PATH", "", 1), 0);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	start("tr '\\0' '\\n' < /proc/$$/environ | sort > environment; exit 0", 60, LONG_MS, LONG_MS);
	assert_int_equal(setenv("PATH", path, 1), 0);
	if (kept != NULL)
		assert_int_equal(setenv("TMPDIR", kept, 1), 0);
	free(kept);
	assert_over(0, 0, REASON_NONE);
	assert_string_equal(read_text("environment"),
	                    "LANG=C\nOMP_NUM_THREADS=1\nPATH=/usr/local/bin:/usr/bin:/bin\nTMPDIR=/tmp\n");
}

/* Its standard input ends with the process that holds the other end. */
static void test_standard_input_ends_with_us(void **state)
{
	(void)state;
	start("exec 3<&0; (read x <&3; : > \"$PWD/ended\") > /dev/null 2>&1 & say a; exit 0", 60, LONG_MS, LONG_MS);
	assert_over(0, 0, REASON_NONE);
	assert_false(exists((char[]){"ended"}));
	process_close(process);
	process = NULL;
	assert_true(turn_until(exists, (char[]){"ended"}, PATIENCE_MS));
}

static void test_no_program(void **state)
{
	(void)state;
	struct command command;
	struct qlstm_error error = {0};
	command_init(&command, "/nowhere/qlstm-worker");
	command.limits = (struct command_limits){1, 1, 1};
	assert_int_equal(process_start(&process, &loop, &launcher, &command, &events, &heard, &error), ERR_IO);
	command_free(&command);
	assert_string_equal(error.message, "cannot start the worker /nowhere/qlstm-worker: no such file or directory");
	assert_null(process);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(heard.over, 0);
}

static void stop_now(void)
{
	heard.on_line = NULL;
	process_stop(process, REASON_USER_CANCELLED);
	process_stop(process, REASON_SHUTDOWN); /* the first reason stays */
}

static void test_stopped_politely(void **state)
{
	(void)state;
	heard.on_line = stop_now;
	start("trap 'say bye; exit 3' TERM; say a; forever", 60, LONG_MS, LONG_MS);
	assert_over(3, 0, REASON_USER_CANCELLED);
	assert_string_equal(heard.text, "a|bye|");
}

static void test_the_grace_time(void **state)
{
	(void)state;
	heard.on_line = stop_now;
	start("trap 'say no' TERM; say a; forever", 60, 1500, LONG_MS);
	assert_over(0, SIGKILL, REASON_USER_CANCELLED);
	assert_string_equal(heard.text, "a|no|");
	assert_true(heard.over_at - heard.started_at >= 1500);
}

static void kill_now(void)
{
	heard.on_line = NULL;
	process_kill(process, REASON_LEASE_LOST);
	process_stop(process, REASON_SHUTDOWN);
	process_kill(process, REASON_TIMEOUT);
}

static void test_killed_at_once(void **state)
{
	(void)state;
	heard.on_line = kill_now;
	start("trap 'say no' TERM; say a; forever", 60, LONG_MS, LONG_MS);
	assert_over(0, SIGKILL, REASON_LEASE_LOST);
	assert_string_equal(heard.text, "a|");
}

/* Whichever comes first; the deadline where both do. */
static void test_deadline_and_hang(void **state)
{
	(void)state;
	static const struct {
		double max_seconds;
		int hang_ms, at_least;
		enum run_reason reason;
	} cases[] = {
	    {0.2, LONG_MS, 200, REASON_TIMEOUT}, {60, 200, 200, REASON_WORKER_HUNG}, {0.2, 200, 200, REASON_TIMEOUT}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		heard.over = 0;
		start("exec sleep 100", cases[i].max_seconds, LONG_MS, cases[i].hang_ms);
		assert_over(0, SIGTERM, cases[i].reason);
		assert_true(heard.over_at - heard.started_at >= (uint64_t)cases[i].at_least);
		process_close(process);
		process = NULL;
	}
}

/* Silence counts from the last line. */
static void test_lines_put_the_hang_off(void **state)
{
	(void)state;
	start("for i in 1 2 3 4 5; do say $i; sleep 0.13; done; exec sleep 100", 60, LONG_MS, 500);
	assert_over(0, SIGTERM, REASON_WORKER_HUNG);
	assert_true(heard.over_at - heard.line_at >= 500);
}

/* From here on the test's own timer speaks; like all timers of a loop it is served in the order of what is due. */
static void on_stop_timer(uv_timer_t *timer)
{
	(void)timer;
	process_stop(process, REASON_USER_CANCELLED);
}

static void on_resume_timer(uv_timer_t *timer)
{
	assert_int_equal(heard.lines, 1); /* what came meanwhile is in the pipe */
	process_resume(process);
	uv_timer_start(timer, on_stop_timer, 100, 0);
}

static uv_timer_t pause_timer;

static void pause_now(void)
{
	heard.on_line = NULL;
	process_pause(process);
	uv_timer_start(&pause_timer, on_resume_timer, 500, 0);
}

/* A pause of ours that is longer than the limit, and silence afterwards that is shorter: not hung. */
static void test_our_own_pause_is_not_its_silence(void **state)
{
	(void)state;
	uv_timer_init(&loop, &pause_timer);
	heard.on_line = pause_now;
	start("say a; sleep 0.1; exec sleep 100", 60, LONG_MS, 200);
	assert_over(0, SIGTERM, REASON_USER_CANCELLED);
	uv_close((uv_handle_t *)&pause_timer, NULL);
}

/* Once all is said, and half a second has passed. */
static void on_said_timer(uv_timer_t *timer)
{
	assert_int_equal(heard.lines, 1);
	assert_int_equal(heard.over, 0);
	if (!exists((char[]){"said"}) || uv_now(&loop) - heard.started_at < 500)
		return;
	uv_timer_stop(timer);
	process_resume(process);
}

static void pause_until_all_is_said(void)
{
	heard.on_line = NULL;
	process_pause(process);
	uv_timer_start(&pause_timer, on_said_timer, 20, 20);
}

/* A worker that is gone is not over before its lines are read. */
static void test_a_pause_keeps_the_lines(void **state)
{
	(void)state;
	uv_timer_init(&loop, &pause_timer);
	heard.on_line = pause_until_all_is_said;
	start("say a; sleep 0.05; say b; say c; : > said; exit 5", 60, LONG_MS, LONG_MS);
	assert_over(5, 0, REASON_NONE);
	assert_string_equal(heard.text, "a|b|c|");
	assert_true(heard.over_at - heard.started_at >= 500);
	uv_close((uv_handle_t *)&pause_timer, NULL);
	process_resume(process); /* harmless */
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(heard.over, 1);
}

/* Its time runs on. */
static void test_a_pause_does_not_put_the_deadline_off(void **state)
{
	(void)state;
	uv_timer_init(&loop, &pause_timer);
	heard.on_line = pause_now;
	start("say a; exec sleep 100", 0.3, LONG_MS, 100000);
	assert_over(0, SIGTERM, REASON_TIMEOUT);
	uv_close((uv_handle_t *)&pause_timer, NULL);
}

/* Somebody else holds the pipe of a dead worker: it is waited for, but not for ever. */
static void test_last_words(void **state)
{
	(void)state;
	start("sleep 100 & echo $! > other; say a; exit 4", 60, LONG_MS, LONG_MS);
	assert_over(4, 0, REASON_NONE);
	uint64_t waited = heard.over_at - heard.started_at;
	pid_t other = (pid_t)atoi(read_text("other"));
	assert_true(other > 1);
	assert_int_equal(kill(other, SIGKILL), 0);
	assert_true(waited >= 2000 && waited < 60000);
	assert_string_equal(heard.text, "a|");
}

static unsigned stands_still_ms;

/* As if the whole process were stopped: nothing of the loop runs. */
static void stand_still(void)
{
	heard.on_line = NULL;
	uv_sleep(stands_still_ms);
}

/* What the worker has said by the time it is judged lies in the pipe: it is not hung. */
static void test_what_has_arrived_is_heard_first(void **state)
{
	(void)state;
	stands_still_ms = 1500;
	heard.on_line = stand_still;
	start("say a; sleep 0.1; say b; exit 6", 60, LONG_MS, 300);
	assert_over(6, 0, REASON_NONE);
	assert_string_equal(heard.text, "a|b|");
}

/* The time in which we did not run ourselves counts for no limit: 4 s of silence, 3.4 of them seen by nobody. */
static void test_our_own_standstill_is_not_its_time(void **state)
{
	(void)state;
	static const struct {
		double max_seconds;
		int hang_ms;
	} cases[] = {{60, 3000}, {3, LONG_MS}};
	stands_still_ms = 3400;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(&heard, 0, sizeof heard);
		heard.on_line = stand_still;
		start("say a; sleep 4; say b; exit 6", cases[i].max_seconds, LONG_MS, cases[i].hang_ms);
		assert_over(6, 0, REASON_NONE);
		assert_string_equal(heard.text, "a|b|");
		process_close(process);
		process = NULL;
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_lines_and_status),
	    TEST(test_a_signal),
	    TEST(test_a_line_that_is_too_long),
	    TEST(test_the_command_line),
	    TEST(test_the_command_line_of_a_prediction),
	    TEST(test_the_instruction_set),
	    TEST(test_where_it_runs),
	    TEST(test_default_environment),
	    TEST(test_standard_input_ends_with_us),
	    TEST(test_no_program),
	    TEST(test_stopped_politely),
	    TEST(test_the_grace_time),
	    TEST(test_killed_at_once),
	    TEST(test_deadline_and_hang),
	    TEST(test_lines_put_the_hang_off),
	    TEST(test_our_own_pause_is_not_its_silence),
	    TEST(test_a_pause_keeps_the_lines),
	    TEST(test_a_pause_does_not_put_the_deadline_off),
	    TEST(test_last_words),
	    TEST(test_what_has_arrived_is_heard_first),
	    TEST(test_our_own_standstill_is_not_its_time),
	};
	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
