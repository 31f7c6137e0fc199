/* The lock on a data directory: one holder, whoever comes second is told, and only its owner may look at the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/store/lock.h"
#include "tests/unit/experiment_fixture.h"

static struct qlstm_error error;

static int take(const char *path, int *fd)
{
	error_clear(&error);
	return lock_take(path, fd, &error);
}

static void test_one_holder(void **state)
{
	(void)state;
	char name[320];
	struct stat status;
	int first = -1, second = -1;
	snprintf(name, sizeof name, "%s/qlstmd.lock", folder);
	assert_int_equal(take(database, &first), 0);
	assert_int_equal(stat(name, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC); /* no worker inherits it */
	assert_int_equal(take(database, &second), ERR_CONFLICT);
	assert_int_equal(error.code, ERR_CONFLICT);
	assert_non_null(strstr(error.message, "another qlstmd uses this data directory"));
	assert_non_null(strstr(error.message, name));
	assert_int_equal(second, -1);
	close(first);
	assert_int_equal(take(database, &second), 0); /* the file is there already */
	close(second);
}

/* Beside the database, wherever that is. */
static void test_its_place(void **state)
{
	(void)state;
	int fd = -1;
	char *kept = getcwd(NULL, 0);
	assert_non_null(kept);
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(take("qlstmd.db", &fd), 0);
	assert_int_equal(access("qlstmd.lock", F_OK), 0);
	close(fd);
	assert_int_equal(chdir(kept), 0);
	free(kept);
}

static void test_refusals(void **state)
{
	(void)state;
	int fd = -1;
	char path[PATH_MAX + 512], name[320];
	assert_int_equal(take("/nonexistent/folder/qlstmd.db", &fd), ERR_IO);
	assert_non_null(strstr(error.message, "cannot open /nonexistent/folder/qlstmd.lock: "));
	/* The folder's name with so many slashes that the longest path comes out, and one more. */
	size_t room = PATH_MAX - 1 - strlen("qlstmd.lock"), length = strlen(folder);
	memset(path, '/', sizeof path);
	memcpy(path, folder, length);
	path[room] = '\0';
	assert_int_equal(take(path, &fd), 0);
	close(fd);
	fd = -1;
	path[room] = '/', path[room + 1] = '\0';
	assert_int_equal(take(path, &fd), ERR_IO);
	assert_string_equal(error.message, "the path of the data directory is too long");
	assert_int_equal(fd, -1);
	/* A folder in its place. */
	snprintf(name, sizeof name, "%s/qlstmd.lock", folder);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(mkdir(name, 0700), 0);
	assert_int_equal(take(database, &fd), ERR_IO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {TEST(test_one_holder), TEST(test_its_place), TEST(test_refusals)};
	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
