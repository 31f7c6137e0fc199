/* From a request's body to an experiment that can be queued. */
#include "server/api/submission.h"

#include <stdlib.h>
#include <string.h>

#include "engine/qlstm.h"
#include "schema/columns.h"
#include "schema/spec.h"
#include "schema/task.h"
#include "server/api/catalog.h"
#include "server/api/labels.h"
#include "server/api/prediction/prediction.h"
#include "server/api/uploaded.h"
#include "server/common/cost.h"
#include "server/common/json_text.h"
#include "server/common/parameter_counts.h"

static int out_of_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
}

/* Chooses columns by what the data set has. */
static int bind_columns(json_t *spec, const struct dataset_row *row, struct qlstm_error *error)
{
	struct table table;
	struct qlstm_error cause = {0};
	int rc = columns_read(row->columns_json, &table, &cause);
	if (rc != 0)
		return error_set(error, rc, NULL, "the columns of data set '%.100s': %s", row->name, cause.message);
	int indices[SAMPLES_MAX_COLUMNS]; /* of a prediction, which needs no targets */
	rc = prediction_is(spec) ? spec_bind_inputs(spec, &table, indices, error) : spec_bind(spec, &table, error);
	table_free(&table);
	return rc;
}

/* Finds the data set, binds its columns, and keeps an upload's id in the spec: its name may mean other data later. */
static int attach_data(struct api *api, const struct viewer *viewer, json_t *spec, struct catalog_entry *entry,
                       struct qlstm_error *error)
{
	json_t *data = json_object_get(spec, "data");
	const char *wanted = json_string_value(json_object_get(data, "dataset"));
	int rc = catalog_find(api, viewer, wanted != NULL ? wanted : "", entry, error);
	if (rc != 0) {
		if (rc == ERR_NOT_FOUND)
			error_prefix(error, "/data/dataset");
		return rc;
	}
	rc = bind_columns(spec, &entry->row, error);
	if (rc == 0 &&
	    json_object_set_new(json_object_get(spec, "data"), "dataset", json_string(catalog_id(entry))) != 0)
		rc = out_of_memory(error);
	return rc;
}

/* Refuses what cannot fit, and what could not end in its time; *seconds is the estimate for the whole training. */
static int check_cost(const struct api *api, const struct spec *spec, struct model *model, struct cost_windows windows,
                      double *seconds, size_t *planned, struct qlstm_error *error)
{
	/* A prediction cuts its windows one batch after the other. */
	const struct cost_windows held = spec->kind == SPEC_PREDICTION ? (struct cost_windows){0} : windows;
	struct cost_bytes bytes = cost_bytes(spec, model, held, api->threads);
	struct cost_seconds times = {0};
	int rc = cost_check_bytes(spec, &bytes, api->max_memory, error);
	if (rc == 0)
		rc = cost_seconds(spec, model, windows, api->speed, &times, error);
	if (rc == 0)
		rc = cost_check_seconds(spec, &times, api->threads, error);
	*seconds = times.training;
	*planned = bytes.model + bytes.data;
	return rc;
}

/* Whether what is to be frozen is there. */
static int check_groups(const struct spec *spec, struct model *model, struct qlstm_error *error)
{
	struct optimizer_group *groups;
	int n;
	int rc = groups_make(model_params(model), &spec->training.groups, &groups, &n, error);
	if (rc == 0)
		free(groups);
	else
		error_prefix(error, "/training");
	return rc;
}

/* What the model is made of, by which engine, and how long it will take. */
static int describe_model(const struct api *api, struct spec *spec, struct cost_windows windows, struct submission *out,
                          struct qlstm_error *error)
{
	struct model *model;
	spec->model.known_plans = api->plans;
	int rc = model_new(&model, &spec->model, error);
	if (rc != 0) {
		error_prefix(error, "/model");
		return rc;
	}
	double seconds = 0.0;
	size_t bytes = 0;
	rc = check_groups(spec, model, error);
	if (rc == 0)
		rc = initial_check(api, &out->initial, model_params(model), error);
	if (rc == 0)
		rc = check_cost(api, spec, model, windows, &seconds, &bytes, error);
	const struct parameter_counts counts = parameter_counts(model_params(model));
	out->model = parameter_counts_json(&counts, "parameters");
	out->engine = json_pack("{ss, ss, ss, sf, sI}", "version", QLSTM_VERSION, "plan", model_plan_kind(model), "isa",
	                        plan_isa(), "estimated_seconds", seconds, "estimated_bytes", (json_int_t)bytes);
	model_free(model);
	return rc;
}

/* Rows and samples of a training, whose targets must be there. */
static int count_samples(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                         size_t *rows, struct parts *parts, struct qlstm_error *error)
{
	int rc = uploaded_rows(api, entry, resolved, spec, rows, error);
	if (rc != 0)
		return rc;
	rc = spec_count_samples(spec, *rows, parts, error);
	if (rc != 0) {
		error_prefix(error, "/data");
		return rc;
	}
	return labels_check(api, entry, resolved, spec, *rows, error);
}

