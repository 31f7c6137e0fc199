/* A look at everything. */
#include "server/disk/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/common/file.h"
#include "server/disk/inventory.h"
#include "server/store/files.h"
#include "server/store/migrate.h"

enum { MAX_COMPLAINTS = 100, SECOND_LOOK_SECONDS = 2 };

struct checking {
	struct db *db;
	const char *data_dir;
	void (*say)(const char *kind, const char *path, const char *what);
	struct check *out;
	char (*suspects)[PATH_MAX]; /* unowned at the first look: by now they may have a row, or be gone */
	int n_suspects;
	bool again;
};

static void complain(struct checking *checking, const char *path, const char *what)
{
	checking->out->damaged++;
	checking->say("damaged", path, what);
}

static int check_database(struct checking *checking, const char *sql, struct qlstm_error *error)
{
	struct db *db = checking->db;
	db_query(db, sql);
	for (int i = 0; i < MAX_COMPLAINTS && db_step(db) > 0; i++)
		if (strcmp(db_text(db, 0), "ok") != 0)
			complain(checking, "qlstmd.db", db_text(db, 0));
	return db_finish(db) == 0 ? 0 : db_error(db, error);
}

/* In one transaction on the connection at hand. */
static int read_directly(void *context, store_fn fn, void *argument, struct qlstm_error *error)
{
	struct db *db = context;
	if (db_begin(db) != 0)
		return db_error(db, error);
	int rc = fn(db, argument, error);
	db_rollback(db);
	return rc;
}

struct list {
	struct named_file *files;
	int count;
};

static int read_list(struct db *db, void *argument, struct qlstm_error *error)
{
	struct list *list = argument;
	return files_list(db, &list->files, &list->count, error);
}

/* Whether a row still names it; a daemon may be at work. */
static bool is_named_still(struct checking *checking, const struct named_file *file)
{
	struct list now = {0};
	bool found = false;
	if (read_directly(checking->db, read_list, &now, NULL) != 0)
		return true;
	for (int i = 0; i < now.count && !found; i++)
		found = strcmp(now.files[i].path, file->path) == 0;
	free(now.files);
	return found;
}

static void check_file(struct checking *checking, const struct named_file *file)
{
	char path[PATH_MAX], sha256[65];
	size_t bytes = 0;
	struct qlstm_error error = {0};
	snprintf(path, sizeof path, "%.3800s/%s", checking->data_dir, file->path);
	int rc = sha256_file(path, sha256, &bytes, &error);
	bool same = rc == 0 && strcmp(sha256, file->sha256) == 0 && (file->bytes < 0 || (size_t)file->bytes == bytes);
	if (same)
		checking->out->files++;
	else if (is_named_still(checking, file))
		complain(checking, file->path,
		         rc != 0 ? error.message : "its bytes are not those that the database names");
}

static bool is_suspect(const struct checking *checking, const char *path)
{
	for (int i = 0; i < checking->n_suspects; i++)
		if (strcmp(checking->suspects[i], path) == 0)
			return true;
	return false;
}

static int visit(void *context, const struct disk_entry *entry, struct qlstm_error *error)
{
	struct checking *checking = context;
	if (checking->again) {
		if (entry->verdict == DISK_UNOWNED && is_suspect(checking, entry->path)) {
			checking->out->unowned++;
			checking->say("unowned", entry->path, entry->what);
		}
		return 0;
	}
	checking->out->foreign += entry->verdict == DISK_FOREIGN;
	if (entry->verdict == DISK_LOST)
		complain(checking, entry->path, entry->what);
	if (entry->verdict != DISK_UNOWNED)
		return 0;
	void *grown = realloc(checking->suspects, (size_t)(checking->n_suspects + 1) * sizeof *checking->suspects);
	if (grown == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	checking->suspects = grown;
	snprintf(checking->suspects[checking->n_suspects++], PATH_MAX, "%s", entry->path);
	return 0;
}

/* What is nobody's for longer than an upload or a deletion takes between its row and its file. */
static int check_inventory(struct checking *checking, struct qlstm_error *error)
{
	const struct inventory inventory = {
	    .data_dir = checking->data_dir, .read = read_directly, .context = checking->db};
	int rc = inventory_walk(&inventory, visit, checking, error);
	if (rc == 0 && checking->n_suspects > 0) {
		nanosleep(&(struct timespec){.tv_sec = SECOND_LOOK_SECONDS}, NULL);
		checking->again = true;
		rc = inventory_walk(&inventory, visit, checking, error);
	}
	free(checking->suspects);
	return rc;
}

static int check_all(struct checking *checking, struct qlstm_error *error)
{
	struct list list = {0};
	int rc = schema_check(checking->db, error);
	if (rc == 0)
		rc = check_database(checking, "PRAGMA integrity_check(100)", error);
	if (rc == 0)
		rc = check_database(checking, "PRAGMA foreign_key_check", error);
	if (rc == 0)
		rc = read_directly(checking->db, read_list, &list, error);
	for (int i = 0; rc == 0 && i < list.count; i++)
		check_file(checking, &list.files[i]);
	free(list.files);
	return rc == 0 ? check_inventory(checking, error) : rc;
}

int check_directory(const char *data_dir, void (*say)(const char *kind, const char *path, const char *what),
                    struct check *out, struct qlstm_error *error)
{
	char path[PATH_MAX];
	struct checking checking = {.data_dir = data_dir, .say = say, .out = out};
	*out = (struct check){0};
	snprintf(path, sizeof path, "%.4000s/qlstmd.db", data_dir);
	int rc = db_open(&checking.db, path, DB_READER, NULL, error);
	if (rc == 0)
		rc = check_all(&checking, error);
	db_close(checking.db);
	return rc;
}
