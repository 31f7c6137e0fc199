/* Laying a backup out. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/disk/backup.h"
#include "server/disk/layout.h"
#include "server/store/lock.h"
#include "server/store/migrate.h"
#include "server/store/rows.h"

struct restoring {
	struct db *backup;
	const char *data_dir;
	int file; /* being written, or -1 */
	char name[192], path[PATH_MAX];
};

/* "datasets/FILE", "runs/ID/attempt-N/FILE" with names of the service: nothing else leads anywhere. */
static bool is_ours(const char *path)
{
	char run[32], attempt[24], file[112];
	int end = 0;
	if (sscanf(path, "datasets/%111[^/]%n", file, &end) == 1 && path[end] == '\0')
		return layout_is_dataset(file);
	if (sscanf(path, "runs/%31[^/]/%23[^/]/%111[^/]%n", run, attempt, file, &end) != 3 || path[end] != '\0')
		return false;
	return ulid_valid(run) && layout_attempt(attempt) > 0 && layout_attempt_file(file) != NEED_UNKNOWN;
}

static int io_error(struct qlstm_error *error, const char *path)
{
	int number = errno;
	bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
	return error_set(error, full ? ERR_DISK_FULL : ERR_IO, NULL, "cannot write %s: %s", path, strerror(number));
}

/* Ends the file at hand. */
static int finish_file(struct restoring *restoring, struct qlstm_error *error)
{
	int fd = restoring->file;
	restoring->file = -1;
	if (fd < 0)
		return 0;
	int rc = fsync(fd) == 0 ? 0 : io_error(error, restoring->path);
	close(fd);
	char *slash = strrchr(restoring->path, '/');
	*slash = '\0';
	return rc == 0 ? file_sync_folder(restoring->path, error) : rc;
}

static int begin_file(struct restoring *restoring, const char *name, struct qlstm_error *error)
{
	int rc = finish_file(restoring, error);
	if (rc != 0)
		return rc;
	if (!is_ours(name))
		return error_set(error, ERR_CORRUPT, NULL, "the backup names a file '%.100s'", name);
	snprintf(restoring->name, sizeof restoring->name, "%s", name);
	snprintf(restoring->path, sizeof restoring->path, "%.3800s/%s", restoring->data_dir, name);
	char *slash = strrchr(restoring->path, '/');
	*slash = '\0';
	rc = file_make_directory(restoring->path, error);
	*slash = '/';
	if (rc != 0)
		return rc;
	restoring->file = open(restoring->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return restoring->file >= 0 ? 0 : io_error(error, restoring->path);
}

static int write_part(struct restoring *restoring, const char *bytes, size_t length, struct qlstm_error *error)
{
	while (length > 0) {
		ssize_t wrote = write(restoring->file, bytes, length);
		if (wrote < 0 && errno != EINTR)
			return io_error(error, restoring->path);
		bytes += wrote > 0 ? wrote : 0;
		length -= wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

static int write_files(struct restoring *restoring, struct backup_report *report, struct qlstm_error *error)
{
	struct db *db = restoring->backup;
	char name[192];
	int rc = 0;
	db_query(db, "SELECT path, part, bytes FROM backup_file ORDER BY path, part");
	while (rc == 0 && db_step(db) > 0) {
		size_t length = 0;
		const void *bytes = db_bytes(db, 2, &length);
		column_text(db, 0, name, sizeof name);
		if (db_int(db, 1) == 0) {
			rc = begin_file(restoring, name, error);
			report->files += rc == 0;
		} else if (restoring->file < 0 || strcmp(name, restoring->name) != 0) {
			rc = error_set(error, ERR_CORRUPT, NULL, "the backup lacks the beginning of '%.100s'", name);
		}
		if (rc == 0)
			rc = write_part(restoring, bytes, length, error);
		report->bytes += (int64_t)length;
	}
	if (db_finish(db) != 0 && rc == 0)
		rc = db_error(db, error);
	if (rc == 0)
		return finish_file(restoring, error);
	if (restoring->file >= 0)
		close(restoring->file);
	return rc;
}

/* The database without the files' bytes, under its name once it is whole. */
static int write_database(const struct restoring *restoring, struct qlstm_error *error)
{
	char begun[PATH_MAX], path[PATH_MAX];
	struct db *db = NULL;
	snprintf(begun, sizeof begun, "%.3800s/.qlstmd.db.00000000.tmp", restoring->data_dir);
	snprintf(path, sizeof path, "%.3800s/qlstmd.db", restoring->data_dir);
	int rc = db_copy(restoring->backup, begun, error);
	if (rc == 0)
		rc = db_open(&db, begun, DB_WRITER, NULL, error);
	if (rc == 0 && db_script(db, "DROP TABLE backup_file; VACUUM") != 0)
		rc = db_error(db, error);
	db_close(db);
	return rc == 0 ? file_rename_durably(begun, path, error) : rc;
}

static int check_backup(struct db *db, const char *path, struct qlstm_error *error)
{
	struct qlstm_error cause = {0};
	char verdict[256] = "";
	int rc = schema_check(db, &cause);
	if (rc != 0)
		return error_set(error, rc, NULL, "%s: %s", path, cause.message);
	db_query(db, "PRAGMA integrity_check(1)");
	if (db_step(db) > 0)
		column_text(db, 0, verdict, sizeof verdict);
	if (db_finish(db) != 0)
		return db_error(db, error);
	if (strcmp(verdict, "ok") != 0)
		return error_set(error, ERR_CORRUPT, NULL, "%s is damaged: %s", path, verdict);
	return 0;
}

static int check_empty(const char *data_dir, struct qlstm_error *error)
{
	DIR *directory = opendir(data_dir);
	if (directory == NULL)
		return error_set(error, ERR_IO, NULL, "cannot open %s: %s", data_dir, strerror(errno));
	int n = 0;
	while (readdir(directory) != NULL)
		n++;
	closedir(directory);
	return n <= 2 ? 0
	              : error_set(error, ERR_CONFLICT, NULL,
	                          "%s is not empty; a backup is restored into an empty folder", data_dir);
}

static int lay_out(struct restoring *restoring, struct backup_report *report, struct qlstm_error *error)
{
	static const char *const folders[] = {"runs", "datasets"};
	char path[PATH_MAX];
	int rc = check_empty(restoring->data_dir, error);
	for (size_t i = 0; rc == 0 && i < sizeof folders / sizeof *folders; i++) {
		snprintf(path, sizeof path, "%.3800s/%s", restoring->data_dir, folders[i]);
		rc = file_make_directory(path, error);
	}
	if (rc == 0)
		rc = write_files(restoring, report, error);
	return rc == 0 ? write_database(restoring, error) : rc;
}

int backup_restore(const char *path, const char *data_dir, struct backup_report *report, struct qlstm_error *error)
{
	struct restoring restoring = {.data_dir = data_dir, .file = -1};
	char database[PATH_MAX];
	int lock = -1;
	*report = (struct backup_report){0};
	int rc = db_open(&restoring.backup, path, DB_READER, NULL, error);
	if (rc == 0)
		rc = check_backup(restoring.backup, path, error);
	if (rc == 0)
		rc = file_make_directory(data_dir, error);
	snprintf(database, sizeof database, "%.3800s/qlstmd.db", data_dir);
	if (rc == 0)
		rc = lock_take(database, &lock, error);
	if (rc == 0)
		rc = lay_out(&restoring, report, error);
	if (lock >= 0)
		close(lock);
	db_close(restoring.backup);
	return rc;
}
