/* Files without a name. */
#include "server/common/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "server/common/file.h"

#define ROOM_EVERY ((size_t)16 << 20) /* bytes between two looks at the disk */
#define ROOM_LEFT  (256ULL << 20)     /* on the disk, or where it is small the SHARE_LEFT-th part of it */
#define SHARE_LEFT 16

static int failed(int number, struct qlstm_error *error)
{
	char reason[128];
	int code = file_error_code(number);
	if (code == ERR_NOT_FOUND) /* the folder: nothing that was asked for */
		code = ERR_IO;
	return error_set(error, code, NULL, "data on their way cannot be put on the disk: %s",
	                 strerror_r(number, reason, sizeof reason));
}

/* Under a name that the sweep knows (server/disk/layout.h), for a crash may come before it is gone. */
static int open_named(const char *folder)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof path, "%s/." SPOOL_FILE ".%08x.tmp", folder, randombytes_random());
	if (length < 0 || (size_t)length >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		unlink(path);
	return fd;
}

int spool_open(struct spool *spool, const char *folder, struct qlstm_error *error)
{
	*spool = (struct spool){0};
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) /* no such files there, or a reason that the other way meets as well */
		fd = open_named(folder);
	if (fd < 0)
		return failed(errno, error);
	spool->file = fd + 1;
	return 0;
}

static int check_room(const struct spool *spool, size_t count, struct qlstm_error *error)
{
	struct statvfs disk;
	if (spool->length > 0 && spool->length / ROOM_EVERY == (spool->length + count) / ROOM_EVERY)
		return 0;
	if (fstatvfs(spool->file - 1, &disk) != 0)
		return 0;
	unsigned long long left = (unsigned long long)disk.f_blocks * disk.f_frsize / SHARE_LEFT;
	left = left < ROOM_LEFT ? left : ROOM_LEFT;
	return (unsigned long long)disk.f_bavail * disk.f_frsize < left ? failed(ENOSPC, error) : 0;
}

int spool_write(struct spool *spool, const void *bytes, size_t count, struct qlstm_error *error)
{
	int rc = check_room(spool, count, error);
	if (rc == 0 && file_write_all(spool->file - 1, bytes, count) != 0)
		rc = failed(errno, error);
	if (rc == 0)
		spool->length += count;
	return rc;
}

int spool_map(const struct spool *spool, const unsigned char **bytes, struct qlstm_error *error)
{
	*bytes = (const unsigned char *)"";
	if (spool->length == 0)
		return 0;
	void *pages = mmap(NULL, spool->length, PROT_READ, MAP_PRIVATE, spool->file - 1, 0);
	if (pages == MAP_FAILED)
		return error_set(error, ERR_IO, NULL, "data on their way cannot be read");
	*bytes = pages;
	return 0;
}

void spool_unmap(const struct spool *spool, const unsigned char *bytes)
{
	if (bytes != NULL)
		file_unmap(bytes, spool->length);
}

void spool_close(struct spool *spool)
{
	if (spool->file != 0)
		close(spool->file - 1);
	*spool = (struct spool){0};
}
