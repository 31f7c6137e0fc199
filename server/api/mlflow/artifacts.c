/* Files of a run: /api/2.0/mlflow/artifacts/list, and /api/2.0/mlflow-artifacts/artifacts, where MLflow's client looks.
 */
#include <stdio.h>
#include <string.h>

#include "server/api/artifacts.h"
#include "server/api/handlers.h"
#include "server/api/mlflow/run.h"

/* By their names in the store and as files. */
static const struct {
	const char *name, *file;
	enum artifact artifact;
} files[] = {
    {"weights", "weights.safetensors", ARTIFACT_WEIGHTS},
    {"weights_best", "weights-best.safetensors", ARTIFACT_WEIGHTS_BEST},
    {"weights_last", "weights-last.safetensors", ARTIFACT_WEIGHTS_LAST},
    {"predictions", "predictions.csv", ARTIFACT_PREDICTIONS},
    {"report", "report.json", ARTIFACT_REPORT},
    {"tensorboard", "run.tfevents", ARTIFACT_TENSORBOARD},
};
enum { N_FILES = sizeof files / sizeof files[0], MAX_ROWS = 32 };

struct list {
	const char *id;
	struct artifact_row rows[MAX_ROWS];
	int count;
};

static int read_list(struct db *db, void *argument, struct qlstm_error *error)
{
	struct list *list = argument;
	list->count = artifact_list(db, list->id, list->rows, MAX_ROWS, error);
	return list->count < 0 ? list->count : 0;
}

/* [{"path", "is_dir", "file_size"}]; a run has no folders, so there is nothing below a path. */
static json_t *files_json(struct api *api, const char *id, const char *below, struct qlstm_error *error)
{
	struct list list = {.id = id};
	if (store_read(api->store, read_list, &list, error) != 0)
		return NULL;
	json_t *items = json_array();
	for (int k = 0; k < N_FILES && below[0] == '\0'; k++)
		for (int i = 0; i < list.count; i++)
			if (strcmp(list.rows[i].name, files[k].name) == 0)
				json_array_append_new(items, json_pack("{ss, sb, sI}", "path", files[k].file, "is_dir",
				                                       0, "file_size", (json_int_t)list.rows[i].bytes));
	return items;
}

static void reply_list(struct api *api, const struct http_request *request, struct http_reply *reply, const char *id,
                       const char *below, bool with_root)
{
	struct qlstm_error error = {0};
	char root[64];
	json_t *items = files_json(api, id, below, &error);
	if (items == NULL) {
		reply_problem(request, reply, &error);
		return;
	}
	json_t *answer = json_pack("{so}", "files", items);
	snprintf(root, sizeof root, "mlflow-artifacts:/%s", id);
	if (with_root)
		json_object_set_new(answer, "root_uri", json_string(root));
	reply_json(reply, 200, answer);
}

void mlflow_artifacts_list(void *context, struct http_request *request, struct http_reply *reply)
{
	struct experiment_row row;
	const char *id = mlflow_run_or_reply(context, request, reply, &row), *path = http_query(request, "path");
	if (id == NULL)
		return;
	reply_list(context, request, reply, id, path != NULL ? path : "", true);
	experiment_row_free(&row);
}

void mlflow_artifacts_browse(void *context, struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	struct experiment_row row;
	char id[RUN_ID_SIZE];
	const char *path = http_query(request, "path");
	size_t length = path != NULL ? strcspn(path, "/") : 0;
	if (length == 0 || length >= sizeof id) {
		error_set(&error, ERR_NOT_FOUND, NULL, "there is no run '%.100s'; path is a run's id",
		          path != NULL ? path : "");
		reply_problem(request, reply, &error);
		return;
	}
	snprintf(id, sizeof id, "%.*s", (int)length, path);
	if (!mlflow_run_read_or_reply(context, request, reply, id, &row))
		return;
	reply_list(context, request, reply, id, path[length] == '/' ? path + length + 1 : "", false);
	experiment_row_free(&row);
}

void mlflow_artifacts_download(void *context, struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	for (int k = 0; k < N_FILES; k++)
		if (strcmp(request->params[1], files[k].file) == 0) {
			artifact_reply(context, request, reply, files[k].artifact);
			return;
		}
	error_set(&error, ERR_NOT_FOUND, NULL, "a run has no file '%.100s'", request->params[1]);
	reply_problem(request, reply, &error);
}
