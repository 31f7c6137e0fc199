/* From a request's body to an experiment that can be queued. */
#include "server/api/submission.h"

#include <stdlib.h>
#include <string.h>

#include "engine/qlstm.h"
#include "engine/text.h"
#include "schema/captions.h"
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
#include "server/http/reply.h"

/* A submission before it is text. */
struct draft {
	json_t *spec, *model, *data, *engine; /* owned; spec is resolved and bound */
	struct submission *out;
};

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
	if (rc == 0)
		rc = prediction_check_data(spec, entry->row.description_json, error);
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
	*planned = cost_bytes_total(&bytes);
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
static int describe_model(const struct api *api, struct spec *spec, struct cost_windows windows, struct draft *draft,
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
		rc = initial_check(api, &draft->out->initial, model_params(model), error);
	if (rc == 0)
		rc = check_cost(api, spec, model, windows, &seconds, &bytes, error);
	const struct parameter_counts counts = parameter_counts(model_params(model));
	draft->model = parameter_counts_json(&counts, "parameters");
	draft->engine =
	    json_pack("{ss, ss, ss, sf, sI}", "version", QLSTM_VERSION, "plan", model_plan_kind(model), "isa",
	              plan_isa(), "estimated_seconds", seconds, "estimated_bytes", (json_int_t)bytes);
	model_free(model);
	return rc;
}

/* Rows and samples of a training, whose targets must be there. */
static int count_samples(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                         size_t *rows, struct parts *parts, struct cost_windows *texts, struct qlstm_error *error)
{
	int rc = uploaded_rows(api, entry, resolved, spec, rows, error);
	if (rc == 0)
		rc = uploaded_split(api, entry, resolved, spec, error);
	if (rc != 0)
		return rc;
	rc = spec_count_samples(spec, *rows, parts, error);
	if (rc != 0) {
		error_prefix(error, "/data");
		return rc;
	}
	return labels_check(api, entry, resolved, spec, *rows, texts, error);
}

