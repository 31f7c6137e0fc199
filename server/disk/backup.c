/* Making a backup. */
#include "server/disk/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/common/file.h"
#include "server/store/migrate.h"
#include "server/store/rows.h"

enum { PART_BYTES = 8 << 20 };

static const char schema[] = "PRAGMA journal_mode = MEMORY;"
                             "CREATE TABLE backup_file (path TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL,"
                             " PRIMARY KEY (path, part)) STRICT;";

static void in_data(const struct backup *backup, const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%.3800s/%s", backup->data_dir, name);
}

static void link_name(const struct backup *backup, int i, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%.3800s/%s/%d", backup->data_dir, backup->staging, i);
}

/* A locked folder whose name the sweep takes for a temporary one, should this process not live to remove it. */
static int make_staging(struct backup *backup, struct qlstm_error *error)
{
	char path[PATH_MAX];
	snprintf(backup->staging, sizeof backup->staging, ".qlstmd.backup.%08x.tmp", randombytes_random());
	in_data(backup, backup->staging, path);
	if (mkdir(path, 0700) == 0) {
		backup->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (backup->lock >= 0 && flock(backup->lock, LOCK_SH | LOCK_NB) == 0)
			return 0;
	}
	int number = errno;
	return error_set(error, number == ENOSPC ? ERR_DISK_FULL : ERR_IO, NULL, "cannot make %s: %s", path,
	                 strerror(number));
}

/* Links cost nothing and hold what a running service removes. Where there are none the files themselves are read.
 * Returns how many checkpoints were gone. */
static int link_files(const struct backup *backup)
{
	char from[PATH_MAX], to[PATH_MAX];
	int gone = 0;
	for (int i = 0; i < backup->count; i++) {
		in_data(backup, backup->files[i].path, from);
		link_name(backup, i, to);
		if (link(from, to) == 0)
			continue;
		if (errno == EPERM)
			break;
		gone += errno == ENOENT && backup->files[i].kind == NAMED_CHECKPOINT;
	}
	return gone;
}

static void end(struct backup *backup)
{
	char path[PATH_MAX];
	in_data(backup, backup->staging, path);
	if (backup->staging[0] != '\0')
		file_remove_tree(path, NULL);
	if (backup->lock >= 0)
		close(backup->lock);
	free(backup->files);
	*backup = (struct backup){.lock = -1};
}

int backup_begin(struct db *db, const char *data_dir, const char *path, int try, struct backup *out,
                 struct qlstm_error *error)
{
	*out = (struct backup){.data_dir = data_dir, .lock = -1};
	int rc = schema_check(db, error);
	if (rc == 0)
		rc = make_staging(out, error);
	if (rc == 0)
		rc = files_list(db, &out->files, &out->count, error);
	if (rc == 0 && link_files(out) > 0 && try + 1 < BACKUP_TRIES)
		rc = error_set(error, ERR_UNAVAILABLE, NULL, "checkpoints were replaced meanwhile");
	if (rc == 0)
		rc = db_copy(db, path, error);
	if (rc != 0)
		end(out);
	return rc;
}

static int insert_part(struct db *copy, const char *path, int part, const void *bytes, size_t length,
                       struct qlstm_error *error)
{
	db_query(copy, "INSERT INTO backup_file (path, part, bytes) VALUES (:path, :part, :bytes)");
	db_bind_text(copy, ":path", path);
	db_bind_int(copy, ":part", part);
	db_bind_bytes(copy, ":bytes", bytes, length);
	return db_run(copy) == 0 ? 0 : db_error(copy, error);
}

/* All of an open file, and what it hashes to. An error of reading is left in *damaged: it is no error of the backup. */
static int insert_content(struct db *copy, int fd, const char *path, char sha256[65], int64_t *total, bool *damaged,
                          struct qlstm_error *error)
{
	unsigned char hash[crypto_hash_sha256_BYTES], *part = malloc(PART_BYTES);
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	int rc = part != NULL ? 0 : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a backup");
	ssize_t got = 1;
	*total = 0;
	for (int i = 0; rc == 0 && (got > 0 || i == 0); i++) {
		got = read(fd, part, PART_BYTES);
		*damaged = got < 0;
		if (got < 0 || (got == 0 && i > 0))
			break;
		crypto_hash_sha256_update(&state, part, (size_t)got);
		*total += got;
		rc = insert_part(copy, path, i, part, (size_t)got, error);
	}
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(sha256, 65, hash, sizeof hash);
	free(part);
	return rc;
}

