/* A database that does not belong to the rest. */
#include "server/disk/loss.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/embed.h"
#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/disk/layout.h"
#include "server/store/db.h"
#include "server/store/lock.h"

enum { MAX_ASIDE = 10000 };

static const char ways_out[] =
    "Put the database back, or restore a backup into an empty folder (qlstmd restore); or start "
    "with --accept-loss: what is of no use is put into a folder aside-N, nothing is removed";

static int path_in(char out[PATH_MAX], const char *folder, const char *name, struct qlstm_error *error)
{
	int length = snprintf(out, PATH_MAX, "%s/%s", folder, name);
	if (length > 0 && length < PATH_MAX)
		return 0;
	return error_set(error, ERR_IO, NULL, "the path of the data directory is too long");
}

static bool is_run(const char *name)
{
	return ulid_valid(name) != 0;
}

/* How many entries of DATA/FOLDER have such names; there may be no such folder. */
static int count(const char *data_dir, const char *folder, bool (*ours)(const char *name))
{
	char path[PATH_MAX];
	DIR *directory = path_in(path, data_dir, folder, NULL) == 0 ? opendir(path) : NULL;
	if (directory == NULL)
		return 0;
	int n = 0;
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
		n += ours(entry->d_name);
	closedir(directory);
	return n;
}

static off_t size_of(const char *data_dir, const char *name)
{
	char path[PATH_MAX];
	struct stat status;
	return path_in(path, data_dir, name, NULL) == 0 && stat(path, &status) == 0 ? status.st_size : 0;
}

/* Makes the next DATA/aside-N. */
static int make_aside(const char *data_dir, char out[PATH_MAX], struct qlstm_error *error)
{
	char name[32];
	for (int i = 1; i <= MAX_ASIDE; i++) {
		snprintf(name, sizeof name, "aside-%d", i);
		int rc = path_in(out, data_dir, name, error);
		if (rc != 0)
			return rc;
		if (access(out, F_OK) != 0)
			return file_make_directory(out, error);
	}
	return error_set(error, ERR_IO, NULL, "there are %d folders aside-N in %s", MAX_ASIDE, data_dir);
}

/* DATA/NAME to ASIDE/NAME; one that is not there need not be moved. */
static int put_aside(const char *data_dir, const char *aside, const char *name, struct qlstm_error *error)
{
	char from[PATH_MAX], to[PATH_MAX];
	int rc = path_in(from, data_dir, name, error);
	if (rc == 0)
		rc = path_in(to, aside, name, error);
	if (rc != 0 || rename(from, to) == 0 || errno == ENOENT)
		return rc;
	return error_set(error, ERR_IO, NULL, "cannot move %s to %s: %s", from, to, strerror(errno));
}

/* Runs and data sets first: with the database gone and them in place, the loss would be seen again. */
static int put_all_aside(const char *data_dir, char aside[PATH_MAX], struct qlstm_error *error)
{
	static const char *const names[] = {"runs",          "datasets",          "qlstmd.db",
	                                    "qlstmd.db-wal", "qlstmd.db-journal", "qlstmd.db-shm"};
	int rc = make_aside(data_dir, aside, error);
	for (size_t i = 0; rc == 0 && i < sizeof names / sizeof *names; i++)
		rc = put_aside(data_dir, aside, names[i], error);
	for (size_t i = 0; rc == 0 && i < 2; i++) {
		char path[PATH_MAX];
		rc = path_in(path, data_dir, names[i], error);
		if (rc == 0)
			rc = file_make_directory(path, error);
	}
	return rc == 0 ? file_sync_folder(data_dir, error) : rc;
}

/* A log without its database, too, is rows that are lost; SQLite would remove it. */
static void find_missing(const char *data_dir, struct qlstm_error *cause)
{
	int runs = count(data_dir, "runs", is_run), sets = count(data_dir, "datasets", layout_is_dataset);
	bool left = runs + sets > 0 || size_of(data_dir, "qlstmd.db-wal") > 0;
	if (left && size_of(data_dir, "qlstmd.db") == 0)
		error_set(cause, ERR_CORRUPT, NULL,
		          "the database qlstmd.db is missing or empty, but %d runs and %d data sets are there", runs,
		          sets);
}

/* Once more, under the lock: others may have mended it meanwhile. */
static void find_damage(const char *data_dir, struct qlstm_error *cause)
{
	char path[PATH_MAX];
	struct db *db = NULL;
	if (path_in(path, data_dir, "qlstmd.db", NULL) == 0 &&
	    db_open(&db, path, DB_WRITER, schema_database_sql, cause) == 0)
		db_close(db);
}

static int judge(const char *data_dir, bool accept, void (*find)(const char *, struct qlstm_error *), struct loss *loss,
                 struct qlstm_error *error)
{
	char path[PATH_MAX], aside[PATH_MAX];
	struct qlstm_error cause = {0};
	int lock = -1, rc = path_in(path, data_dir, "qlstmd.db", error);
	if (rc == 0)
		rc = lock_take(path, &lock, error);
	if (rc != 0)
		return rc;
	find(data_dir, &cause);
	if (cause.code == ERR_CORRUPT && !accept)
		rc = error_set(error, ERR_CORRUPT, NULL, "%.180s. %s", cause.message, ways_out);
	else if (cause.code == ERR_CORRUPT)
		rc = put_all_aside(data_dir, aside, error);
	if (cause.code == ERR_CORRUPT && rc == 0)
		snprintf(loss->report, sizeof loss->report, "%.200s; all of it was put into %.200s", cause.message,
		         aside);
	close(lock);
	return rc;
}

int loss_before_open(const char *data_dir, bool accept, struct loss *loss, struct qlstm_error *error)
{
	return judge(data_dir, accept, find_missing, loss, error);
}

int loss_of_damage(const char *data_dir, bool accept, struct loss *loss, struct qlstm_error *error)
{
	return judge(data_dir, accept, find_damage, loss, error);
}

struct search {
	const char *data_dir;
	bool accept;
	int found;
	char first[64], aside[PATH_MAX];
};

static int visit(void *context, const struct disk_entry *entry, struct qlstm_error *error)
{
	struct search *search = context;
	if (entry->verdict != DISK_LOST)
		return 0;
	if (search->found++ == 0)
		snprintf(search->first, sizeof search->first, "%.60s", entry->path);
	if (!search->accept)
		return 0;
	char path[PATH_MAX];
	int rc = search->aside[0] == '\0' ? make_aside(search->data_dir, search->aside, error) : 0;
	if (rc == 0)
		rc = path_in(path, search->aside, "runs", error);
	if (rc == 0)
		rc = file_make_directory(path, error);
	return rc == 0 ? put_aside(search->data_dir, search->aside, entry->path, error) : rc;
}

int loss_after_open(const struct inventory *inventory, bool accept, struct loss *loss, struct qlstm_error *error)
{
	struct search search = {.data_dir = inventory->data_dir, .accept = accept};
	int rc = inventory_walk(inventory, visit, &search, error);
	if (rc != 0 || search.found == 0)
		return rc;
	if (!accept)
		return error_set(
		    error, ERR_CORRUPT, NULL,
		    "the database is older than the runs beside it: it knows nothing of %d of them (%s). %s",
		    search.found, search.first, ways_out);
	snprintf(loss->report, sizeof loss->report,
	         "the database knew nothing of %d runs (%s); their folders were put into %.200s", search.found,
	         search.first, search.aside);
	return 0;
}
