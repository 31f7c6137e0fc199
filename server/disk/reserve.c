/* Room that is kept. */
#include "server/disk/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { GRAIN = 65536, SHARE = 8, PARTS = 16, BLOCK = 512 /* of st_blocks */ };

struct reserve {
	char data_dir[PATH_MAX], path[PATH_MAX];
	uint64_t bytes;
	pthread_mutex_t lock; /* held while the file is made or removed */
	atomic_bool held;
};

int reserve_open(struct reserve **out, const char *data_dir, size_t bytes, struct qlstm_error *error)
{
	struct reserve *reserve = calloc(1, sizeof *reserve);
	if (reserve == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the reserve");
	int length = snprintf(reserve->path, sizeof reserve->path, "%s/qlstmd.reserve", data_dir);
	if (length < 0 || (size_t)length >= sizeof reserve->path) {
		free(reserve);
		return error_set(error, ERR_IO, NULL, "the path of the data directory is too long");
	}
	snprintf(reserve->data_dir, sizeof reserve->data_dir, "%s", data_dir);
	reserve->bytes = bytes;
	pthread_mutex_init(&reserve->lock, NULL);
	*out = reserve;
	return 0;
}

void reserve_close(struct reserve *reserve)
{
	if (reserve == NULL)
		return;
	pthread_mutex_destroy(&reserve->lock);
	free(reserve);
}

/* Bytes that the file takes now. */
static uint64_t taken(const struct reserve *reserve)
{
	struct stat status;
	return lstat(reserve->path, &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_blocks * BLOCK : 0;
}

/* How large the reserve of this disk is, and what is free beside it. */
static uint64_t whole(const struct reserve *reserve, uint64_t *unused)
{
	struct statvfs disk;
	*unused = 0;
	if (statvfs(reserve->data_dir, &disk) != 0)
		return 0;
	*unused = (uint64_t)disk.f_bavail * disk.f_frsize;
	uint64_t share = (uint64_t)disk.f_blocks * disk.f_frsize / SHARE;
	return (share < reserve->bytes ? share : reserve->bytes) / GRAIN * GRAIN;
}

/* Whether the file has `bytes` now. */
static bool allocate(struct reserve *reserve, uint64_t bytes)
{
	int fd = open(reserve->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	int number = posix_fallocate(fd, 0, (off_t)bytes);
	if (number == 0 && fsync(fd) != 0)
		number = errno;
	close(fd);
	return number == 0;
}

bool reserve_make(struct reserve *reserve)
{
	if (reserve == NULL)
		return false;
	pthread_mutex_lock(&reserve->lock);
	uint64_t unused, there = taken(reserve), bytes = whole(reserve, &unused);
	bool held = bytes > 0 && there >= bytes;
	if (!held && bytes > 0 && unused >= 2 * (bytes - there))
		held = allocate(reserve, bytes);
	atomic_store(&reserve->held, held);
	pthread_mutex_unlock(&reserve->lock);
	return held;
}

bool reserve_give_up(struct reserve *reserve)
{
	if (reserve == NULL)
		return false;
	pthread_mutex_lock(&reserve->lock);
	uint64_t there = taken(reserve), part = reserve->bytes / PARTS;
	if (part < GRAIN)
		part = GRAIN;
	int rc = there > part ? truncate(reserve->path, (off_t)(there - part)) : unlink(reserve->path);
	atomic_store(&reserve->held, false);
	pthread_mutex_unlock(&reserve->lock);
	return rc == 0;
}

int reserve_check(struct reserve *reserve, struct qlstm_error *error)
{
	if (reserve == NULL || reserve->bytes == 0 || atomic_load(&reserve->held))
		return 0;
	return error_set(error, ERR_DISK_FULL, NULL,
	                 "the disk is full: its last room is kept for deleting. Delete experiments or data sets");
}

int reserve_write(struct reserve *reserve, struct store *store, store_fn fn, void *argument, struct qlstm_error *error)
{
	for (;;) {
		struct qlstm_error cause = {0};
		int rc = store_write(store, fn, argument, &cause);
		if (rc == 0)
			return 0;
		bool again = rc == ERR_DISK_FULL && reserve_give_up(reserve);
		if (again)
			store_set_frugal(store, true);
		else
			return error_set(error, cause.code, cause.pointer, "%s", cause.message);
	}
}
