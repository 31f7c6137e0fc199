/* Checkpoints of a run: when a copy is made, when it becomes a file, which files are kept, what is announced. */
#include "tests/unit/job_fixture.h"

#include "engine/export/safetensors.h"
#include "server/common/clock.h"
#include "server/worker/train/checkpoints.h"

#define SECONDS_NEVER 1e9

static struct pipe lines; /* too large for a stack frame */
static struct job job;
static struct checkpoints kept;

static int open_run(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	job_of(&job, JOB_SPEC);
	lines = (struct pipe){.fd = capture_open()};
	return 0;
}

static int close_run(void **state)
{
	checkpoints_close(&kept);
	assert_null(kept.bytes);
	close(lines.fd);
	job_close(&job);
	return drop_folder(state);
}

static bool exists(int epoch)
{
	char name[64];
	snprintf(name, sizeof name, "checkpoint-%d.safetensors", epoch);
	return access(path_of(name), F_OK) == 0;
}

static void after_epoch(void)
{
	struct qlstm_error error = {0};
	job_train(&job, 1);
	must(checkpoints_after_epoch(&kept, &job, &lines, &error), &error);
}

static void flush(void)
{
	struct qlstm_error error = {0};
	must(checkpoints_flush(&kept, &lines, &error), &error);
}

/* One line for the file of `epoch`, with the hash of what is there. */
static void announced(int epoch)
{
	char name[64], sha256[65], expected[256];
	size_t bytes;
	snprintf(name, sizeof name, "checkpoint-%d.safetensors", epoch);
	assert_int_equal(sha256_file(path_of(name), sha256, &bytes, NULL), 0);
	assert_int_equal(bytes, kept.length);
	snprintf(expected, sizeof expected,
	         "{\"type\":\"checkpoint\",\"epoch\":%d,\"file\":\"%s\",\"sha256\":\"%s\"}\n", epoch, name, sha256);
	assert_string_equal(captured(lines.fd), expected);
}

static void opened(void **state)
{
	(void)state;
	double before = clock_monotonic();
	memset(&kept, 0xff, sizeof kept);
	checkpoints_open(&kept, folder, 12.5);
	assert_string_equal(kept.directory, folder);
	assert_true(kept.interval == 12.5 && kept.file_at >= before && kept.file_at <= clock_monotonic());
	assert_true(kept.bytes == NULL && kept.length == 0 && kept.epoch == 0);
	assert_true(kept.on_disk[0] == 0 && kept.on_disk[1] == 0 && kept.copy_at == 0 && kept.copy_seconds == 0);
}

/* Interval 0: a file after each epoch but the last, and never more than two. */
static void files_at_every_epoch(void **state)
{
	(void)state;
	checkpoints_open(&kept, folder, 0);
	for (int epoch = 1; epoch <= 4; epoch++) {
		double before = clock_monotonic();
		after_epoch();
		announced(epoch);
		assert_true(kept.file_at >= before);
		assert_int_equal(kept.on_disk[0], epoch);
		assert_int_equal(kept.on_disk[1], epoch - 1);
		for (int k = 1; k <= 4; k++)
			assert_int_equal(exists(k), k == epoch || k == epoch - 1);
	}
	after_epoch();
	assert_string_equal(captured(lines.fd), "");
	assert_false(exists(5));
	assert_true(exists(3) && exists(4));
}

