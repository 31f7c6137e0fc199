/* What the tests of the worker share: a folder of their own, files in it, jobs made of them, and what was written to a
 * file descriptor. */
#ifndef QLSTM_TESTS_JOB_FIXTURE_H
#define QLSTM_TESTS_JOB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/common/file.h"
#include "server/worker/train/job.h"

static char folder[256];

static inline int make_folder(void **state)
{
	(void)state;
	const char *base = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/qlstm-worker-XXXXXX", base != NULL ? base : "/tmp");
	return sodium_init() < 0 || mkdtemp(folder) == NULL ? -1 : 0;
}

static inline int drop_folder(void **state)
{
	(void)state;
	return file_remove_tree(folder, NULL);
}

static inline void must(int rc, const struct qlstm_error *error)
{
	if (rc != 0)
		fail_msg("%s: %s", error->pointer, error->message);
}

static inline void assert_relative(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance * fabs(expected)))
		fail_msg("%.17g is not %.17g to %g", value, expected, tolerance);
}

/* The path of a file in the folder; of the last four that were asked for. */
static inline const char *path_of(const char *name)
{
	static char paths[4][384];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static inline const char *write_text(const char *name, const char *text)
{
	const char *path = path_of(name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return path;
}

/* A whole file as text; free it. */
static inline char *read_text(const char *name)
{
	unsigned char *bytes = NULL;
	size_t length;
	struct qlstm_error error = {0};
	must(file_read(path_of(name), (size_t)1 << 24, &bytes, &length, &error), &error);
	return (char *)bytes;
}

/* Row i: t = i, small = sin(i), large = 1000 cos(0.7 i), flat = 4. */
#define JOB_ROWS 30
static inline const char *write_table(void)
{
	char text[JOB_ROWS * 96] = "t,small,\"la,rge\",flat\n";
	for (int i = 0; i < JOB_ROWS; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%d,%.17g,%.17g,4\n", i, sin(i),
		         1000 * cos(0.7 * i));
	return write_text("table.csv", text);
}

#define JOB_MODEL "\"model\":{\"layers\":[{\"type\":\"lstm\",\"hidden_size\":2}]}"
/* Two targets of different size, window 3, horizon 2: 26 windows, 15 for training. */
#define JOB_SPEC                                                                                                       \
	"{" JOB_MODEL ",\"data\":{\"dataset\":\"mine\",\"inputs\":[\"t\",\"small\"],\"targets\":[\"small\",2],"        \
	"\"window\":3,\"horizon\":2,\"drop_last_window\":false,\"split\":{\"train\":0.6}},"                            \
	"\"training\":{\"epochs\":5,\"batch_size\":4,\"seed\":9}}"

static inline void job_of(struct job *job, const char *spec)
{
	struct qlstm_error error = {0};
	const char *table = write_table();
	must(job_open(job, write_text("spec.json", spec), table, 1, &error), &error);
}

static inline void job_train(struct job *job, int epochs)
{
	struct epoch_metrics metrics;
	struct qlstm_error error = {0};
	for (int k = 0; k < epochs; k++)
		must(trainer_epoch(job->trainer, NULL, NULL, &metrics, &error), &error);
}

/* A file without a name, for what is written to a descriptor. */
static inline int capture_open(void)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* What it holds; empties it. Borrowed until the next call. */
static inline const char *captured(int fd)
{
	static char text[1 << 17];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return text;
}

/* Points descriptor `fd` at `target` and returns a copy of what it was; redirect_end puts that back. */
static inline int redirect(int fd, int target)
{
	fflush(NULL);
	int kept = dup(fd);
	assert_true(kept >= 0 && dup2(target, fd) == fd);
	return kept;
}

static inline void redirect_end(int fd, int kept)
{
	fflush(NULL);
	assert_true(dup2(kept, fd) == fd);
	close(kept);
}

static inline const json_t *at(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);
	if (value == NULL)
		fail_msg("no %s", key);
	return value;
}

static inline double real_at(const json_t *json, const char *key)
{
	const json_t *value = at(json, key);
	assert_true(json_is_number(value));
	return json_number_value(value);
}

static inline const char *text_at(const json_t *json, const char *key)
{
	const char *text = json_string_value(at(json, key));
	assert_non_null(text);
	return text;
}

#endif
