/* Files that are wholly there or not at all, hashes, times and ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/common/file_writer.h"

static char folder[256];

static int make_folder(void **state)
{
	(void)state;
	const char *base = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/qlstm-common-XXXXXX", base != NULL ? base : "/tmp");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int drop_folder(void **state)
{
	(void)state;
	return file_remove_tree(folder, NULL);
}

static const char *in_folder(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static void assert_content(const char *name, const char *expected)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	assert_int_equal(file_read(in_folder(name), 1 << 20, &bytes, &length, NULL), 0);
	assert_int_equal(length, strlen(expected));
	assert_string_equal((char *)bytes, expected);
	free(bytes);
}

/* What is in the folder, hidden files too. */
static int count_entries(void)
{
	char command[600];
	snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
	FILE *pipe = popen(command, "r");
	int count = -1;
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%d", &count), 1);
	pclose(pipe);
	return count;
}

static void test_write_replaces(void **state)
{
	(void)state;
	assert_int_equal(file_write_atomic(folder, "a", "one", 3, NULL), 0);
	assert_content("a", "one");
	assert_int_equal(file_write_atomic(folder, "a", "", 0, NULL), 0);
	assert_content("a", "");
	assert_int_equal(count_entries(), 1);
}

static void test_failed_write_leaves_the_old_content(void **state)
{
	(void)state;
	static char large[100000];
	assert_int_equal(file_write_atomic(folder, "a", "old", 3, NULL), 0);
	struct rlimit before, small;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct qlstm_error error = {0};
	int rc = file_write_atomic(folder, "a", large, sizeof large, &error);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(rc, ERR_DISK_FULL);
	assert_int_equal(error.code, ERR_DISK_FULL);
	assert_content("a", "old");
	assert_int_equal(count_entries(), 1); /* no temporary file stays behind */
}

/* Piece by piece; bytes and hash are those of the whole. */
static void test_write_in_pieces(void **state)
{
	(void)state;
	struct file_writer writer;
	char sha256[65];
	file_writer_open(&writer, folder, "a");
	assert_int_equal(file_writer_add(&writer, "ab", 2), 0);
	assert_int_equal(file_writer_add(&writer, "", 0), 0);
	assert_int_equal(file_writer_add(&writer, "c", 1), 0);
	assert_int_equal(file_writer_close(&writer, true, NULL), 0);
	assert_content("a", "abc");
	sha256_hex("abc", 3, sha256);
	assert_string_equal(writer.sha256, sha256);
	assert_int_equal(writer.bytes, 3);
	/* Another one that is given up. */
	file_writer_open(&writer, folder, "a");
	assert_int_equal(file_writer_add(&writer, "xyz", 3), 0);
	assert_int_equal(count_entries(), 2);
	assert_int_equal(file_writer_close(&writer, false, NULL), 0);
	assert_content("a", "abc");
	assert_int_equal(count_entries(), 1);
	struct qlstm_error error = {0};
	file_writer_open(&writer, in_folder("no"), "a");
	assert_int_equal(file_writer_add(&writer, "x", 1), -1);
	assert_int_equal(file_writer_close(&writer, true, &error), ERR_NOT_FOUND);
	assert_non_null(strstr(error.message, "cannot open"));
}

static void test_write_into_a_missing_folder(void **state)
{
	(void)state;
	assert_int_equal(file_write_atomic(in_folder("no"), "a", "x", 1, NULL), ERR_NOT_FOUND);
}

static void test_read_refuses(void **state)
{
	(void)state;
	unsigned char *bytes = NULL;
	size_t length = 0;
	assert_int_equal(file_write_atomic(folder, "a", "12345", 5, NULL), 0);
	assert_int_equal(file_read(in_folder("a"), 4, &bytes, &length, NULL), ERR_TOO_LARGE);
	assert_int_equal(file_read(in_folder("b"), 4, &bytes, &length, NULL), ERR_NOT_FOUND);
	assert_int_equal(file_read(folder, 1 << 20, &bytes, &length, NULL), ERR_IO);
	assert_null(bytes);
	assert_int_equal(file_read(in_folder("a"), 5, &bytes, &length, NULL), 0);
	free(bytes);
}

