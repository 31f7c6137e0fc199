/* The seam of launchers: a command that runs elsewhere, where no signal and no wait reaches it, and whose end is only
 * found by asking. And command lines of any length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>

#include "server/run/process.h"
#include "tests/unit/worker_fixture.h"

/* Where the commands run: each says its arguments as lines, one a tick, and then ends with status 0, unless it was told
 * to wait. It never calls `ended`. */
struct elsewhere {
	uv_timer_t timer;
	char *lines[8];
	int n_lines, said, output;
	bool waits, deaf; /* does not end by itself; does not hear stop */
	bool over;
	struct launch_end end;
};

enum { POLL_MS = 5 };

static struct {
	int started, stopped, killed, polled, closed;
	int too_soon; /* polled before poll_ms have passed since the last time, or the start */
	uint64_t asked_at;
	bool refuses, waits, deaf;
} calls;

static void end_there(struct elsewhere *job, struct launch_end end)
{
	if (job->over)
		return;
	job->over = true;
	job->end = end;
	close(job->output);
	uv_timer_stop(&job->timer);
}

static void say_next(uv_timer_t *timer)
{
	struct elsewhere *job = timer->data;
	if (job->said < job->n_lines)
		dprintf(job->output, "%s\n", job->lines[job->said++]);
	else if (!job->waits)
		end_there(job, (struct launch_end){0, 0});
}

static int start_there(void *self, const struct command *command, void (*ended)(void *context), void *context,
                       void **launch, struct qlstm_error *error)
{
	(void)ended, (void)context;
	if (calls.refuses)
		return error_set(error, ERR_UNAVAILABLE, NULL, "nobody answers there");
	struct elsewhere *job = calloc(1, sizeof *job);
	assert_non_null(job);
	for (int i = 1; i < command->arguments.count && i <= 8; i++)
		job->lines[job->n_lines++] = strdup(command->arguments.items[i]);
	job->output = fcntl(command->output, F_DUPFD_CLOEXEC, 0);
	job->waits = calls.waits;
	job->deaf = calls.deaf;
	uv_timer_init(self, &job->timer);
	job->timer.data = job;
	uv_timer_start(&job->timer, say_next, 1, 1);
	*launch = job;
	calls.started++;
	calls.asked_at = uv_now(&loop);
	return 0;
}

static void stop_there(void *launch)
{
	struct elsewhere *job = launch;
	calls.stopped++;
	if (!job->deaf)
		end_there(job, (struct launch_end){3, 0});
}

static void kill_there(void *launch)
{
	calls.killed++;
	end_there(launch, (struct launch_end){0, SIGKILL});
}

static bool poll_there(void *launch, struct launch_end *end)
{
	const struct elsewhere *job = launch;
	calls.polled++;
	calls.too_soon += uv_now(&loop) < calls.asked_at + POLL_MS;
	calls.asked_at = uv_now(&loop);
	*end = job->end;
	return job->over;
}

static void on_closed(uv_handle_t *handle)
{
	struct elsewhere *job = handle->data;
	for (int i = 0; i < job->n_lines; i++)
		free(job->lines[i]);
	free(job);
}

static void close_there(void *launch)
{
	struct elsewhere *job = launch;
	calls.closed++;
	uv_close((uv_handle_t *)&job->timer, on_closed);
}

static const struct launcher elsewhere = {.name = "elsewhere",
                                          .poll_ms = POLL_MS,
                                          .self = &loop,
                                          .start = start_there,
                                          .stop = stop_there,
                                          .kill = kill_there,
                                          .poll = poll_there,
                                          .close = close_there};

static struct process *process;
static char heard[256];
static int over;

static void on_line(void *context, const char *text, size_t length)
{
	(void)context;
	sprintf(heard + strlen(heard), "%.*s|", (int)length, text);
}

static void on_over(void *context)
{
	(void)context;
	over++;
}

static const struct process_events events = {on_line, on_over};

static int setup(void **state)
{
	memset(&calls, 0, sizeof calls);
	heard[0] = '\0';
	over = 0;
	process = NULL;
	return make_folder(state) != 0 || open_loop() != 0 ? -1 : 0;
}

