/* The worker's lines: the exact text of each type, when a heartbeat is due, what a broken pipe does, reasons of errors.
 */
#include "tests/unit/job_fixture.h"

#include <signal.h>

#include "engine/qlstm.h"
#include "server/common/clock.h"
#include "server/worker/train/pipe.h"

static struct pipe pipe_out; /* too large for a stack frame */

static int open_pipe(void **state)
{
	(void)state;
	pipe_out = (struct pipe){.fd = capture_open()};
	return 0;
}

static int close_pipe(void **state)
{
	(void)state;
	return close(pipe_out.fd);
}

static void said(const char *expected)
{
	assert_string_equal(captured(pipe_out.fd), expected);
	assert_true(clock_monotonic() - pipe_out.last_line < 60);
	assert_false(pipe_out.broken);
}

static const char *const names[] = {"train_loss", "test_loss", "gradient_norm"};

static void every_line(void **state)
{
	(void)state;
	char expected[512];
	pipe_hello(&pipe_out, &(struct pipe_hello){.plan = "batch", .parameters = 5000000000, .epoch = 7});
	snprintf(expected, sizeof expected,
	         "{\"type\":\"hello\",\"pid\":%d,\"version\":\"%s\",\"plan\":\"batch\",\"isa\":\"%s\",\"parameters\":"
	         "5000000000,\"epoch\":7}\n",
	         (int)getpid(), QLSTM_VERSION, plan_isa());
	said(expected);
	pipe_out.last_line = 0;
	pipe_heartbeat(&pipe_out, 3, 4, 5);
	said("{\"type\":\"heartbeat\",\"epoch\":3,\"batch\":4,\"batches\":5}\n");
	pipe_epoch(&pipe_out, &(struct epoch_metrics){2, 3, names, {0.5, 0.25, 0.125}, 1.5});
	said("{\"type\":\"epoch\",\"epoch\":2,\"train_loss\":0.5,\"test_loss\":0.25,\"gradient_norm\":0.125,"
	     "\"seconds\":1.5}\n");
	pipe_checkpoint(&pipe_out, 9, "checkpoint-9.safetensors", "abc");
	said("{\"type\":\"checkpoint\",\"epoch\":9,\"file\":\"checkpoint-9.safetensors\",\"sha256\":\"abc\"}\n");
	pipe_log(&pipe_out, "info", "%d \"%s\"", 12, "x");
	said("{\"type\":\"log\",\"level\":\"info\",\"message\":\"12 \\\"x\\\"\"}\n");
	const struct artifact artifacts[] = {{"weights", "w.st", 5000000000, "11"}, {"report", "r.json", 2, "22"}};
	pipe_done(&pipe_out, artifacts, 2);
	said("{\"type\":\"done\",\"artifacts\":[{\"name\":\"weights\",\"file\":\"w.st\",\"bytes\":5000000000,"
	     "\"sha256\":\"11\"},{\"name\":\"report\",\"file\":\"r.json\",\"bytes\":2,\"sha256\":\"22\"}]}\n");
	pipe_done(&pipe_out, artifacts, 0);
	said("{\"type\":\"done\",\"artifacts\":[]}\n");
}

/* Losses keep their bits; one that is no number is null, which JSON has no other word for. */
static void numbers(void **state)
{
	(void)state;
	json_t *line;
	pipe_epoch(&pipe_out, &(struct epoch_metrics){1, 3, names, {0.1 + 0.2, (double)NAN, (double)INFINITY}, 1e-300});
	line = json_loads(captured(pipe_out.fd), 0, NULL);
	assert_non_null(line);
	assert_true(real_at(line, "train_loss") == 0.1 + 0.2 && real_at(line, "seconds") == 1e-300);
	assert_true(json_is_null(at(line, "test_loss")) && json_is_null(at(line, "gradient_norm")));
	json_decref(line);
}

static void a_heartbeat_only_after_a_second_of_silence(void **state)
{
	(void)state;
	double now = clock_monotonic();
	pipe_out.last_line = now + 1000; /* in the future: less than a second ago on whatever machine */
	pipe_heartbeat(&pipe_out, 1, 0, 2);
	said("");
	pipe_out.last_line = now - 1.001;
	pipe_heartbeat(&pipe_out, 1, 0, 2);
	said("{\"type\":\"heartbeat\",\"epoch\":1,\"batch\":0,\"batches\":2}\n");
	assert_true(pipe_out.last_line >= now);
	/* Any other line counts as a sign of life too. */
	pipe_out.last_line = 0;
	pipe_log(&pipe_out, "info", "x");
	assert_true(pipe_out.last_line >= now);
	captured(pipe_out.fd);
	pipe_out.last_line =
	    clock_monotonic() - 0.5; /* due in half a second: silent unless this machine halts for it */
	pipe_heartbeat(&pipe_out, 1, 1, 2);
	const char *text = captured(pipe_out.fd);
	assert_true(text[0] == '\0' || clock_monotonic() - now > 0.5);
}

