/* Result files: which file it is comes from the store alone, and it is opened without leaving the run's folder. */
#include "server/api/artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/api/handlers.h"
#include "server/api/parts/intact.h"
#include "server/api/request.h"
#include "server/common/file.h"
#include "server/api/resource.h"
#include "server/run/state.h"

static const struct {
	const char *name, *content_type, *suffix; /* of the file name offered, behind the id */
} kinds[] = {
    [ARTIFACT_WEIGHTS] = {"weights", "application/octet-stream", ".safetensors"},
    [ARTIFACT_PREDICTIONS] = {"predictions", "text/csv; charset=utf-8", "-predictions.csv"},
    [ARTIFACT_REPORT] = {"report", "application/json", "-report.json"},
    [ARTIFACT_TENSORBOARD] = {"tensorboard", "application/octet-stream", ".tfevents"},
    [ARTIFACT_WEIGHTS_LAST] = {"weights_last", "application/octet-stream", "-last.safetensors"},
    [ARTIFACT_WEIGHTS_BEST] = {"weights_best", "application/octet-stream", "-best.safetensors"},
    [ARTIFACT_SNAPSHOT_WEIGHTS] = {"snapshot_weights", "application/octet-stream", "-snapshot.safetensors"},
    [ARTIFACT_SNAPSHOT_PREDICTIONS] = {"snapshot_predictions", "text/csv; charset=utf-8", "-snapshot.csv"},
};

/* The name of the store's row. */
static const char *row_name(const struct http_request *request, enum artifact artifact, char name[32])
{
	const char *epoch = http_query(request, "epoch");
	if (artifact != ARTIFACT_SNAPSHOT_WEIGHTS && artifact != ARTIFACT_SNAPSHOT_PREDICTIONS)
		return kinds[artifact].name;
	snprintf(name, 32, "%s_%ld", kinds[artifact].name, epoch != NULL ? strtol(epoch, NULL, 10) : 0L);
	return name;
}

/* The name came from a worker: neither ".." nor a symbolic link in it may lead elsewhere. Where the kernel or a sandbox
 * has no openat2, a name that could is refused as a whole. */
static int open_beneath(const char *directory, const char *file)
{
	int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -1;
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, folder, file, &how, sizeof how);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM) && file[0] != '/' && strstr(file, "..") == NULL)
		fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	close(folder);
	return fd;
}

struct look_up {
	const char *id, *name;
	struct artifact_row *row;
	json_t **spec; /* NULL: not wanted */
};

/* The epoch that training.keep names in a spec, "last" in those that do not. */
static bool keeps(const struct experiment_row *experiment, const char *which)
{
	json_t *spec = json_loads(experiment->spec_json, 0, NULL);
	const char *keep = json_string_value(json_object_get(json_object_get(spec, "training"), "keep"));
	bool same = strcmp(keep != NULL ? keep : "last", which) == 0;
	json_decref(spec);
	return same;
}

/* The weights of an epoch are files of their own only where the results are of another one. */
static int find_artifact(struct db *db, const struct look_up *look_up, const struct experiment_row *experiment,
                         struct qlstm_error *error)
{
	static const char prefix[] = "weights_";
	int rc = artifact_get(db, look_up->id, look_up->name, look_up->row, error);
	if (rc != ERR_NOT_FOUND || strncmp(look_up->name, prefix, sizeof prefix - 1) != 0)
		return rc;
	if (!keeps(experiment, look_up->name + sizeof prefix - 1) && experiment->best_epoch != experiment->epoch)
		return rc;
	error_clear(error);
	return artifact_get(db, look_up->id, "weights", look_up->row, error);
}

static int read_artifact(struct db *db, void *argument, struct qlstm_error *error)
{
	struct look_up *look_up = argument;
	struct experiment_row experiment = {0};
	enum run_status status = STATUS_QUEUED;
	int rc = experiment_get(db, look_up->id, &experiment, error);
	if (rc != 0)
		return rc;
	status_from_name(experiment.status, &status);
	struct qlstm_error absent = {0};
	if (status_terminal(status))
		rc = find_artifact(db, look_up, &experiment, &absent);
	if (rc == ERR_NOT_FOUND && status != STATUS_SUCCEEDED)
		rc = error_set(error, ERR_NOT_FOUND, NULL, "the experiment ended as %s, without %s", experiment.status,
		               look_up->name);
	else if (rc != 0)
		error_set(error, rc, NULL, "%s", absent.message);
	else if (!status_terminal(status))
		rc =
		    error_set(error, ERR_CONFLICT, NULL, "the experiment is %s; its %s are there once it has succeeded",
		              experiment.status, look_up->name);
	if (rc == 0 && look_up->spec != NULL) {
		*look_up->spec = json_loads(experiment.spec_json, 0, NULL);
		if (*look_up->spec == NULL)
			rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the spec");
	}
	experiment_row_free(&experiment);
	return rc;
}

bool artifact_find_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                            enum artifact artifact, struct artifact_row *row, json_t **spec)
{
	struct qlstm_error error = {0};
	char name[32];
	struct look_up look_up = {request->params[0], row_name(request, artifact, name), row, spec};
	*spec = NULL;
	if (store_read(api->store, read_artifact, &look_up, &error) == 0)
		return true;
	reply_problem(request, reply, &error);
	return false;
}

int artifact_open_row_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                               enum artifact artifact, const struct artifact_row *row)
{
	struct qlstm_error error = {0};
	char directory[4096];
	snprintf(directory, sizeof directory, "%s/runs/%s", api->data_dir, request->params[0]);
	int fd = open_beneath(directory, row->file);
	if (fd < 0) {
		int code = file_error_code(errno);
		error_set(&error, code == ERR_NOT_FOUND ? ERR_IO : code, NULL,
		          "the file of the %s cannot be opened: %s", kinds[artifact].name, strerror(errno));
		reply_problem(request, reply, &error);
		return -1;
	}
	if (file_check_intact(fd, (size_t)row->bytes, row->sha256, &error) == 0)
		return fd;
	close(fd);
	reply_problem(request, reply, &error);
	return -1;
}

int artifact_open_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                           enum artifact artifact, struct artifact_row *row)
{
	struct qlstm_error error = {0};
	char name[32];
	struct look_up look_up = {request->params[0], row_name(request, artifact, name), row, NULL};
	if (store_read(api->store, read_artifact, &look_up, &error) == 0)
		return artifact_open_row_or_reply(api, request, reply, artifact, row);
	reply_problem(request, reply, &error);
	return -1;
}

void artifact_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                    enum artifact artifact)
{
	struct artifact_row row;
	char filename[64];
	int fd = artifact_open_or_reply(api, request, reply, artifact, &row);
	if (fd < 0)
		return;
	snprintf(filename, sizeof filename, "%s%s", request->params[0], kinds[artifact].suffix);
	reply_file(request, reply,
	           &(struct reply_file){fd, (size_t)row.bytes, kinds[artifact].content_type, row.sha256, filename});
}

void artifacts_predictions(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	int epoch = 0;
	if (query_int_or_reply(request, reply, "epoch", 1, MAX_EPOCH, &epoch))
		artifact_reply(api, request, reply, epoch > 0 ? ARTIFACT_SNAPSHOT_PREDICTIONS : ARTIFACT_PREDICTIONS);
}

void artifacts_report(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	artifact_reply(api, request, reply, ARTIFACT_REPORT);
}

void artifacts_tensorboard(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	artifact_reply(api, request, reply, ARTIFACT_TENSORBOARD);
}
