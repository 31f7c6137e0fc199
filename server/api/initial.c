/* The weights that an experiment starts from. */
#include "server/api/initial.h"

#include <stdio.h>
#include <string.h>

#include "engine/export/params_tensors.h"
#include "engine/train/trainer.h"
#include "server/api/catalog.h"
#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/store/experiments.h"

static const char pointer[] = "/init_from", resume_pointer[] = "/training/optimizer/resume";

struct look {
	const struct viewer *viewer;
	const char *id, *artifact;
	struct artifact_row found;
};

static const json_t *optimizer_of(const json_t *spec)
{
	return json_object_get(json_object_get(spec, "training"), "optimizer");
}

static bool resumes(const json_t *spec)
{
	return json_is_true(json_object_get(optimizer_of(spec), "resume"));
}

static int look(struct db *db, void *argument, struct qlstm_error *error)
{
	struct look *look = argument;
	struct experiment_row row = {0};
	enum run_status status = STATUS_QUEUED;
	int rc = experiment_visible(db, look->id, look->viewer, error);
	if (rc == 0)
		rc = experiment_get(db, look->id, &row, error);
	if (rc == 0)
		rc = status_from_name(row.status, &status);
	experiment_row_free(&row);
	if (rc != 0)
		return rc;
	if (!status_terminal(status))
		return error_set(error, ERR_CONFLICT, NULL, "the experiment '%s' has not ended", look->id);
	return artifact_get(db, look->id, look->artifact, &look->found, error);
}

static int of_experiment(struct api *api, const struct viewer *viewer, const char *id, const char *artifact,
                         struct initial *out, struct qlstm_error *error)
{
	struct look wanted = {.viewer = viewer, .id = id, .artifact = artifact};
	int rc = store_read(api->store, look, &wanted, error);
	if (rc != 0)
		return rc;
	snprintf(out->id, sizeof out->id, "%s", id);
	snprintf(out->file, sizeof out->file, "runs/%s/%s", id, wanted.found.file);
	memcpy(out->sha256, wanted.found.sha256, sizeof out->sha256);
	return 0;
}

static int of_dataset(struct api *api, const struct viewer *viewer, const char *name, struct initial *out,
                      struct qlstm_error *error)
{
	struct catalog_entry entry = {0};
	int rc = catalog_find(api, viewer, name, &entry, error);
	if (rc != 0)
		return rc;
	if (entry.series != NULL || strcmp(entry.row.kind, "safetensors") != 0)
		rc = error_set(error, ERR_INVALID, pointer, "'%.100s' holds data; weights are a safetensors file",
		               entry.row.name);
	else if (strstr(entry.row.file, ".gz") != NULL)
		rc = error_set(error, ERR_INVALID, pointer, "'%.100s' is packed; weights are read as they are",
		               entry.row.name);
	if (rc == 0) {
		memcpy(out->id, entry.row.id, sizeof out->id);
		snprintf(out->file, sizeof out->file, "datasets/%s", entry.row.file);
		memcpy(out->sha256, entry.row.sha256, sizeof out->sha256);
	}
	catalog_entry_free(&entry);
	return rc;
}

int initial_find(struct api *api, const struct viewer *viewer, json_t *spec, struct initial *out,
                 struct qlstm_error *error)
{
	const char *from = json_string_value(json_object_get(spec, "init_from"));
	*out = (struct initial){0};
	if (from == NULL || *from == '\0')
		return !resumes(spec) ? 0
		                      : error_set(error, ERR_INVALID, resume_pointer,
		                                  "resume is true; init_from names nothing that could be gone on with");
	if (resumes(spec))
		snprintf(out->optimizer, sizeof out->optimizer, "%s",
		         json_string_value(json_object_get(optimizer_of(spec), "type")));
	struct qlstm_error cause = {0};
	int rc = ulid_valid(from) ? of_experiment(api, viewer, from, resumes(spec) ? "state" : "weights", out, &cause)
	                          : ERR_NOT_FOUND;
	if (rc == ERR_NOT_FOUND) {
		struct qlstm_error other = {0};
		rc = of_dataset(api, viewer, from, out, &other);
		if (cause.code == 0 || rc == 0)
			cause = other;
	}
	if (rc != 0)
		return error_set(error, rc, pointer, "init_from: %s", cause.message);
	return json_object_set_new(spec, "init_from", json_string(out->id)) == 0
	           ? 0
	           : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

static int check_state(const struct initial *initial, const struct safetensors_file *file, struct qlstm_error *error)
{
	const char *type = safetensors_meta_find(file, TRAINER_STATE_OPTIMIZER);
	if (initial->optimizer[0] == '\0' || (type != NULL && strcmp(type, initial->optimizer) == 0))
		return 0;
	return error_set(error, ERR_INVALID, resume_pointer,
	                 "resume is true; init_from has the state of %.20s, not of %s",
	                 type != NULL ? type : "no optimiser", initial->optimizer);
}

int initial_check(const struct api *api, const struct initial *initial, struct params *params,
                  struct qlstm_error *error)
{
	char path[4096];
	const unsigned char *bytes = NULL;
	size_t length = 0;
	struct safetensors_file file = {0};
	struct qlstm_error cause = {0};
	if (initial->id[0] == '\0')
		return 0;
	int used = snprintf(path, sizeof path, "%s/%s", api->data_dir, initial->file);
	int rc = used > 0 && (size_t)used < sizeof path ? file_map(path, API_MAX_DATASET, &bytes, &length, &cause)
	                                                : error_set(&cause, ERR_IO, NULL, "the path is too long");
	if (rc != 0)
		return error_set(error, rc, pointer, "init_from: %s", cause.message);
	rc = safetensors_decode(bytes, length, &file, &cause);
	if (rc == 0)
		rc = check_state(initial, &file, &cause);
	if (rc == 0)
		rc = params_from_safetensors(params, &file, &cause);
	safetensors_free(&file);
	file_unmap(bytes, length);
	if (rc != 0 && cause.pointer[0] != '\0')
		return error_set(error, rc, cause.pointer, "%s", cause.message);
	return rc == 0 ? 0
	               : error_set(error, ERR_INVALID, pointer, "the weights of init_from do not fit the model: %s",
	                           cause.message);
}
