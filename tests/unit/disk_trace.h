/* What the program does to the files of a folder, in order, and failures on demand. The functions below take the place
 * of the C library's in the whole test program, SQLite and libuv included. Include behind cmocka.h, in one file.
 *
 * A trace is text, one line an event: "make A" (a file that was not there), "write A", "sync A", "truncate A",
 * "rename A B", "link A B", "folder A", "remove A". Reading is not traced, but "read A" can be made to fail. Names are
 * relative to the folder that is watched, which is "."; the random part of a temporary name is left out; an event that
 * repeats the one before is left out. */
#ifndef QLSTM_TESTS_DISK_TRACE_H
#define QLSTM_TESTS_DISK_TRACE_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	atomic_bool watches; /* with a root */
	pthread_mutex_t lock;
	char root[PATH_MAX]; /* "": nothing is watched */
	char text[1 << 16], last[2 * PATH_MAX];
	size_t used;
	/* The next call that begins with `event` fails with `number`, after `skip` of them. */
	char event[64];
	int number, skip;
	atomic_size_t longest;  /* of a read or a write; 0: no limit */
	atomic_bool fail_links; /* a file system without hard links */
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Starts an empty trace of what happens in `root`. */
static inline void disk_watch(const char *root)
{
	pthread_mutex_lock(&disk.lock);
	if (realpath(root, disk.root) == NULL)
		disk.root[0] = '\0';
	disk.watches = disk.root[0] != '\0';
	disk.used = 0;
	disk.text[0] = disk.last[0] = '\0';
	disk.event[0] = '\0';
	disk.longest = 0;
	disk.fail_links = false;
	pthread_mutex_unlock(&disk.lock);
}

static inline void disk_stop(void)
{
	pthread_mutex_lock(&disk.lock);
	disk.watches = false;
	disk.root[0] = '\0';
	pthread_mutex_unlock(&disk.lock);
}

/* The call of this event, after `skip` others, fails: "sync", or "sync A", or "write .A". */
static inline void disk_fail(const char *event, int skip, int number)
{
	pthread_mutex_lock(&disk.lock);
	snprintf(disk.event, sizeof disk.event, "%s", event);
	disk.skip = skip;
	disk.number = number;
	pthread_mutex_unlock(&disk.lock);
}

/* The trace so far. */
static inline const char *disk_trace(void)
{
	static _Thread_local char copy[sizeof disk.text];
	pthread_mutex_lock(&disk.lock);
	memcpy(copy, disk.text, disk.used + 1);
	pthread_mutex_unlock(&disk.lock);
	return copy;
}

/* The lines of `trace` that name what is in `inside`, without it. */
static inline const char *disk_keep(const char *trace, const char *inside)
{
	static char kept[1 << 15];
	size_t used = 0;
	for (const char *line = trace; *line != '\0';) {
		const char *end = strchr(line, '\n');
		char text[512];
		snprintf(text, sizeof text, "%.*s", (int)(end - line), line);
		line = end + 1;
		if (strstr(text, inside) == NULL)
			continue;
		for (char *at; (at = strstr(text, inside)) != NULL;)
			memmove(at, at + strlen(inside), strlen(at + strlen(inside)) + 1);
		used += (size_t)snprintf(kept + used, sizeof kept - used, "%s\n", text);
	}
	kept[used] = '\0';
	return kept;
}

/* The last thing that happened to the database's log is a sync. */
static inline void assert_log_is_synced(const char *trace)
{
	const char *log = disk_keep(trace, "qlstmd.db-wal");
	size_t length = strlen(log);
	assert_true(length >= 13);
	assert_string_equal(log + length - 13, "write \nsync \n");
}

