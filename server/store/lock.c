/* The lock on the data directory. */
#include "server/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int lock_take(const char *path, int *fd, struct qlstm_error *error)
{
	char name[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int wanted = snprintf(name, sizeof name, "%.*sqlstmd.lock", slash == NULL ? 0 : (int)(slash + 1 - path), path);
	if (wanted >= (int)sizeof name)
		return error_set(error, ERR_IO, NULL, "the path of the data directory is too long");
	int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0)
		return error_set(error, ERR_IO, NULL, "cannot open %s: %s", name, strerror(errno));
	if (flock(file, LOCK_EX | LOCK_NB) != 0) {
		int number = errno;
		close(file);
		if (number == EWOULDBLOCK)
			return error_set(error, ERR_CONFLICT, NULL, "another qlstmd uses this data directory (%s)",
			                 name);
		return error_set(error, ERR_IO, NULL, "cannot lock %s: %s", name, strerror(number));
	}
	*fd = file;
	return 0;
}
