/* Files that grow under a temporary name. */
#include "server/common/file_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/common/file.h"

enum { MAX_TEMPORARY_NAMES = 16 };

static int fail(struct file_writer *w, const char *doing)
{
	if (w->failed == 0) {
		w->failed = errno;
		w->doing = doing;
	}
	return -1;
}

/* Opens a new file under a temporary name and holds a lock on it, by which others see that somebody writes it. Who
 * takes it for nobody's before the lock is held gets it; another name is tried then. -1: errno says why. */
static int open_temporary(int directory, const char *name, char temporary[NAME_MAX + 1])
{
	for (int tries = 0; tries < MAX_TEMPORARY_NAMES; tries++) {
		int wanted = snprintf(temporary, NAME_MAX + 1, ".%s.%08x.tmp", name, randombytes_random());
		if (wanted > NAME_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -1;
		struct stat status;
		bool refused = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
		if (!refused && fstat(fd, &status) == 0 && status.st_nlink > 0)
			return fd;
		unlinkat(directory, temporary, 0);
		close(fd);
	}
	errno = EBUSY;
	return -1;
}

void file_writer_open(struct file_writer *w, const char *directory, const char *name)
{
	*w = (struct file_writer){.directory = directory, .name = name, .fd = -1};
	crypto_hash_sha256_init(&w->hash);
	w->folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->folder < 0) {
		fail(w, "open");
		return;
	}
	w->fd = open_temporary(w->folder, name, w->temporary);
	if (w->fd < 0)
		fail(w, "write");
}

int file_writer_add(struct file_writer *w, const void *bytes, size_t length)
{
	if (w->failed != 0)
		return -1;
	if (file_write_all(w->fd, bytes, length) != 0)
		return fail(w, "write");
	crypto_hash_sha256_update(&w->hash, bytes, length);
	w->bytes += length;
	return 0;
}

/* The file stays open, and so locked, until it has its name. */
static void give_name(struct file_writer *w)
{
	if (fsync(w->fd) != 0 || renameat(w->folder, w->temporary, w->folder, w->name) != 0)
		fail(w, "write");
}

int file_writer_close(struct file_writer *w, bool whole, struct qlstm_error *error)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	if (whole && w->failed == 0)
		give_name(w);
	bool named = whole && w->failed == 0;
	if (w->fd >= 0 && !named)
		unlinkat(w->folder, w->temporary, 0);
	if (w->fd >= 0)
		close(w->fd); /* synced: there is nothing left to fail */
	if (named && fsync(w->folder) != 0)
		fail(w, "sync");
	if (w->folder >= 0)
		close(w->folder);
	crypto_hash_sha256_final(&w->hash, hash);
	sodium_bin2hex(w->sha256, sizeof w->sha256, hash, sizeof hash);
	if (w->failed == 0)
		return 0;
	char reason[128];
	bool own = strcmp(w->doing, "write") == 0;
	return error_set(error, file_error_code(w->failed), NULL, "cannot %s %s: %s", w->doing,
	                 own ? w->name : w->directory, strerror_r(w->failed, reason, sizeof reason));
}