/* The name of a path below the root; false where it lies elsewhere. Under the lock. */
static inline bool disk_name(const char *path, char name[PATH_MAX])
{
	size_t length = strlen(disk.root);
	if (length == 0 || strncmp(path, disk.root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return false;
	snprintf(name, PATH_MAX, "%s", path[length] == '\0' ? "." : path + length + 1);
	size_t end = strlen(name); /* ".a.0123abcd.tmp" */
	if (end > 13 && strcmp(name + end - 4, ".tmp") == 0 && name[end - 13] == '.')
		memmove(name + end - 12, "tmp", 4);
	return true;
}

/* The path of `name` in the open folder `at`, or of `at` itself where `name` is NULL. */
static inline bool disk_path(int at, const char *name, char path[PATH_MAX])
{
	char link[64], folder[PATH_MAX];
	if (name != NULL && name[0] == '/')
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
	if (at == AT_FDCWD)
		snprintf(link, sizeof link, "/proc/self/cwd");
	else
		snprintf(link, sizeof link, "/proc/self/fd/%d", at);
	ssize_t length = readlink(link, folder, sizeof folder - 1);
	if (length < 0)
		return false;
	folder[length] = '\0';
	if (name == NULL)
		return snprintf(path, PATH_MAX, "%s", folder) < PATH_MAX;
	return snprintf(path, PATH_MAX, "%.2000s/%.2000s", folder, name) < PATH_MAX;
}

/* Notes an event; true, with errno set, when it is to fail. */
static inline bool disk_note(const char *verb, int at, const char *name, int to_at, const char *to)
{
	char path[PATH_MAX], shown[PATH_MAX], shown_to[PATH_MAX] = "", line[2 * PATH_MAX];
	int number = errno;
	if (!disk.watches || !disk_path(at, name, path))
		return false;
	pthread_mutex_lock(&disk.lock);
	bool ours = disk_name(path, shown), fails = false;
	if (ours && to != NULL)
		ours = disk_path(to_at, to, path) && disk_name(path, shown_to);
	bool reads = strcmp(verb, "read") == 0;
	if (ours) {
		int length = snprintf(line, sizeof line, "%s %s%s%s\n", verb, shown, to != NULL ? " " : "", shown_to);
		if (!reads && strcmp(line, disk.last) != 0 && disk.used + (size_t)length < sizeof disk.text) {
			memcpy(disk.text + disk.used, line, (size_t)length + 1);
			memcpy(disk.last, line, (size_t)length + 1);
			disk.used += (size_t)length;
		}
		if (disk.event[0] != '\0' && strncmp(line, disk.event, strlen(disk.event)) == 0)
			fails = disk.skip-- == 0;
	}
	if (fails)
		disk.event[0] = '\0';
	pthread_mutex_unlock(&disk.lock);
	errno = fails ? disk.number : number;
	return fails;
}

static inline size_t disk_cut(size_t length)
{
	return disk.watches && disk.longest > 0 && length > disk.longest ? disk.longest : length;
}

ssize_t read(int fd, void *bytes, size_t length)
{
	return disk_note("read", fd, NULL, 0, NULL) ? -1 : syscall(SYS_read, fd, bytes, disk_cut(length));
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	return disk_note("write", fd, NULL, 0, NULL) ? -1 : syscall(SYS_write, fd, bytes, disk_cut(length));
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	return disk_note("write", fd, NULL, 0, NULL) ? -1 : syscall(SYS_pwrite64, fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
	return disk_note("write", fd, NULL, 0, NULL) ? -1 : syscall(SYS_pwrite64, fd, bytes, length, offset);
}

int ftruncate(int fd, off_t length)
{
	return disk_note("truncate", fd, NULL, 0, NULL) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate64(int fd, off64_t length)
{
	return disk_note("truncate", fd, NULL, 0, NULL) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int fsync(int fd)
{
	return disk_note("sync", fd, NULL, 0, NULL) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return disk_note("sync", fd, NULL, 0, NULL) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
	return disk_note("rename", from_at, from, to_at, to) ? -1
	                                                     : (int)syscall(SYS_renameat2, from_at, from, to_at, to, 0);
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int link(const char *from, const char *to)
{
	if (disk_note("link", AT_FDCWD, from, AT_FDCWD, to))
		return -1;
	if (disk.watches && disk.fail_links) {
		errno = EPERM;
		return -1;
	}
	return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int mkdir(const char *path, mode_t mode)
{
	int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	bool fails = rc == 0 && disk_note("folder", AT_FDCWD, path, 0, NULL);
	if (fails)
		syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
	return fails ? -1 : rc;
}

int unlinkat(int at, const char *name, int flags)
{
	return disk_note("remove", at, name, 0, NULL) ? -1 : (int)syscall(SYS_unlinkat, at, name, flags);
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

static inline int disk_open(int at, const char *path, int flags, mode_t mode)
{
	struct stat status;
	if ((flags & O_CREAT) != 0 && fstatat(at, path, &status, AT_SYMLINK_NOFOLLOW) != 0 &&
	    disk_note("make", at, path, 0, NULL))
		return -1;
	return (int)syscall(SYS_openat, at, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list more;
	va_start(more, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
	va_end(more);
	return disk_open(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list more;
	va_start(more, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
	va_end(more);
	return disk_open(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
	va_list more;
	va_start(more, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
	va_end(more);
	return disk_open(at, path, flags, mode);
}

#endif
