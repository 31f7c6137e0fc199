/* Spools: bytes on their way through a file without a name, on file systems that have such files and on others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#include "server/common/data_file.h"
#include "server/common/spool.h"
#include "server/disk/layout.h"

/* What the file system says, by --wrap. */
static int nameless_errno, named_errno;    /* of open, when not 0 */
static char named[512];                    /* the last path that a file was made under */
static unsigned long long disk, free_disk; /* bytes; disk 0: as it is */
static int looks;                          /* at the disk */

int __real_open(const char *path, int flags, int mode);
int __wrap_open(const char *path, int flags, int mode);
int __wrap_open(const char *path, int flags, int mode)
{
	bool nameless = (flags & O_TMPFILE) == O_TMPFILE, new = !nameless && (flags & O_CREAT) != 0;
	int number = nameless ? nameless_errno : new ? named_errno : 0;
	if (number != 0) {
		errno = number;
		return -1;
	}
	if (new)
		strncpy(named, path, sizeof named - 1);
	return __real_open(path, flags, mode);
}

int __real_fstatvfs(int fd, struct statvfs *out);
int __wrap_fstatvfs(int fd, struct statvfs *out);
int __wrap_fstatvfs(int fd, struct statvfs *out)
{
	looks++;
	if (disk == 0)
		return __real_fstatvfs(fd, out);
	*out = (struct statvfs){.f_frsize = 4096, .f_blocks = disk / 4096, .f_bavail = free_disk / 4096};
	return 0;
}

static char folder[] = "/tmp/qlstm-spool-XXXXXX";

