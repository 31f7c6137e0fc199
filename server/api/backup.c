/* GET /backup: everything in one file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "server/api/handlers.h"
#include "server/common/file.h"
#include "server/disk/backup.h"
#include "server/http/log.h"
#include "server/http/reply.h"

struct begin {
	struct backup backup;
	const char *data_dir, *path;
	int try;
};

static int begin(struct db *db, void *argument, struct qlstm_error *error)
{
	struct begin *beginning = argument;
	return backup_begin(db, beginning->data_dir, beginning->path, beginning->try, &beginning->backup, error);
}

/* A file that the sweep takes for nobody's once this process is gone; open, and locked by whoever has it open. */
static int open_file(const char *path, struct qlstm_error *error)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(error, file_error_code(errno), NULL, "a file for the backup cannot be made: %s",
		                 strerror(errno));
	flock(fd, LOCK_SH | LOCK_NB);
	return fd;
}

static int fill(struct api *api, const char *path, struct qlstm_error *error)
{
	struct begin beginning = {.data_dir = api->data_dir, .path = path};
	struct backup_report report;
	int rc = ERR_UNAVAILABLE;
	for (; rc == ERR_UNAVAILABLE && beginning.try < BACKUP_TRIES; beginning.try++)
		rc = store_read(api->store, begin, &beginning, error);
	if (rc == 0)
		rc = backup_finish(&beginning.backup, path, &report, error);
	if (rc == 0 && report.missing > 0)
		log_message("warning", "a backup lacks %d files that are damaged or gone, %s the first", report.missing,
		            report.first);
	return rc;
}

void backup_get(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	char path[PATH_MAX], sha256[65];
	size_t bytes = 0;
	snprintf(path, sizeof path, "%.3800s/.qlstmd.backup.%08x.tmp", api->data_dir, randombytes_random());
	int fd = open_file(path, &error);
	int rc = fd < 0 ? fd : fill(api, path, &error);
	if (rc == 0)
		rc = sha256_file(path, sha256, &bytes, &error);
	if (fd >= 0)
		unlink(path); /* what is sent has no name any more */
	if (rc == 0) {
		reply_file(request, reply,
		           &(struct reply_file){fd, bytes, "application/vnd.sqlite3", sha256, "qlstmd.backup"});
		return;
	}
	if (fd >= 0)
		close(fd);
	reply_problem(request, reply, &error);
}