static void test_make_directory(void **state)
{
	(void)state;
	struct stat status;
	assert_int_equal(file_make_directory(in_folder("x/y/z"), NULL), 0);
	assert_int_equal(file_make_directory(in_folder("x/y/z"), NULL), 0);
	assert_int_equal(stat(in_folder("x/y/z"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(file_write_atomic(folder, "file", "", 0, NULL), 0);
	assert_int_not_equal(file_make_directory(in_folder("file/below"), NULL), 0);
}

static void test_remove_tree_does_not_follow_links(void **state)
{
	(void)state;
	assert_int_equal(file_make_directory(in_folder("keep"), NULL), 0);
	assert_int_equal(file_write_atomic(in_folder("keep"), "precious", "!", 1, NULL), 0);
	assert_int_equal(file_make_directory(in_folder("gone/deep"), NULL), 0);
	assert_int_equal(file_write_atomic(in_folder("gone/deep"), "f", "x", 1, NULL), 0);
	assert_int_equal(symlink(in_folder("keep"), in_folder("gone/deep/link")), 0);
	assert_int_equal(file_remove_tree(in_folder("gone"), NULL), 0);
	assert_int_equal(file_remove_tree(in_folder("gone"), NULL), 0); /* nothing there: no error */
	assert_content("keep/precious", "!");
	assert_int_equal(count_entries(), 1);
}

static void test_sha256(void **state)
{
	(void)state;
	static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	char hash[65], file_hash[65];
	size_t bytes = 0;
	sha256_hex("abc", 3, hash);
	assert_string_equal(hash, abc);
	assert_int_equal(file_write_atomic(folder, "abc", "abc", 3, NULL), 0);
	assert_int_equal(sha256_file(in_folder("abc"), file_hash, &bytes, NULL), 0);
	assert_string_equal(file_hash, abc);
	assert_int_equal(bytes, 3);
	/* Longer than one block, and exactly two. */
	static char large[131072];
	memset(large, 'q', sizeof large);
	for (size_t length = sizeof large - 1; length <= sizeof large; length++) {
		sha256_hex(large, length, hash);
		assert_int_equal(file_write_atomic(folder, "large", large, length, NULL), 0);
		assert_int_equal(sha256_file(in_folder("large"), file_hash, &bytes, NULL), 0);
		assert_string_equal(file_hash, hash);
		assert_int_equal(bytes, length);
	}
	assert_int_equal(sha256_file(in_folder("none"), file_hash, &bytes, NULL), ERR_NOT_FOUND);
}

static void test_iso8601(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {1, "1970-01-01T00:00:00.001Z"},
	    {-1, "1969-12-31T23:59:59.999Z"},
	    {-1000, "1969-12-31T23:59:59.000Z"},
	    {951827696789, "2000-02-29T12:34:56.789Z"},
	    {253402300799999, "9999-12-31T23:59:59.999Z"},
	    {INT64_MAX, "1970-01-01T00:00:00.000Z"},
	    {INT64_MIN, "1970-01-01T00:00:00.000Z"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[25];
		clock_iso8601(cases[i].ms, text);
		assert_string_equal(text, cases[i].text);
	}
}

enum { THREADS = 4, IDS = 5000 };

static void *make_ids(void *argument)
{
	char(*ids)[27] = argument;
	for (int i = 0; i < IDS; i++)
		ulid_make(ids[i]);
	return NULL;
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, 27);
}

static void test_ulids_rise_and_are_unique(void **state)
{
	(void)state;
	static char ids[THREADS][IDS][27];
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < IDS; j++) {
			assert_true(ulid_valid(ids[i][j]));
			assert_true(j == 0 || strcmp(ids[i][j - 1], ids[i][j]) < 0);
		}
	char(*all)[27] = ids[0];
	qsort(all, (size_t)THREADS * IDS, 27, compare_ids);
	for (int i = 1; i < THREADS * IDS; i++)
		assert_true(strcmp(all[i - 1], all[i]) != 0);
}

static void test_ulid_carries_the_time(void **state)
{
	(void)state;
	static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	char id[27];
	int64_t before = clock_now_ms();
	ulid_make(id);
	int64_t time = 0;
	for (int i = 0; i < 10; i++)
		time = time * 32 + (strchr(letters, id[i]) - letters);
	assert_true(time >= before && time <= clock_now_ms());
}

static void test_ulid_valid(void **state)
{
	(void)state;
	assert_true(ulid_valid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
	assert_false(ulid_valid("01ARZ3NDEKTSV4RRFFQ69G5FA"));
	assert_false(ulid_valid("01ARZ3NDEKTSV4RRFFQ69G5FAVV"));
	assert_false(ulid_valid("81ARZ3NDEKTSV4RRFFQ69G5FAV")); /* more than 128 bits */
	assert_false(ulid_valid("01ARZ3NDEKTSV4RRFFQ69G5FAU"));
	assert_false(ulid_valid("01arz3ndektsv4rrffq69g5fav"));
	assert_false(ulid_valid("../ARZ3NDEKTSV4RRFFQ69G5FA"));
	assert_false(ulid_valid(""));
}

static int count_open_files(void)
{
	int count = 0;
	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* What goes well, and what does not. */
static void use_files(void)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	char hash[65];
	int before = count_open_files();
	assert_int_equal(file_make_directory(in_folder("x/y"), NULL), 0);
	assert_int_equal(file_write_atomic(in_folder("x/y"), "a", "one", 3, NULL), 0);
	assert_int_not_equal(file_write_atomic(in_folder("x"), "y", "one", 3, NULL), 0); /* a folder is in the way */
	assert_int_equal(file_read(in_folder("x/y/a"), 3, &bytes, &length, NULL), 0);
	free(bytes);
	assert_int_not_equal(file_read(in_folder("x/y/a"), 2, &bytes, &length, NULL), 0);
	assert_int_not_equal(file_read(in_folder("x"), 2, &bytes, &length, NULL), 0);
	assert_int_equal(sha256_file(in_folder("x/y/a"), hash, NULL, NULL), 0);
	assert_int_not_equal(sha256_file(in_folder("x"), hash, NULL, NULL), 0);
	assert_int_equal(file_remove_tree(in_folder("x"), NULL), 0);
	assert_int_equal(count_open_files(), before);
}

/* Nothing stays open; descriptor 0, which the next file gets where there is no standard input, is as good as any. */
static void test_nothing_stays_open(void **state)
{
	(void)state;
	use_files();
	int kept = dup(STDIN_FILENO);
	assert_true(kept > 0);
	close(STDIN_FILENO);
	use_files();
	assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
	close(kept);
}

/* For nobody else's eyes. */
static void test_modes(void **state)
{
	(void)state;
	struct stat status;
	mode_t before = umask(0);
	assert_int_equal(file_write_atomic(folder, "a", "one", 3, NULL), 0);
	assert_int_equal(file_make_directory(in_folder("x"), NULL), 0);
	umask(before);
	assert_int_equal(stat(in_folder("a"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(stat(in_folder("x"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
}

static void test_paths_of_folders(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	char long_path[PATH_MAX + 10];
	memset(long_path, 'x', sizeof long_path);
	for (size_t i = 0; i < sizeof long_path; i += 100)
		long_path[i] = '/';
	long_path[PATH_MAX] = '\0';
	assert_int_equal(file_make_directory(long_path, &error), ERR_IO);
	assert_memory_equal(error.message, "cannot make the directory /xxx", 30);
	assert_int_equal(file_make_directory("", NULL), ERR_IO);
	assert_int_equal(file_make_directory("/", NULL), 0);
	assert_int_equal(file_make_directory(in_folder("a//b/"), NULL), 0);
	struct stat status;
	assert_int_equal(stat(in_folder("a/b"), &status), 0);
	assert_int_equal(file_write_atomic(folder, "file", "", 0, NULL), 0);
	error_clear(&error);
	assert_int_equal(file_make_directory(in_folder("file"), &error), ERR_IO);
	assert_non_null(strstr(error.message, "File exists"));
}

/* A file, a link, and folders down to a depth that nobody reaches by accident. */
static void test_remove_tree(void **state)
{
	(void)state;
	struct stat status;
	char path[2000];
	assert_int_equal(file_write_atomic(folder, "file", "", 0, NULL), 0);
	assert_int_equal(symlink(folder, in_folder("link")), 0);
	assert_int_equal(file_remove_tree(in_folder("link"), NULL), 0);
	assert_int_equal(stat(in_folder("file"), &status), 0);
	assert_int_equal(file_remove_tree(in_folder("file"), NULL), 0);
	assert_int_equal(lstat(in_folder("file"), &status), -1);
	for (int depth = 64; depth <= 65; depth++) {
		snprintf(path, sizeof path, "%s/deep", folder);
		for (int i = 1; i < depth; i++)
			strcat(path, "/d");
		assert_int_equal(file_make_directory(path, NULL), 0);
		struct qlstm_error error = {0};
		assert_int_equal(file_remove_tree(in_folder("deep"), &error), depth == 64 ? 0 : ERR_IO);
		if (depth == 65)
			assert_non_null(strstr(error.message, "Too many levels"));
	}
	assert_int_equal(file_remove_tree(in_folder("deep/d"), NULL), 0); /* in two goes */
	assert_int_equal(file_remove_tree(in_folder("deep"), NULL), 0);
}

/* Against the system's own clocks. */
static void test_clocks(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct timespec before, after;
		clock_gettime(CLOCK_REALTIME, &before);
		int64_t now = clock_now_ms();
		clock_gettime(CLOCK_REALTIME, &after);
		assert_true(now >= (int64_t)before.tv_sec * 1000 + before.tv_nsec / 1000000);
		assert_true(now <= (int64_t)after.tv_sec * 1000 + after.tv_nsec / 1000000);
		clock_gettime(CLOCK_MONOTONIC, &before);
		double seconds = clock_monotonic();
		clock_gettime(CLOCK_MONOTONIC, &after);
		assert_true(seconds >= (double)before.tv_sec + (double)before.tv_nsec * 1e-9);
		assert_true(seconds <= (double)after.tv_sec + (double)after.tv_nsec * 1e-9);
	}
}

/* 80 random bits behind the time; the first of them is kept 0, so that counting on never overflows. */
static void test_the_random_part_of_ulids(void **state)
{
	(void)state;
	static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	bool seen[16][32] = {{false}};
	char id[27];
	for (int fresh = 0, tries = 0; fresh < 200 && tries < 100000000; tries++) {
		static char last[27];
		ulid_make(id);
		if (memcmp(id, last, 10) != 0) { /* another millisecond: drawn anew */
			fresh++;
			for (int i = 0; i < 16; i++)
				seen[i][strchr(letters, id[10 + i]) - letters] = true;
			assert_true(strchr(letters, id[10]) - letters < 16);
		}
		memcpy(last, id, 27);
	}
	for (int i = 0; i < 16; i++) {
		int kinds = 0;
		for (int j = 0; j < 32; j++)
			kinds += seen[i][j];
		assert_true(kinds > (i == 0 ? 10 : 20)); /* wrong less than once in 2^40 */
	}
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(test_write_replaces),
	    IN_FOLDER(test_failed_write_leaves_the_old_content),
	    IN_FOLDER(test_write_in_pieces),
	    IN_FOLDER(test_write_into_a_missing_folder),
	    IN_FOLDER(test_read_refuses),
	    IN_FOLDER(test_make_directory),
	    IN_FOLDER(test_remove_tree_does_not_follow_links),
	    IN_FOLDER(test_sha256),
	    IN_FOLDER(test_nothing_stays_open),
	    IN_FOLDER(test_modes),
	    IN_FOLDER(test_paths_of_folders),
	    IN_FOLDER(test_remove_tree),
	    cmocka_unit_test(test_clocks),
	    cmocka_unit_test(test_the_random_part_of_ulids),
	    cmocka_unit_test(test_iso8601),
	    cmocka_unit_test(test_ulids_rise_and_are_unique),
	    cmocka_unit_test(test_ulid_carries_the_time),
	    cmocka_unit_test(test_ulid_valid),
	};
	return cmocka_run_group_tests_name("common", tests, NULL, NULL);
}