/* Before the interval is over: copies in memory, no file until told to. */
static void copies_between_files(void **state)
{
	(void)state;
	checkpoints_open(&kept, folder, SECONDS_NEVER);
	flush();
	assert_string_equal(captured(lines.fd), "");
	for (int epoch = 1; epoch <= 3; epoch++) {
		double before = clock_monotonic();
		kept.copy_seconds = 0; /* the last copy cost nothing */
		after_epoch();
		assert_int_equal(kept.epoch, epoch);
		assert_true(kept.copy_at >= before && kept.copy_at <= clock_monotonic());
		assert_true(kept.copy_seconds >= 0 && kept.copy_seconds <= kept.copy_at - before);
		assert_string_equal(captured(lines.fd), "");
		assert_false(exists(epoch));
	}
	flush();
	announced(3);
	assert_true(exists(3));
	flush(); /* it is on disk already */
	assert_string_equal(captured(lines.fd), "");
	/* What was written is the state after epoch 3. */
	struct safetensors_file file;
	unsigned char *bytes;
	size_t length;
	assert_int_equal(file_read(path_of("checkpoint-3.safetensors"), 1 << 20, &bytes, &length, NULL), 0);
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	assert_string_equal(safetensors_meta_find(&file, "epoch"), "3");
	assert_string_equal(safetensors_meta_find(&file, "fingerprint"), job.fingerprint);
	safetensors_free(&file);
	free(bytes);
}

/* A copy that took a second is not repeated within a hundred, unless a file is due; a file needs a new copy. */
static void dear_copies_are_rare(void **state)
{
	(void)state;
	checkpoints_open(&kept, folder, SECONDS_NEVER);
	after_epoch();
	kept.copy_seconds = 100;
	kept.copy_at = clock_monotonic() - 9000;
	after_epoch();
	assert_int_equal(kept.epoch, 1);
	kept.copy_seconds = 100;
	kept.copy_at = clock_monotonic() - 10001;
	after_epoch();
	assert_int_equal(kept.epoch, 3);
	kept.copy_seconds = 1e6;
	kept.file_at = clock_monotonic() - 11;
	kept.interval = 10;
	after_epoch();
	assert_int_equal(kept.epoch, 4);
	announced(4);
	kept.copy_seconds = 1e6;
	after_epoch(); /* the last epoch: the results follow */
	assert_int_equal(kept.epoch, 4);
	assert_false(exists(5));
}

static void files_at_intervals(void **state)
{
	(void)state;
	checkpoints_open(&kept, folder, 1000);
	kept.file_at = clock_monotonic() - 900;
	after_epoch();
	assert_false(exists(1));
	kept.file_at = clock_monotonic() - 9000;
	after_epoch();
	announced(2);
	after_epoch();
	assert_false(exists(3));
	assert_true(exists(2));
}

/* However soon they are over: each second epoch from where the run began, or from the newest file. */
static void files_by_epochs(void **state)
{
	(void)state;
	checkpoints_open(&kept, folder, SECONDS_NEVER);
	kept.most_epochs = 2;
	kept.file_epoch = -1; /* one before the first */
	after_epoch();
	announced(1);
	after_epoch();
	assert_string_equal(captured(lines.fd), "");
	after_epoch();
	announced(3);
	assert_int_equal(kept.file_epoch, 3);
	kept.file_at -= 2 * SECONDS_NEVER; /* by time too */
	after_epoch();
	announced(4);
	after_epoch(); /* the last one */
	assert_string_equal(captured(lines.fd), "");
	assert_true(!exists(1) && exists(3) && exists(4));
}

static void a_folder_that_is_gone(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	checkpoints_open(&kept, "/nonexistent/qlstm", 0);
	job_train(&job, 1);
	assert_true(checkpoints_after_epoch(&kept, &job, &lines, &error) != 0);
	assert_true(error.code != 0);
	assert_string_equal(captured(lines.fd), "");
	assert_true(kept.on_disk[0] == 0 && kept.on_disk[1] == 0);
}

#define IN_A_RUN(test) cmocka_unit_test_setup_teardown(test, open_run, close_run)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_A_RUN(opened),
	    IN_A_RUN(files_at_every_epoch),
	    IN_A_RUN(copies_between_files),
	    IN_A_RUN(dear_copies_are_rare),
	    IN_A_RUN(files_at_intervals),
	    IN_A_RUN(files_by_epochs),
	    IN_A_RUN(a_folder_that_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