static int begin(void **state)
{
	(void)state;
	nameless_errno = named_errno = looks = 0;
	disk = free_disk = 0;
	named[0] = '\0';
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

/* Nothing is left. */
static int end(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void write_and_read(void)
{
	struct spool spool;
	const unsigned char *bytes;
	struct qlstm_error error = {0};
	assert_int_equal(spool_open(&spool, folder, &error), 0);
	assert_int_equal(spool_map(&spool, &bytes, &error), 0); /* nothing is in it */
	spool_unmap(&spool, bytes);
	assert_int_equal(spool_write(&spool, "first, ", 7, &error), 0);
	assert_int_equal(spool_write(&spool, "second", 6, &error), 0);
	assert_int_equal(spool_map(&spool, &bytes, &error), 0);
	assert_memory_equal(bytes, "first, second", 13);
	spool_unmap(&spool, bytes);
	spool_unmap(&spool, NULL);
	assert_int_equal(rmdir(folder), 0); /* it has no name while it is open */
	assert_int_equal(mkdir(folder, 0700), 0);
	spool_close(&spool);
	spool_close(&spool);
}

static void test_without_a_name(void **state)
{
	(void)state;
	write_and_read();
	assert_string_equal(named, "");
}

/* NFS, FAT, FUSE have no such files; old kernels say it in other words. */
static void test_with_a_name_for_an_instant(void **state)
{
	(void)state;
	const int numbers[] = {EOPNOTSUPP, EISDIR, EINVAL};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		nameless_errno = numbers[i];
		write_and_read();
		const char *name = strrchr(named, '/') + 1;
		assert_true(layout_is_temporary_own(name)); /* the sweep knows it */
		assert_false(layout_is_temporary_dataset(name));
	}
}

static void test_no_file_at_all(void **state)
{
	(void)state;
	const struct {
		int number, code;
	} cases[] = {{EMFILE, ERR_UNAVAILABLE}, {ENOSPC, ERR_DISK_FULL}, {EACCES, ERR_IO}, {ENOENT, ERR_IO}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct spool spool;
		struct qlstm_error error = {0};
		nameless_errno = named_errno = cases[i].number;
		assert_int_equal(spool_open(&spool, folder, &error), cases[i].code);
		assert_int_equal(error.code, cases[i].code);
		spool_close(&spool);
	}
}

/* 256 MiB stay free, of a small disk a sixteenth; looked at with the first bytes and once in 16 MiB. */
static void test_room_is_left(void **state)
{
	(void)state;
	const unsigned long long MIB = 1 << 20;
	const struct {
		unsigned long long disk, free;
		int code;
	} cases[] = {{1 << 20, 256, 0}, {1 << 20, 255, ERR_DISK_FULL}, {160, 10, 0}, {160, 9, ERR_DISK_FULL}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct spool spool;
		struct qlstm_error error = {0};
		disk = cases[i].disk * MIB;
		free_disk = cases[i].free * MIB;
		assert_int_equal(spool_open(&spool, folder, &error), 0);
		assert_int_equal(spool_write(&spool, "x", 1, &error), cases[i].code);
		assert_int_equal(spool.length, cases[i].code == 0);
		spool_close(&spool);
	}
	static unsigned char block[1 << 20];
	struct spool spool;
	disk = 0;
	looks = 0;
	assert_int_equal(spool_open(&spool, folder, NULL), 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(spool_write(&spool, block, sizeof block, NULL), 0);
	assert_int_equal(looks, 3);
	disk = 1 << 20; /* others fill it meanwhile */
	free_disk = 0;
	int rc = 0;
	for (int i = 0; rc == 0 && i < 16; i++)
		rc = spool_write(&spool, block, sizeof block, NULL);
	assert_int_equal(rc, ERR_DISK_FULL);
	assert_int_equal(spool.length, (size_t)47 << 20);
	spool_close(&spool);
}

static void pack(const unsigned char *bytes, size_t count, unsigned char *out, size_t *length)
{
	z_stream stream = {.next_in = (z_const Bytef *)(uintptr_t)bytes,
	                   .avail_in = (uInt)count,
	                   .next_out = out,
	                   .avail_out = (uInt)*length};
	assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	*length = stream.total_out;
	deflateEnd(&stream);
}

/* A few KB that unpack to 40 MiB: where there is no room for those they are refused. */
static void test_unpacked_data(void **state)
{
	(void)state;
	enum { BYTES = 40 << 20 };
	static unsigned char packed[BYTES / 50];
	unsigned char *plain = malloc(BYTES);
	size_t length = sizeof packed;
	assert_non_null(plain);
	for (size_t i = 0; i < BYTES; i++)
		plain[i] = i % 8 == 7 ? '\n' : '1';
	pack(plain, BYTES, packed, &length);
	free(plain);
	const struct data_request request = {.spool = folder, .limit = BYTES};
	struct data_file found;
	struct table table;
	for (int named_file = 0; named_file < 2; named_file++) {
		struct qlstm_error error = {0};
		nameless_errno = named_file ? EOPNOTSUPP : 0;
		disk = 0;
		assert_int_equal(data_file_read(packed, length, &request, &found, &table, &error), 0);
		assert_int_equal(table.n_rows, BYTES / 8);
		table_free(&table);
		disk = 1ULL << 40;
		free_disk = 255 << 20;
		assert_int_equal(data_file_read(packed, length, &request, &found, &table, &error), ERR_DISK_FULL);
	}
	assert_true(named[0] != '\0');
	struct qlstm_error error = {0};
	named_errno = EMFILE;
	assert_int_equal(data_file_read(packed, length, &request, &found, &table, &error), ERR_UNAVAILABLE);
}

/* Up to 1 MiB, unpacked, needs no file and no turn; what is larger waits for another time when several are read. */
static void test_turns(void **state)
{
	(void)state;
	enum { SMALL = 1 << 20 };
	static unsigned char plain[SMALL + 8], packed[SMALL / 50];
	atomic_int unpacking = 0;
	const struct data_request request = {.spool = folder, .limit = (size_t)1 << 30, .unpacking = &unpacking};
	struct data_file found;
	struct table table;
	struct qlstm_error error = {0};
	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = i % 8 == 7 ? '\n' : '1';
	for (int larger = 0; larger < 2; larger++) {
		size_t length = sizeof packed, bytes = larger ? SMALL + 8 : SMALL;
		pack(plain, bytes, packed, &length);
		nameless_errno = named_errno = larger ? 0 : EMFILE;
		unpacking = larger ? DATA_MAX_UNPACKING - 1 : DATA_MAX_UNPACKING;
		int before = unpacking;
		assert_int_equal(data_file_read(packed, length, &request, &found, &table, &error), 0);
		assert_int_equal(error.code, 0);
		assert_int_equal(table.n_rows, bytes / 8);
		assert_int_equal(unpacking, before);
		table_free(&table);
		unpacking = DATA_MAX_UNPACKING;
		int rc = data_file_read(packed, length, &request, &found, &table, &error);
		assert_int_equal(rc, larger ? ERR_UNAVAILABLE : 0);
		assert_int_equal(unpacking, DATA_MAX_UNPACKING);
		if (rc == 0)
			table_free(&table);
	}
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_without_a_name), TEST(test_with_a_name_for_an_instant),
	    TEST(test_no_file_at_all), TEST(test_room_is_left),
	    TEST(test_unpacked_data),  TEST(test_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
