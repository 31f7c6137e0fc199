/* Makes the folder that a worker starts in. */
#include "server/run/prepare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/common/file.h"

/* For file systems without hard links. */
static int copy_file(const char *from, const char *folder, const char *name, struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = file_read(from, SIZE_MAX / 2, &bytes, &length, error);
	if (rc == 0)
		rc = file_write_atomic(folder, name, bytes, length, error);
	free(bytes);
	return rc;
}

/* Makes FOLDER/NAME the same file as `from`. */
static int link_file(const char *from, const char *folder, const char *name, const char *to, struct qlstm_error *error)
{
	if (link(from, to) == 0)
		return 0;
	/* Only a data directory that was put back from a copy has one already: of a future that did not happen. */
	if (errno == EEXIST && unlink(to) == 0 && link(from, to) == 0)
		return 0;
	return copy_file(from, folder, name, error);
}

/* 0 when the bytes on disk are those that were promised. */
static int verify(const char *path, const char *sha256, struct qlstm_error *error)
{
	char found[65];
	int rc = sha256_file(path, found, NULL, error);
	if (rc != 0)
		return rc;
	return strcmp(found, sha256) == 0 ? 0 : error_set(error, ERR_CORRUPT, NULL, "%s has changed", path);
}

static int link_data(const char *data_dir, const struct attempt *attempt, struct prepared *out,
                     struct qlstm_error *error)
{
	if (attempt->dataset_sha256[0] == '\0')
		return 0;
	char stored[ATTEMPT_PATH_SIZE], name[ATTEMPT_DATA_SIZE + 4];
	const char *suffix = strchr(attempt->dataset_file, '.'); /* by which the worker knows the kind */
	snprintf(name, sizeof name, "data%s", suffix != NULL ? suffix : "");
	snprintf(stored, sizeof stored, "%s/datasets/%s", data_dir, attempt->dataset_file);
	struct qlstm_error cause = {0};
	int rc = verify(stored, attempt->dataset_sha256, &cause);
	if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT)
		return error_set(error, ERR_INVALID, NULL, "the data set is lost: %s", cause.message);
	if (rc != 0)
		return error_set(error, rc, NULL, "%s", cause.message);
	attempt_file(data_dir, &attempt->token, name, out->data);
	memcpy(out->dialect, attempt->dialect, sizeof out->dialect);
	return link_file(stored, out->folder, name, out->data, error);
}

static int link_init(const char *data_dir, const struct attempt *attempt, struct prepared *out,
                     struct qlstm_error *error)
{
	static const char name[] = "init.safetensors";
	char stored[ATTEMPT_PATH_SIZE];
	if (attempt->init_file[0] == '\0')
		return 0;
	snprintf(stored, sizeof stored, "%s/%s", data_dir, attempt->init_file);
	struct qlstm_error cause = {0};
	int rc = verify(stored, attempt->init_sha256, &cause);
	if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT)
		return error_set(error, ERR_INVALID, NULL, "the weights of init_from are lost: %s", cause.message);
	if (rc != 0)
		return error_set(error, rc, NULL, "%s", cause.message);
	attempt_file(data_dir, &attempt->token, name, out->init);
	return link_file(stored, out->folder, name, out->init, error);
}

/* Leaves out->resume empty when no checkpoint is of use: then the run starts anew, and ends in the same place. */
static int link_checkpoint(const char *data_dir, const struct attempt *attempt, struct prepared *out,
                           struct qlstm_error *error)
{
	for (int i = 0; i < attempt->n_checkpoints; i++) {
		const struct checkpoint_row *checkpoint = &attempt->checkpoints[i];
		struct run_token owner = attempt->token;
		owner.attempt = checkpoint->attempt;
		char stored[ATTEMPT_PATH_SIZE];
		attempt_file(data_dir, &owner, checkpoint->file, stored);
		if (verify(stored, checkpoint->sha256, NULL) != 0)
			continue;
		attempt_file(data_dir, &attempt->token, checkpoint->file, out->resume);
		return link_file(stored, out->folder, checkpoint->file, out->resume, error);
	}
	return 0;
}

static bool is_listed(const struct attempt *attempt, int number, const char *file)
{
	for (int i = 0; i < attempt->n_checkpoints; i++)
		if (attempt->checkpoints[i].attempt == number && strcmp(attempt->checkpoints[i].file, file) == 0)
			return true;
	return false;
}

/* What the attempt before left of checkpoints, whole or begun, that the store does not know: it wrote them just before
 * its end, or the daemon's. */
static void sweep_checkpoints(const char *data_dir, const struct attempt *attempt)
{
	char path[ATTEMPT_PATH_SIZE];
	struct run_token before = attempt->token;
	before.attempt--;
	attempt_folder(data_dir, &before, path);
	DIR *folder = opendir(path);
	if (folder == NULL)
		return;
	for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		const char *name = entry->d_name;
		bool whole = strncmp(name, "checkpoint-", 11) == 0, begun = strncmp(name, ".checkpoint-", 12) == 0;
		if (begun || (whole && !is_listed(attempt, before.attempt, name)))
			unlinkat(dirfd(folder), name, 0);
	}
	closedir(folder);
}

static int open_log(const char *data_dir, const struct attempt *attempt, int *out, struct qlstm_error *error)
{
	char path[ATTEMPT_PATH_SIZE];
	attempt_file(data_dir, &attempt->token, "worker.log", path);
	*out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*out >= 0)
		return 0;
	return error_set(error, file_error_code(errno), NULL, "cannot open %s: %s", path, strerror(errno));
}

/* It was accepted by a daemon that might use more memory. */
static int check_memory(const struct attempt *attempt, struct qlstm_error *error)
{
	if (attempt->most_bytes == 0 || attempt->bytes <= attempt->most_bytes)
		return 0;
	return error_set(error, ERR_TOO_LARGE, NULL,
	                 "the experiment will take %lld MiB of memory; all that run together may take %lld (--memory)",
	                 (long long)(attempt->bytes >> 20), (long long)(attempt->most_bytes >> 20));
}

int prepare_attempt(const char *data_dir, const struct attempt *attempt, struct prepared *out,
                    struct qlstm_error *error)
{
	*out = (struct prepared){.threads = attempt->threads, .predicts = attempt->predicts, .log_file = -1};
	attempt_folder(data_dir, &attempt->token, out->folder);
	int rc = check_memory(attempt, error);
	if (rc == 0)
		rc = file_make_directory(out->folder, error);
	if (rc == 0)
		rc = file_write_atomic(out->folder, "spec.json", attempt->spec_json, strlen(attempt->spec_json), error);
	if (rc == 0)
		rc = link_data(data_dir, attempt, out, error);
	if (rc == 0)
		rc = link_init(data_dir, attempt, out, error);
	if (rc == 0)
		rc = link_checkpoint(data_dir, attempt, out, error);
	if (rc == 0)
		sweep_checkpoints(data_dir, attempt);
	return rc != 0 ? rc : open_log(data_dir, attempt, &out->log_file, error);
}