/* Bytes that the data take once they are read. */
static size_t table_size(const struct catalog_entry *entry, const struct spec *spec)
{
	struct table table;
	size_t rows = (size_t)entry->row.n_rows;
	if (columns_read(entry->row.columns_json, &table, NULL) != 0)
		return 0;
	size_t fields = rows * (size_t)table.n_columns;
	table_free(&table);
	/* Of a text where it begins, and its bytes. */
	if (task_has_texts(spec->task))
		return (size_t)entry->row.bytes + fields * sizeof(size_t);
	return fields * sizeof(double);
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

static int describe(struct api *api, const struct catalog_entry *entry, struct draft *draft, struct qlstm_error *error)
{
	struct spec spec;
	struct parts parts = {0};
	struct cost_windows windows = {0};
	struct assessment *found = &draft->out->found;
	size_t rows = 0;
	int rc = spec_parse(draft->spec, &spec, error);
	bool trains = spec.kind == SPEC_TRAINING;
	if (rc == 0)
		rc = trains ? count_samples(api, entry, draft->spec, &spec, &rows, &parts, &windows, error)
		            : count_predicted(entry, &spec, &rows, &parts, error);
	if (rc != 0)
		return rc;
	/* Texts are counted by their tokens. */
	if (windows.tokens == 0)
		windows = (struct cost_windows){.train = parts.train, .test = parts.validation + parts.test};
	windows.table = table_size(entry, &spec);
	rc = describe_model(api, &spec, windows, draft, error);
	draft->data = json_pack("{ss, ss, sI, sI, sI, so}", "dataset", entry->row.name, "sha256", entry->row.sha256,
	                        "rows", (json_int_t)rows, "train", (json_int_t)parts.train, "test",
	                        (json_int_t)parts.test, "warnings", uploaded_warnings(entry, draft->spec, &spec));
	if (parts.validation > 0)
		json_object_set_new(draft->data, "validation", json_integer((json_int_t)parts.validation));
	found->epochs = trains ? spec.training.epochs : 0;
	found->max_attempts = spec.max_attempts;
	found->priority = (int)json_integer_value(json_object_get(draft->spec, "priority"));
	found->max_seconds = spec.max_seconds;
	if (entry->series == NULL)
		memcpy(found->dataset_id, entry->row.id, sizeof found->dataset_id);
	return rc;
}

static int write_texts(struct draft *draft, struct qlstm_error *error)
{
	struct assessment *found = &draft->out->found;
	int rc = captions_take(draft->spec, &draft->out->captions, error);
	found->rest_json = json_text(draft->spec);
	found->model_json = json_text(draft->model);
	found->data_json = json_text(draft->data);
	found->engine_json = json_text(draft->engine);
	bool whole = found->rest_json != NULL && found->model_json != NULL && found->data_json != NULL &&
	             found->engine_json != NULL;
	return rc == 0 && !whole ? out_of_memory(error) : rc;
}

/* Everything but the spec as a whole. */
static int assess(struct api *api, const struct viewer *viewer, const json_t *request, struct submission *out,
                  struct qlstm_error *error)
{
	struct catalog_entry entry = {0};
	struct draft draft = {.out = out};
	json_t *whole = NULL;
	int rc = prediction_is(request) ? prediction_complete(api->store, viewer, request, &whole, error) : 0;
	if (rc == 0)
		rc = spec_resolve(whole != NULL ? whole : request, &draft.spec, error);
	const char *dataset = json_string_value(json_object_get(json_object_get(draft.spec, "data"), "dataset"));
	out->found.dataset = strdup(dataset != NULL ? dataset : "");
	if (rc == 0 && out->found.dataset == NULL)
		rc = out_of_memory(error);
	if (rc == 0)
		rc = attach_data(api, viewer, draft.spec, &entry, error);
	if (rc == 0)
		rc = initial_find(api, viewer, draft.spec, &out->initial, error);
	if (rc == 0)
		rc = describe(api, &entry, &draft, error);
	if (rc != 0 && draft.spec != NULL)
		spec_locate(request, error);
	if (rc == 0)
		rc = write_texts(&draft, error);
	catalog_entry_free(&entry);
	json_decref(whole);
	json_decref(draft.engine);
	json_decref(draft.data);
	json_decref(draft.model);
	json_decref(draft.spec);
	return rc;
}

/* Whether the viewer's data set of that name is the one that was assessed. */
static bool is_same_data(struct api *api, const struct viewer *viewer, const struct assessment *found)
{
	struct catalog_entry entry = {0};
	if (found->dataset_id[0] == '\0')
		return true;
	bool same = catalog_find(api, viewer, found->dataset, &entry, NULL) == 0 && entry.series == NULL &&
	            strcmp(entry.row.id, found->dataset_id) == 0;
	catalog_entry_free(&entry);
	return same;
}

/* What was found of a request that differs by its captions alone. What is wrong with these, assess says. */
static bool recall(struct api *api, const struct viewer *viewer, const json_t *request, const char *key,
                   struct submission *out)
{
	if (!assessments_find(api->assessments, key, &out->found))
		return false;
	if (is_same_data(api, viewer, &out->found) && captions_resolve(request, &out->captions, NULL) == 0)
		return true;
	submission_free(out);
	return false;
}

/* The captions stand first in a resolved spec. */
static int write_spec(struct submission *out, struct qlstm_error *error)
{
	struct text spec = {0};
	size_t length;
	char *captions = json_text(out->captions);
	out->tags_json = json_text(json_object_get(out->captions, "tags"));
	if (captions != NULL) {
		text_write(&spec, captions, strlen(captions) - 1); /* without the brace that closes it */
		text_write(&spec, ",", 1);
		text_write(&spec, out->found.rest_json + 1, strlen(out->found.rest_json) - 1);
	}
	/* Taken in any case, for it is to be freed. */
	bool whole = text_take(&spec, &out->spec_json, &length) == 0 && captions != NULL && out->tags_json != NULL;
	free(captions);
	return whole ? 0 : out_of_memory(error);
}

int submission_make(struct api *api, const struct viewer *viewer, const char *text, size_t length,
                    struct submission *out, struct qlstm_error *error)
{
	*out = (struct submission){0};
	json_t *request = NULL;
	char *key = NULL;
	int rc = spec_load(text, length, &request, error);
	/* What a spec is about to start from may have become something else. */
	if (rc == 0 && json_object_get(request, "init_from") == NULL)
		key = captions_rest(request);
	if (rc == 0 && !recall(api, viewer, request, key, out)) {
		rc = assess(api, viewer, request, out, error);
		if (rc == 0)
			assessments_keep(api->assessments, key, &out->found);
	}
	if (rc == 0)
		rc = write_spec(out, error);
	if (rc != 0)
		submission_free(out);
	free(key);
	json_decref(request);
	return rc;
}

void submission_free(struct submission *submission)
{
	free(submission->tags_json);
	free(submission->spec_json);
	assessment_free(&submission->found);
	json_decref(submission->captions);
	*submission = (struct submission){0};
}

static const char *caption(const struct submission *submission, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(submission->captions, name));
	return text != NULL ? text : otherwise;
}

const char *submission_notes(const struct submission *submission)
{
	return caption(submission, "notes", "");
}

const char *submission_name(const struct submission *submission)
{
	return caption(submission, "name", "");
}

const char *submission_project(const struct submission *submission)
{
	return caption(submission, "project", "default");
}

void submission_reply(const struct submission *submission, struct http_reply *reply)
{
	struct text out = {0};
	text_print(&out, "{\"spec\":%s,\"model\":%s,\"data\":%s,\"engine\":%s}\n", submission->spec_json,
	           submission->found.model_json, submission->found.data_json, submission->found.engine_json);
	reply_written(reply, "application/json", &out);
}
