/* The lock on the data directory. */
#include "server/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* A daemon that was killed in the moment in which it started a worker leaves a process that holds its descriptors until
 * the worker's program begins: so long is waited, and no longer. */
enum { PATIENCE_MS = 2000, LOOK_MS = 20 };

static int lock_patiently(int folder)
{
	for (int waited = 0; flock(folder, LOCK_EX | LOCK_NB) != 0; waited += LOOK_MS) {
		if (errno != EWOULDBLOCK || waited >= PATIENCE_MS)
			return -1;
		usleep(LOOK_MS * 1000);
	}
	return 0;
}

int lock_take(const char *path, int *fd, struct qlstm_error *error)
{
	char name[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int length = slash == NULL ? 1 : (int)(slash + 1 - path); /* with the slash: "/" is a folder too */
	int wanted = snprintf(name, sizeof name, "%.*s", length, slash == NULL ? "." : path);
	if (wanted >= (int)sizeof name)
		return error_set(error, ERR_IO, NULL, "the path of the data directory is too long");
	int folder = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return error_set(error, ERR_IO, NULL, "cannot open %s: %s", name, strerror(errno));
	if (lock_patiently(folder) != 0) {
		int number = errno;
		close(folder);
		if (number == EWOULDBLOCK)
			return error_set(error, ERR_CONFLICT, NULL, "another qlstmd uses this data directory (%s)",
			                 name);
		return error_set(error, ERR_IO, NULL, "cannot lock %s: %s", name, strerror(number));
	}
	*fd = folder;
	return 0;
}