static int delete_row(struct db *copy, const struct named_file *file, struct qlstm_error *error)
{
	db_query(copy, "DELETE FROM checkpoint"
	               " WHERE 'runs/' || experiment_id || '/attempt-' || attempt || '/' || file = :path");
	db_bind_text(copy, ":path", file->path);
	return db_run(copy) == 0 ? 0 : db_error(copy, error);
}

/* One that is gone or damaged is left out: a checkpoint with its row, others are counted. */
static int leave_out(struct db *copy, const struct named_file *file, struct backup_report *report,
                     struct qlstm_error *error)
{
	if (file->kind == NAMED_CHECKPOINT)
		return delete_row(copy, file, error);
	if (report->missing++ == 0)
		snprintf(report->first, sizeof report->first, "%s", file->path);
	return 0;
}

static int insert_file(const struct backup *backup, int i, struct db *copy, struct backup_report *report,
                       struct qlstm_error *error)
{
	const struct named_file *file = &backup->files[i];
	char path[PATH_MAX], sha256[65] = "";
	int64_t bytes = 0;
	bool damaged = true;
	link_name(backup, i, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		in_data(backup, file->path, path);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (db_savepoint(copy) != 0)
		return db_error(copy, error);
	int rc = fd >= 0 ? insert_content(copy, fd, file->path, sha256, &bytes, &damaged, error) : 0;
	if (fd >= 0)
		close(fd);
	bool whole = rc == 0 && !damaged && strcmp(sha256, file->sha256) == 0;
	if (!whole)
		db_rollback_to(copy);
	else if (db_release(copy) != 0)
		return db_error(copy, error);
	if (rc != 0 || !whole)
		return rc != 0 ? rc : leave_out(copy, file, report, error);
	report->files++;
	report->bytes += bytes;
	return 0;
}

/* Logs are named by no row: those that there are. */
static int insert_logs(const struct backup *backup, struct db *copy, struct qlstm_error *error)
{
	char name[160], path[PATH_MAX], sha256[65], id[RUN_ID_SIZE];
	int rc = 0;
	db_query(copy, "SELECT id, attempt FROM experiment WHERE attempt > 0");
	while (rc == 0 && db_step(copy) > 0) {
		column_text(copy, 0, id, sizeof id);
		int attempts = (int)db_int(copy, 1);
		for (int attempt = 1; rc == 0 && attempt <= attempts; attempt++) {
			int64_t bytes = 0;
			bool damaged = false;
			snprintf(name, sizeof name, "runs/%s/attempt-%d/worker.log", id, attempt);
			in_data(backup, name, path);
			int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
			if (fd < 0)
				continue;
			rc = insert_content(copy, fd, name, sha256, &bytes, &damaged, error);
			close(fd);
		}
	}
	return db_finish(copy) == 0 || rc != 0 ? rc : db_error(copy, error);
}

static int fill(const struct backup *backup, struct db *copy, struct backup_report *report, struct qlstm_error *error)
{
	if (db_script(copy, schema) != 0 || db_begin(copy) != 0)
		return db_error(copy, error);
	int rc = 0;
	for (int i = 0; rc == 0 && i < backup->count; i++)
		rc = insert_file(backup, i, copy, report, error);
	if (rc == 0)
		rc = insert_logs(backup, copy, error);
	if (rc == 0 && db_commit(copy) != 0)
		rc = db_error(copy, error);
	db_rollback(copy);
	return rc;
}

int backup_finish(struct backup *backup, const char *path, struct backup_report *report, struct qlstm_error *error)
{
	struct db *copy = NULL;
	*report = (struct backup_report){0};
	int rc = db_open(&copy, path, DB_WRITER, NULL, error);
	if (rc == 0)
		rc = fill(backup, copy, report, error);
	db_close(copy);
	end(backup);
	return rc;
}