/* Bytes that the data take once they are read. */
static size_t table_size(const struct catalog_entry *entry, const struct spec *spec)
{
	struct table table;
	size_t rows = (size_t)entry->row.n_rows;
	if (task_has_texts(spec->task))
		return (size_t)entry->row.bytes + rows * sizeof(size_t);
	if (columns_read(entry->row.columns_json, &table, NULL) != 0)
		return 0;
	size_t columns = (size_t)table.n_columns;
	table_free(&table);
	return rows * columns * sizeof(double);
}

/* One pass over the samples and no epoch. */
static int count_predicted(const struct catalog_entry *entry, struct spec *spec, size_t *rows, struct parts *parts,
                           struct qlstm_error *error)
{
	*rows = (size_t)entry->row.n_rows;
	spec->training.epochs = 1;
	spec->folds.count = 0;
	return prediction_count(spec, *rows, &parts->test, error);
}

static int describe(struct api *api, const struct catalog_entry *entry, struct submission *out,
                    struct qlstm_error *error)
{
	struct spec spec;
	struct parts parts = {0};
	size_t rows = 0;
	int rc = spec_parse(out->spec, &spec, error);
	bool trains = spec.kind == SPEC_TRAINING;
	if (rc == 0)
		rc = trains ? count_samples(api, entry, out->spec, &spec, &rows, &parts, error)
		            : count_predicted(entry, &spec, &rows, &parts, error);
	if (rc != 0)
		return rc;
	const struct cost_windows windows = {parts.train, parts.validation + parts.test, table_size(entry, &spec)};
	rc = describe_model(api, &spec, windows, out, error);
	out->data = json_pack("{ss, ss, sI, sI, sI, so}", "dataset", entry->row.name, "sha256", entry->row.sha256,
	                      "rows", (json_int_t)rows, "train", (json_int_t)parts.train, "test",
	                      (json_int_t)parts.test, "warnings", uploaded_warnings(entry, out->spec, &spec));
	if (parts.validation > 0)
		json_object_set_new(out->data, "validation", json_integer((json_int_t)parts.validation));
	out->epochs = trains ? spec.training.epochs : 0;
	out->max_attempts = spec.max_attempts;
	out->priority = (int)json_integer_value(json_object_get(out->spec, "priority"));
	out->max_seconds = spec.max_seconds;
	if (entry->series == NULL)
		memcpy(out->dataset_id, entry->row.id, sizeof out->dataset_id);
	return rc;
}

static int write_texts(struct submission *out, struct qlstm_error *error)
{
	out->spec_json = json_text(out->spec);
	out->model_json = json_text(out->model);
	out->data_json = json_text(out->data);
	out->engine_json = json_text(out->engine);
	out->tags_json = json_text(json_object_get(out->spec, "tags"));
	bool whole = out->spec_json != NULL && out->model_json != NULL && out->data_json != NULL &&
	             out->engine_json != NULL && out->tags_json != NULL;
	return whole ? 0 : out_of_memory(error);
}

int submission_make(struct api *api, const struct viewer *viewer, const char *text, size_t length,
                    struct submission *out, struct qlstm_error *error)
{
	*out = (struct submission){0};
	struct catalog_entry entry = {0};
	json_t *request = NULL, *whole = NULL;
	int rc = spec_load(text, length, &request, error);
	if (rc == 0 && prediction_is(request))
		rc = prediction_complete(api->store, viewer, request, &whole, error);
	if (rc == 0)
		rc = spec_resolve(whole != NULL ? whole : request, &out->spec, error);
	if (rc == 0)
		rc = attach_data(api, viewer, out->spec, &entry, error);
	if (rc == 0)
		rc = initial_find(api, viewer, out->spec, &out->initial, error);
	if (rc == 0)
		rc = describe(api, &entry, out, error);
	if (rc != 0 && out->spec != NULL)
		spec_locate(request, error);
	if (rc == 0)
		rc = write_texts(out, error);
	if (rc != 0)
		submission_free(out);
	catalog_entry_free(&entry);
	json_decref(whole);
	json_decref(request);
	return rc;
}

void submission_free(struct submission *submission)
{
	free(submission->tags_json);
	free(submission->engine_json);
	free(submission->data_json);
	free(submission->model_json);
	free(submission->spec_json);
	json_decref(submission->engine);
	json_decref(submission->data);
	json_decref(submission->model);
	json_decref(submission->spec);
	*submission = (struct submission){0};
}

const char *submission_notes(const struct submission *submission)
{
	const char *notes = json_string_value(json_object_get(submission->spec, "notes"));
	return notes != NULL ? notes : "";
}

const char *submission_name(const struct submission *submission)
{
	const char *name = json_string_value(json_object_get(submission->spec, "name"));
	return name != NULL ? name : "";
}

const char *submission_project(const struct submission *submission)
{
	const char *project = json_string_value(json_object_get(submission->spec, "project"));
	return project != NULL ? project : "default";
}
