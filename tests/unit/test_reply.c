/* What the one-shot commands print, and how training looks at a terminal. */
#include "tests/unit/job_fixture.h"

#include <pty.h>

#include "server/common/clock.h"
#include "server/worker/command.h"
#include "server/worker/train/progress.h"
#include "server/worker/reply.h"

static void numbers(void **state)
{
	(void)state;
	json_t *json = reply_number(0.1);
	assert_true(json_real_value(json) == 0.1);
	json_decref(json);
	static const double none[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
	for (int k = 0; k < 3; k++)
		assert_true(json_is_null(reply_number(none[k])));
}

static void printed(void **state)
{
	(void)state;
	int out = capture_open(), kept = redirect(STDOUT_FILENO, out);
	int status = reply_print(json_pack("{s:f, s:[i, n]}", "a", 0.1, "b", 3));
	redirect_end(STDOUT_FILENO, kept);
	assert_int_equal(status, WORKER_DONE);
	json_t *json = json_loads(captured(out), 0, NULL);
	assert_true(real_at(json, "a") == 0.1);
	json_decref(json);
	kept = redirect(STDOUT_FILENO, out);
	reply_print(json_pack("{s:i, s:i}", "a", 1, "b", 2));
	redirect_end(STDOUT_FILENO, kept);
	assert_string_equal(captured(out), "{\"a\":1,\"b\":2}\n");
	close(out);
}

static void failures(void **state)
{
	(void)state;
	int out = capture_open(), kept = redirect(STDERR_FILENO, out);
	struct qlstm_error error = {0};
	error_set(&error, ERR_OUT_OF_RANGE, "/x/0", "it is \"7\"");
	assert_int_equal(reply_failure(&error), WORKER_FAILED);
	assert_int_equal(reply_print(NULL), WORKER_FAILED);
	int full = open("/dev/full", O_WRONLY), kept_out = redirect(STDOUT_FILENO, full);
	int status = reply_print(json_pack("{}"));
	redirect_end(STDOUT_FILENO, kept_out);
	close(full);
	memcpy(error.message, "\xff", 2); /* what JSON cannot hold is said plainly */
	assert_int_equal(reply_failure(&error), WORKER_FAILED);
	redirect_end(STDERR_FILENO, kept);
	assert_int_equal(status, WORKER_FAILED);
	assert_string_equal(
	    captured(out),
	    "{\"error\":{\"code\":\"out_of_range\",\"pointer\":\"/x/0\",\"message\":\"it is \\\"7\\\"\"}}\n"
	    "{\"error\":{\"code\":\"out_of_memory\",\"pointer\":\"\",\"message\":\"out of memory for the reply\"}}\n"
	    "{\"error\":{\"code\":\"io\",\"pointer\":\"\",\"message\":\"cannot write to standard output\"}}\n"
	    "qlstm-worker: \xff\n");
	close(out);
}

/* Reads what a terminal was shown. */
static void shown(int fd, char *text, size_t size)
{
	ssize_t n = read(fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
}

/* Standard error is a terminal and standard output is not: a line that is rewritten, and a sentence at the end. */
static void a_terminal(void **state)
{
	(void)state;
	int master, slave, out = capture_open();
	struct progress p;
	struct job job;
	char text[1024], expected[512];
	if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
		skip();
	job_of(&job, JOB_SPEC);
	job_train(&job, 5);
	const struct epoch_metrics *last = &trainer_history(job.trainer)[4];
	int kept_out = redirect(STDOUT_FILENO, out), kept = redirect(STDERR_FILENO, slave);
	double before = clock_monotonic();
	progress_open(&p);
	bool line = p.line, summary = p.summary, started = p.start >= before;
	p.shown = clock_monotonic() + 1000; /* shown a moment ago: only the last epoch is worth a line */
	progress_report_epoch(&p, &(struct epoch_metrics){.epoch = 4}, 5);
	progress_report_epoch(&p, last, 5);
	double at_last = p.shown;
	progress_close(&p, job.trainer, "DIR");
	redirect_end(STDERR_FILENO, kept);
	redirect_end(STDOUT_FILENO, kept_out);
	assert_true(line && summary && started && at_last >= before && at_last < before + 1000);
	size_t used = 0;
	do {
		shown(master, text + used, sizeof text - used);
		used = strlen(text);
	} while (strstr(text, "see DIR\r\n") == NULL);
	snprintf(expected, sizeof expected, "\repoch 5/5  train loss %.6g  test loss %.6g  ",
	         epoch_metric(last, "train_loss"), epoch_metric(last, "test_loss"));
	assert_memory_equal(text, expected, strlen(expected));
	snprintf(expected, sizeof expected, " s \r\n5 epochs in ");
	assert_non_null(strstr(text, expected));
	snprintf(expected, sizeof expected, ": train loss %.6g, test loss %.6g; see DIR\r\n",
	         epoch_metric(last, "train_loss"), epoch_metric(last, "test_loss"));
	assert_non_null(strstr(text, expected));
	assert_string_equal(captured(out), "");
	job_close(&job);
	close(master);
	close(slave);
	close(out);
}

/* Both are a terminal: the JSON lines are there already, so a sentence alone. Neither is: nothing. */
static void other_places(void **state)
{
	(void)state;
	int master, slave, file = capture_open();
	struct progress p;
	struct job job;
	if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
		skip();
	job_of(&job, JOB_SPEC);
	int kept_out = redirect(STDOUT_FILENO, slave), kept = redirect(STDERR_FILENO, slave);
	progress_open(&p);
	bool line = p.line, summary = p.summary;
	redirect_end(STDERR_FILENO, kept);
	redirect_end(STDOUT_FILENO, kept_out);
	assert_true(!line && summary);
	kept = redirect(STDERR_FILENO, file);
	progress_close(&p, job.trainer, "DIR"); /* stopped before the first epoch was over */
	job_train(&job, 1);
	progress_open(&p);
	progress_report_epoch(&p, trainer_history(job.trainer), 1);
	progress_close(&p, job.trainer, "DIR");
	redirect_end(STDERR_FILENO, kept);
	assert_true(!p.line && !p.summary);
	assert_string_equal(captured(file), "");
	job_close(&job);
	close(master);
	close(slave);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers),    cmocka_unit_test(printed),      cmocka_unit_test(failures),
	    cmocka_unit_test(a_terminal), cmocka_unit_test(other_places),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