static void a_line_that_is_too_long_says_so(void **state)
{
	(void)state;
	static const char lost[] =
	    "{\"type\":\"log\",\"level\":\"error\",\"message\":\"a line was lost: too long, or out of memory\"}\n";
	/* {"type":"checkpoint","epoch":1,"file":"...","sha256":""} and a newline fill the line exactly. */
	static char name[LINE_MAX_BYTES];
	size_t rest = strlen("{\"type\":\"checkpoint\",\"epoch\":1,\"file\":\"\",\"sha256\":\"\"}\n");
	memset(name, 'x', LINE_MAX_BYTES - rest);
	pipe_checkpoint(&pipe_out, 1, name, "");
	const char *text = captured(pipe_out.fd);
	assert_int_equal(strlen(text), LINE_MAX_BYTES);
	assert_memory_equal(text + LINE_MAX_BYTES - 2, "}\n", 2);
	name[LINE_MAX_BYTES - rest] = 'x';
	pipe_checkpoint(&pipe_out, 1, name, "");
	said(lost);
	pipe_checkpoint(&pipe_out, 1, "\xff", ""); /* not UTF-8: no JSON can hold it */
	said(lost);
	pipe_done(&pipe_out, &(struct artifact){"\xff", "f", 1, ""}, 1);
	said(lost);
}

static void a_broken_pipe_stays_broken(void **state)
{
	(void)state;
	int ends[2];
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	struct pipe *out = calloc(1, sizeof *out);
	assert_non_null(out);
	out->fd = ends[1];
	pipe_log(out, "info", "x");
	assert_false(out->broken);
	close(ends[0]);
	pipe_log(out, "info", "x");
	assert_true(out->broken);
	pipe_log(out, "info", "x");
	assert_true(out->broken);
	close(ends[1]);
	free(out);
}

static const struct {
	int code;
	const char *reason;
} reasons[] = {
    {ERR_NOT_FINITE, "nan_loss"},
    {ERR_OUT_OF_MEMORY, "out_of_memory"},
    {ERR_TOO_LARGE, "out_of_memory"},
    {ERR_DISK_FULL, "disk_full"},
    {ERR_SYNTAX, "invalid_data"},
    {ERR_WRONG_TYPE, "invalid_data"},
    {ERR_MISSING, "invalid_data"},
    {ERR_OUT_OF_RANGE, "invalid_data"},
    {ERR_UNKNOWN_FIELD, "invalid_data"},
    {ERR_INVALID, "invalid_data"},
    {ERR_NOT_FOUND, "invalid_data"},
    {ERR_CORRUPT, "invalid_data"},
    {ERR_CONFLICT, "invalid_data"},
    {ERR_IO, "internal"},
    {ERR_INTERNAL, "internal"},
    {ERR_UNAVAILABLE, "internal"},
    {-999, "internal"},
};

static void errors(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof reasons / sizeof reasons[0]; k++) {
		char expected[128];
		struct qlstm_error error = {0};
		error_set(&error, reasons[k].code, NULL, "it broke");
		pipe_error(&pipe_out, &error);
		snprintf(expected, sizeof expected, "{\"type\":\"error\",\"reason\":\"%s\",\"message\":\"it broke\"}\n",
		         reasons[k].reason);
		said(expected);
	}
	struct qlstm_error pointed = {0};
	error_set(&pointed, ERR_INVALID, "/data/window", "too short");
	pipe_error(&pipe_out, &pointed);
	said("{\"type\":\"error\",\"reason\":\"invalid_data\",\"message\":\"/data/window: too short\"}\n");
	/* Both at their longest are not cut. */
	memset(pointed.pointer, 'p', sizeof pointed.pointer - 1);
	memset(pointed.message, 'm', sizeof pointed.message - 1);
	pipe_error(&pipe_out, &pointed);
	json_t *line = json_loads(captured(pipe_out.fd), 0, NULL);
	assert_int_equal(strlen(text_at(line, "message")), sizeof pointed.pointer + sizeof pointed.message);
	json_decref(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(every_line, open_pipe, close_pipe),
	    cmocka_unit_test_setup_teardown(numbers, open_pipe, close_pipe),
	    cmocka_unit_test_setup_teardown(a_heartbeat_only_after_a_second_of_silence, open_pipe, close_pipe),
	    cmocka_unit_test_setup_teardown(a_line_that_is_too_long_says_so, open_pipe, close_pipe),
	    cmocka_unit_test(a_broken_pipe_stays_broken),
	    cmocka_unit_test_setup_teardown(errors, open_pipe, close_pipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
