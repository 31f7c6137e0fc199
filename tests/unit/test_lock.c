/* The lock on a data directory: one holder, whoever comes second is told, and nothing in the folder can undo it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
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

/* Removes whatever files stand in the folder. */
static void empty_folder(void)
{
	DIR *directory = opendir(folder);
	assert_non_null(directory);
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
		unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
}

static void test_one_holder(void **state)
{
	(void)state;
	int first = -1, second = -1;
	assert_int_equal(take(database, &first), 0);
	assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC); /* no worker inherits it */
	for (int round = 0; round < 2; round++) {
		assert_int_equal(take(database, &second), ERR_CONFLICT);
		assert_int_equal(error.code, ERR_CONFLICT);
		assert_non_null(strstr(error.message, "another qlstmd uses this data directory"));
		assert_non_null(strstr(error.message, folder));
		assert_int_equal(second, -1);
		empty_folder(); /* and it holds all the same */
	}
	close(first);
	assert_int_equal(take(database, &second), 0);
	close(second);
}

/* The database's folder, wherever that is. */
static void test_its_place(void **state)
{
	(void)state;
	int fd = -1, second = -1;
	char *kept = getcwd(NULL, 0);
	assert_non_null(kept);
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(take("qlstmd.db", &fd), 0);
	assert_int_equal(chdir(kept), 0);
	free(kept);
	assert_int_equal(take(database, &second), ERR_CONFLICT);
	close(fd);
}

static void test_refusals(void **state)
{
	(void)state;
	int fd = -1;
	char path[PATH_MAX + 512];
	assert_int_equal(take("/nonexistent/folder/qlstmd.db", &fd), ERR_IO);
	assert_non_null(strstr(error.message, "cannot open /nonexistent/folder/: "));
	/* The folder's name with so many slashes that the longest path comes out, and one more. */
	size_t room = PATH_MAX - 1, length = strlen(folder);
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
	/* A file in its place. */
	FILE *file = fopen(database, "w");
	assert_non_null(file);
	fclose(file);
	snprintf(path, sizeof path, "%s/qlstmd.db", database);
	assert_int_equal(take(path, &fd), ERR_IO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {TEST(test_one_holder), TEST(test_its_place), TEST(test_refusals)};
	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