static int teardown(void **state)
{
	process_close(process);
	return close_loop() != 0 ? -1 : drop_folder(state);
}

static int start(double max_seconds, int grace_ms, struct qlstm_error *error)
{
	struct command command;
	command_init(&command, "worker");
	command_add(&command, "one");
	command_add(&command, "%s and %d", "two", 2);
	command.limits = (struct command_limits){max_seconds, grace_ms, 100000};
	int rc = process_start(&process, &loop, &elsewhere, &command, &events, NULL, error);
	command_free(&command);
	return rc;
}

static bool is_over(void *context)
{
	(void)context;
	return over > 0;
}

static void assert_over(int64_t status, int signal, enum run_reason reason)
{
	assert_true(turn_until(is_over, NULL, PATIENCE_MS));
	struct process_end end = process_end(process);
	assert_int_equal(end.status, status);
	assert_int_equal(end.signal, signal);
	assert_int_equal(end.reason, reason);
	assert_string_equal(heard, "one|two and 2|");
	assert_true(over == 1 && calls.started == 1 && calls.polled > 0 && calls.too_soon == 0);
}

static bool all_is_said(void *context)
{
	(void)context;
	return strcmp(heard, "one|two and 2|") == 0;
}

static void test_its_end_is_found_by_asking(void **state)
{
	(void)state;
	assert_int_equal(start(60, 1000, NULL), 0);
	assert_over(0, 0, REASON_NONE);
	assert_int_equal(calls.stopped + calls.killed, 0);
}

static void test_stopped(void **state)
{
	(void)state;
	calls.waits = true;
	assert_int_equal(start(60, 100000, NULL), 0);
	assert_true(turn_until(all_is_said, NULL, PATIENCE_MS));
	process_stop(process, REASON_USER_CANCELLED);
	assert_over(3, 0, REASON_USER_CANCELLED);
	assert_true(calls.stopped == 1 && calls.killed == 0);
}

static void test_killed_after_its_time_and_grace(void **state)
{
	(void)state;
	calls.waits = calls.deaf = true;
	assert_int_equal(start(0.3, 50, NULL), 0);
	assert_over(0, SIGKILL, REASON_TIMEOUT);
	assert_true(calls.stopped == 1 && calls.killed == 1);
}

static void test_refused(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	calls.refuses = true;
	assert_int_equal(start(60, 1000, &error), ERR_UNAVAILABLE);
	assert_string_equal(error.message, "nobody answers there");
	assert_null(process);
	assert_true(calls.started == 0 && calls.closed == 0);
}

static void test_closed_with_it(void **state)
{
	(void)state;
	assert_int_equal(start(60, 1000, NULL), 0);
	assert_true(turn_until(is_over, NULL, PATIENCE_MS));
	process_close(process);
	process = NULL;
	assert_int_equal(calls.closed, 1);
}

/* However many words there are, the list ends in NULL. */
static void test_long_command_lines(void **state)
{
	(void)state;
	struct command command;
	command_init(&command, "/bin/worker");
	for (int i = 1; i <= 200; i++) {
		command_add(&command, "--option-%d", i);
		assert_int_equal(command.arguments.count, i + 1);
		assert_null(command.arguments.items[i + 1]);
	}
	assert_string_equal(command.arguments.items[0], "/bin/worker");
	assert_string_equal(command.arguments.items[200], "--option-200");
	assert_true(command.environment.count >= 4);
	assert_null(command.environment.items[command.environment.count]);
	assert_int_equal(command_check(&command, NULL), 0);
	command.arguments.failed = true;
	assert_int_equal(command_check(&command, NULL), ERR_OUT_OF_MEMORY);
	command_free(&command);
	assert_null(command.arguments.items);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_its_end_is_found_by_asking),
	    TEST(test_stopped),
	    TEST(test_killed_after_its_time_and_grace),
	    TEST(test_refused),
	    TEST(test_closed_with_it),
	    cmocka_unit_test(test_long_command_lines),
	};
	return cmocka_run_group_tests_name("launcher", tests, NULL, NULL);
}
