/* Removal of what is nobody's. */
#include "server/disk/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/common/file.h"
#include "server/store/files.h"

enum { DELETIONS_AT_ONCE = 256 };

struct sweeping {
	const char *data_dir;
	struct sweep *sweep;
};

static int remove_entry(void *context, const struct disk_entry *entry, struct qlstm_error *error)
{
	(void)error;
	struct sweeping *sweeping = context;
	char path[PATH_MAX];
	sweeping->sweep->lost += entry->verdict == DISK_LOST;
	if (entry->verdict != DISK_UNOWNED)
		return 0;
	int length = snprintf(path, sizeof path, "%s/%s", sweeping->data_dir, entry->path);
	if (length < 0 || (size_t)length >= sizeof path || file_remove_tree(path, NULL) != 0)
		sweeping->sweep->failed++;
	else
		sweeping->sweep->removed++;
	return 0;
}

int sweep(const struct inventory *inventory, struct sweep *out, struct qlstm_error *error)
{
	*out = (struct sweep){0};
	struct sweeping sweeping = {inventory->data_dir, out};
	return inventory_walk(inventory, remove_entry, &sweeping, error);
}

struct deletions {
	char ids[DELETIONS_AT_ONCE][RUN_ID_SIZE];
	int n;
};

static int read_deletions(struct db *db, void *argument, struct qlstm_error *error)
{
	struct deletions *deletions = argument;
	int n = files_list_deleted(db, deletions->ids, DELETIONS_AT_ONCE, error);
	deletions->n = n > 0 ? n : 0;
	return n < 0 ? n : 0;
}

static int forget(struct db *db, void *argument, struct qlstm_error *error)
{
	const struct deletions *deletions = argument;
	int rc = 0;
	for (int i = 0; rc == 0 && i < deletions->n; i++)
		rc = files_forget_deleted(db, deletions->ids[i], error);
	return rc;
}

/* Leaves those whose folders are gone. */
static void keep_gone(struct deletions *deletions, const char *runs)
{
	char path[PATH_MAX];
	int all = deletions->n;
	deletions->n = 0;
	for (int i = 0; i < all; i++) {
		int length = snprintf(path, sizeof path, "%s/%s", runs, deletions->ids[i]);
		bool fits = length > 0 && (size_t)length < sizeof path;
		if (fits && access(path, F_OK) != 0 && errno == ENOENT)
			memmove(deletions->ids[deletions->n++], deletions->ids[i], RUN_ID_SIZE);
	}
}

int sweep_deletions(struct store *store, const char *data_dir, struct qlstm_error *error)
{
	struct deletions deletions = {0};
	char runs[PATH_MAX];
	int all, rc;
	snprintf(runs, sizeof runs, "%s/runs", data_dir);
	do {
		rc = store_read(store, read_deletions, &deletions, error);
		all = deletions.n;
		keep_gone(&deletions, runs);
		if (rc == 0 && deletions.n > 0)
			rc = file_sync_folder(runs, error); /* or a power cut brings a folder back that nobody knows */
		if (rc == 0 && deletions.n > 0)
			rc = store_write(store, forget, &deletions, error);
	} while (rc == 0 && all == DELETIONS_AT_ONCE && deletions.n == all);
	return rc;
}
