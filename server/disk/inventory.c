/* A walk through the data directory. */
#include "server/disk/inventory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/common/clock.h"
#include "server/disk/layout.h"
#include "server/store/files.h"

struct walk {
	const struct inventory *inventory;
	disk_visit visit;
	void *context;
	struct qlstm_error *error;
};

/* What the rows are asked, and say. */
struct question {
	const char *name;
	struct run_files run;
	bool has;
};

static int read_run(struct db *db, void *argument, struct qlstm_error *error)
{
	struct question *question = argument;
	return files_of_run(db, question->name, &question->run, error);
}

static int read_dataset(struct db *db, void *argument, struct qlstm_error *error)
{
	struct question *question = argument;
	return files_has_dataset(db, question->name, &question->has, error);
}

static int ask(const struct walk *walk, store_fn fn, struct question *question)
{
	return walk->inventory->read(walk->inventory->context, fn, question, walk->error);
}

static int tell(const struct walk *walk, const char *path, enum disk_verdict verdict, bool folder, const char *what)
{
	const struct disk_entry entry = {path, verdict, folder, what};
	return walk->visit(walk->context, &entry, walk->error);
}

/* FOLDER/NAME; false where no path is that long. */
static bool join(char out[PATH_MAX], const char *folder, const char *name)
{
	int length = snprintf(out, PATH_MAX, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
	return length > 0 && length < PATH_MAX;
}

static bool is_folder(int at, const char *name)
{
	struct stat status;
	return fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

/* Whoever writes a temporary file holds a lock on it, which ends with the process. Ours is held while it is judged. */
static int judge_temporary(const struct walk *walk, int at, const char *name, const char *path, int *busy)
{
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) /* just renamed, or no file */
		return errno == ENOENT ? 0 : tell(walk, path, DISK_FOREIGN, false, "not a file");
	bool idle = flock(fd, LOCK_EX | LOCK_NB) == 0;
	if (!idle && busy != NULL)
		++*busy;
	int rc = idle ? tell(walk, path, DISK_UNOWNED, false, "a temporary file of nobody")
	              : tell(walk, path, DISK_BUSY, false, "a file that is being written");
	close(fd);
	return rc;
}

/* Calls `judge` for each entry of the folder but the two that every folder has. One that is gone has none. */
static int each(const struct walk *walk, const char *folder, void *more,
                int (*judge)(const struct walk *walk, int at, const char *name, const char *path, void *more))
{
	char absolute[PATH_MAX], path[PATH_MAX];
	if (!join(absolute, walk->inventory->data_dir, folder))
		return error_set(walk->error, ERR_IO, NULL, "the path of the data directory is too long");
	DIR *directory = opendir(absolute);
	if (directory == NULL && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (directory == NULL)
		return error_set(walk->error, ERR_IO, NULL, "cannot open %s: %s", absolute, strerror(errno));
	int rc = 0;
	while (rc == 0) {
		errno = 0;
		const struct dirent *entry = readdir(directory);
		if (entry == NULL && errno != 0)
			rc = error_set(walk->error, ERR_IO, NULL, "cannot read %s: %s", absolute, strerror(errno));
		if (entry == NULL)
			break;
		bool itself = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
		if (!itself && join(path, folder, entry->d_name))
			rc = judge(walk, dirfd(directory), entry->d_name, path, more);
	}
	closedir(directory);
	return rc;
}

/* An attempt's folder whose attempt is over. */
struct over {
	const struct run_files *run;
	int needed; /* files in it that are needed for themselves */
	int busy;
};

static bool is_named(const struct run_files *run, const char *path)
{
	const char *slash = strrchr(path, '/'); /* the last two parts: attempt-2/FILE */
	size_t length = strlen(slash);
	for (int i = 0; i < run->n; i++) {
		const char *name = run->names[i];
		size_t end = strlen(name), whole = strlen(path);
		if (end > length && end < whole && path[whole - end - 1] == '/' &&
		    strcmp(path + whole - end, name) == 0)
			return true;
	}
	return false;
}

static bool is_needed(const struct over *over, const char *name, const char *path)
{
	enum layout_need need = layout_attempt_file(name);
	if (need == NEED_NAMED)
		return is_named(over->run, path);
	return need == NEED_ROW || (need == NEED_UNKNOWN && !layout_is_temporary(name));
}

static int count_needed(const struct walk *walk, int at, const char *name, const char *path, void *more)
{
	(void)walk, (void)at;
	struct over *over = more;
	over->needed += is_needed(over, name, path);
	return 0;
}

static int judge_over_file(const struct walk *walk, int at, const char *name, const char *path, void *more)
{
	struct over *over = more;
	enum layout_need need = layout_attempt_file(name);
	if (layout_is_temporary(name))
		return judge_temporary(walk, at, name, path, &over->busy);
	if (need == NEED_UNKNOWN)
		return tell(walk, path, DISK_FOREIGN, is_folder(at, name), "no name of the service");
	bool needed = is_needed(over, name, path) || (need == NEED_NEIGHBOR && over->needed > 0);
	return needed ? tell(walk, path, DISK_OWNED, false, "of an attempt")
	              : tell(walk, path, DISK_UNOWNED, false, "of an attempt that is over");
}

/* An attempt runs: whatever is in its folder is its worker's. One behind it was begun after the database had been put
 * back from an older copy, or is being begun. */
static int judge_attempt(const struct walk *walk, int at, const char *name, const char *path, void *more)
{
	struct over over = {.run = more};
	int number = layout_attempt(name);
	if (number == 0 || !is_folder(at, name))
		return tell(walk, path, DISK_FOREIGN, is_folder(at, name), "no name of the service");
	if (over.run->live && number == over.run->attempt)
		return tell(walk, path, DISK_BUSY, true, "an attempt that runs");
	if (number > over.run->attempt)
		return walk->inventory->alone ? tell(walk, path, DISK_UNOWNED, true, "an attempt that nobody made")
		                              : tell(walk, path, DISK_BUSY, true, "an attempt that begins");
	int rc = each(walk, path, &over, count_needed);
	if (rc == 0)
		rc = each(walk, path, &over, judge_over_file);
	if (rc == 0 && over.needed + over.busy == 0)
		rc = tell(walk, path, DISK_UNOWNED, true, "the empty folder of an attempt that is over");
	return rc;
}

static int judge_run(const struct walk *walk, int at, const char *name, const char *path, void *more)
{
	(void)more;
	if (!ulid_valid(name) || !is_folder(at, name))
		return tell(walk, path, DISK_FOREIGN, is_folder(at, name), "no name of the service");
	struct question question = {.name = name}; /* asked after the folder was seen: rows come before folders */
	int rc = ask(walk, read_run, &question);
	if (rc != 0)
		return rc;
	const struct run_files *run = &question.run;
	if (run->known)
		return each(walk, path, &question.run, judge_attempt);
	return run->deleted || run->before
	           ? tell(walk, path, DISK_UNOWNED, true, "the folder of a deleted experiment")
	           : tell(walk, path, DISK_LOST, true, "the folder of an experiment whose rows are missing");
}

static int judge_dataset(const struct walk *walk, int at, const char *name, const char *path, void *more)
{
	(void)more;
	if (layout_is_temporary_dataset(name))
		return judge_temporary(walk, at, name, path, NULL);
	if (!layout_is_dataset(name) || is_folder(at, name))
		return tell(walk, path, DISK_FOREIGN, is_folder(at, name), "no name of the service");
	struct question question = {.name = name};
	uv_mutex_t *lock = walk->inventory->datasets;
	if (lock != NULL)
		uv_mutex_lock(lock); /* a file whose row is on its way */
	int rc = ask(walk, read_dataset, &question);
	if (rc == 0)
		rc = tell(walk, path, question.has ? DISK_OWNED : DISK_UNOWNED, false,
		          question.has ? "a data set" : "a data set without a row");
	if (lock != NULL)
		uv_mutex_unlock(lock);
	return rc;
}

static int judge_top(const struct walk *walk, int at, const char *name, const char *path, void *more)
{
	(void)more;
	if (strcmp(name, "runs") == 0 || strcmp(name, "datasets") == 0)
		return 0;
	if (layout_is_temporary_own(name))
		return judge_temporary(walk, at, name, path, NULL);
	if (layout_is_copy_begun(name) && walk->inventory->alone)
		return tell(walk, path, DISK_UNOWNED, false, "a copy that was not finished");
	return layout_is_own(name) ? tell(walk, path, DISK_OWNED, false, "of the service")
	                           : tell(walk, path, DISK_FOREIGN, is_folder(at, name), "no name of the service");
}

int inventory_walk(const struct inventory *inventory, disk_visit visit, void *context, struct qlstm_error *error)
{
	const struct walk walk = {inventory, visit, context, error};
	int rc = each(&walk, "", NULL, judge_top);
	if (rc == 0)
		rc = each(&walk, "datasets", NULL, judge_dataset);
	return rc == 0 ? each(&walk, "runs", NULL, judge_run) : rc;
}
