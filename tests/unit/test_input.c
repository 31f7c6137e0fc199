/* Files named on the command line, standard input among them. */
#include "tests/unit/job_fixture.h"

#include <fcntl.h>
#include <pthread.h>

#include "server/worker/input.h"

static void a_file(void **state)
{
	(void)state;
	unsigned char *bytes = NULL;
	size_t length = 99;
	struct qlstm_error error = {0};
	must(input_read(write_text("a", "some bytes"), &bytes, &length, &error), &error);
	assert_int_equal(length, 10);
	assert_memory_equal(bytes, "some bytes", 11); /* a NUL behind them */
	free(bytes);
	must(input_read(write_text("empty", ""), &bytes, &length, &error), &error);
	assert_int_equal(length, 0);
	assert_int_equal(bytes[0], 0);
	free(bytes);
	assert_int_equal(input_read(path_of("absent"), &bytes, &length, &error), ERR_NOT_FOUND);
	/* A name that only begins with a dash is a file. */
	write_text("-a", "x");
	char *kept = getcwd(NULL, 0);
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(input_read("-a", &bytes, &length, NULL), 0);
	assert_int_equal(chdir(kept), 0);
	assert_int_equal(length, 1);
	free(bytes);
	free(kept);
}

struct feed {
	int fd;
	const char *bytes;
	size_t length;
};

static void *feed(void *context)
{
	struct feed *f = context;
	for (size_t done = 0; done < f->length;) {
		ssize_t n = write(f->fd, f->bytes + done, f->length - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(f->fd);
	return NULL;
}

/* Sizes round the first buffer of 64 KiB and its doublings, through a pipe in whatever pieces it gives. */
static void standard_input(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 65534, 65535, 65536, 65537, 131070, 131071, 131072, 500000};
	static char content[500000];
	for (size_t k = 0; k < sizeof content; k++)
		content[k] = (char)(k * 7919 % 251);
	for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
		int ends[2];
		pthread_t thread;
		assert_int_equal(pipe(ends), 0);
		struct feed f = {ends[1], content, sizes[k]};
		int kept = redirect(STDIN_FILENO, ends[0]);
		close(ends[0]);
		assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
		unsigned char *bytes = NULL;
		size_t length = 0;
		struct qlstm_error error = {0};
		must(input_read("-", &bytes, &length, &error), &error);
		assert_int_equal(pthread_join(thread, NULL), 0);
		redirect_end(STDIN_FILENO, kept);
		assert_int_equal(length, sizes[k]);
		assert_memory_equal(bytes, content, length);
		assert_int_equal(bytes[length], 0);
		free(bytes);
	}
}

static void standard_input_that_cannot_be_read(void **state)
{
	(void)state;
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	int kept = redirect(STDIN_FILENO, fd);
	unsigned char *bytes = NULL;
	size_t length;
	struct qlstm_error error = {0};
	int rc = input_read("-", &bytes, &length, &error);
	redirect_end(STDIN_FILENO, kept);
	close(fd);
	assert_int_equal(rc, ERR_IO);
	assert_string_equal(error.message, "cannot read standard input: Is a directory");
}

static void json(void **state)
{
	(void)state;
	json_t *value = NULL;
	struct qlstm_error error = {0};
	static const char *const good[] = {"[1, 2]", "3", "\"x\"", "null", "{\"a\": 1}"};
	for (size_t k = 0; k < 5; k++) {
		must(input_json(write_text("j", good[k]), &value, &error), &error);
		assert_non_null(value);
		json_decref(value);
	}
	const char *path = write_text("j", "{\n\"a\": 1,\n \"a\": 2}");
	assert_int_equal(input_json(path, &value, &error), ERR_SYNTAX);
	char begin[512];
	snprintf(begin, sizeof begin, "%s, line 3, column ", path);
	assert_memory_equal(error.message, begin, strlen(begin));
	error_clear(&error);
	assert_int_equal(input_json(write_text("j", "[1] 2"), &value, &error), ERR_SYNTAX);
	assert_int_equal(input_json(write_text("j", ""), &value, NULL), ERR_SYNTAX);
	error_clear(&error);
	assert_int_equal(input_json(path_of("absent"), &value, &error), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file),
	    cmocka_unit_test(standard_input),
	    cmocka_unit_test(standard_input_that_cannot_be_read),
	    cmocka_unit_test(json),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
