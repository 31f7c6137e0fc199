/* Experiments of kind prediction. */
#include "server/api/prediction/prediction.h"

#include <stdio.h>
#include <string.h>

#include "schema/place/place.h"
#include "schema/task.h"
#include "schema/tq42/tq42.h"
#include "server/common/clock.h"
#include "server/store/experiments.h"

/* What a prediction has for itself; of project, which it may have too, that of the model is the default. */
static const char *const own[] = {"name", "tags", "notes", "priority", "limits"};
static bool says_prediction(const json_t *request)
{
	const char *kind = json_string_value(json_object_get(request, "kind"));
	return kind != NULL && strcmp(kind, "prediction") == 0;
}

bool prediction_is(const json_t *request)
{
	return says_prediction(request) || (tq42_is(request) && tq42_infers(request));
}

struct source {
	const struct viewer *viewer;
	const char *id;
	struct experiment_row row;
};

static int read_source(struct db *db, void *argument, struct qlstm_error *error)
{
	struct source *source = argument;
	int rc = experiment_visible(db, source->id, source->viewer, error);
	return rc == 0 ? experiment_get(db, source->id, &source->row, error) : rc;
}

/* The long form of the experiment whose model predicts. */
static int find_source(struct store *store, const struct viewer *viewer, const char *id, json_t **spec,
                       struct qlstm_error *error)
{
	struct source source = {.viewer = viewer, .id = id};
	struct qlstm_error cause = {0};
	int rc = ulid_valid(id) ? store_read(store, read_source, &source, &cause)
	                        : error_set(&cause, ERR_NOT_FOUND, NULL,
	                                    "'%.100s' is no experiment, whose model could predict", id);
	*spec = rc == 0 ? json_loads(source.row.spec_json, 0, NULL) : NULL;
	experiment_row_free(&source.row);
	if (rc == 0 && *spec == NULL)
		rc = error_set(&cause, ERR_CORRUPT, NULL, "its spec cannot be read");
	if (rc == 0 && says_prediction(*spec))
		rc = error_set(&cause, ERR_INVALID, NULL,
		               "'%s' is a prediction itself; name the experiment that was trained", id);
	if (rc == 0 && task_of(*spec) == TASK_WORDS)
		rc = error_set(&cause, ERR_INVALID, NULL,
		               "the model of '%s' draws words: ask it by /experiments/%s/generate, or fork it with "
		               "another data set, whose test part it is scored on",
		               id, id);
	return rc == 0 ? 0 : error_set(error, rc, "/init_from", "init_from: %s", cause.message);
}

static int check_same(const json_t *said, const json_t *there, const char *pointer, struct qlstm_error *error);

static int check_members(const json_t *said, const json_t *there, const char *pointer, struct qlstm_error *error)
{
	const char *name;
	json_t *value;
	int rc = 0;
	json_object_foreach((json_t *)(uintptr_t)said, name, value)
	{
		char at[PLACE_POINTER_SIZE] = "";
		place_add(at, sizeof at, pointer);
		place_add_token(at, sizeof at, name);
		rc = check_same(value, json_object_get(there, name), at, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int check_items(const json_t *said, const json_t *there, const char *pointer, struct qlstm_error *error)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(said); i++) {
		char at[PLACE_POINTER_SIZE] = "", index[24];
		snprintf(index, sizeof index, "%zu", i);
		place_add(at, sizeof at, pointer);
		place_add_token(at, sizeof at, index);
		rc = check_same(json_array_get(said, i), json_array_get(there, i), at, error);
	}
	return rc;
}

/* Whether all that is said is so there; more may be there. */
static int check_same(const json_t *said, const json_t *there, const char *pointer, struct qlstm_error *error)
{
	char quoted[PLACE_VALUE_SIZE], other[PLACE_VALUE_SIZE] = "nothing";
	if (json_is_object(said) && json_is_object(there))
		return check_members(said, there, pointer, error);
	if (json_is_array(said) && json_array_size(said) == json_array_size(there))
		return check_items(said, there, pointer, error);
	bool numbers = json_is_number(said) && json_is_number(there);
	double difference = numbers ? json_number_value(said) - json_number_value(there) : 1;
	if (json_equal(said, there) || !(difference < 0 || difference > 0))
		return 0;
	place_value(said, quoted);
	if (there != NULL)
		place_value(there, other);
	return error_set(error, ERR_INVALID, pointer,
	                 "it is %s; the model of init_from has %s there, and a prediction leaves it so", quoted, other);
}

/* What the prediction says for itself, into the other's spec. */
static int take_own(const json_t *request, json_t *whole)
{
	const json_t *project = json_object_get(request, "project");
	json_t *data = json_object_get(whole, "data"), *optimizer;
	int rc = 0;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		json_object_del(whole, own[i]); /* the default */
		json_t *value = json_object_get(request, own[i]);
		if (value != NULL)
			rc |= json_object_set(whole, own[i], value);
	}
	if (project != NULL)
		rc |= json_object_set(whole, "project", (json_t *)(uintptr_t)project);
	optimizer = json_object_get(json_object_get(whole, "training"), "optimizer");
	if (json_is_object(optimizer))
		rc |= json_object_set_new(optimizer, "resume", json_false());
	rc |= json_object_set_new(whole, "kind", json_string("prediction"));
	rc |= json_object_set(whole, "init_from", json_object_get(request, "init_from"));
	return rc | json_object_set(data, "dataset", json_object_get(json_object_get(request, "data"), "dataset"));
}

static int complete(struct store *store, const struct viewer *viewer, const json_t *request, json_t **whole,
                    struct qlstm_error *error)
{
	const char *from = json_string_value(json_object_get(request, "init_from"));
	if (from == NULL || *from == '\0')
		return error_set(error, ERR_MISSING, "/init_from",
		                 "init_from is missing: the id of the experiment whose model predicts");
	if (!json_is_string(json_object_get(json_object_get(request, "data"), "dataset")))
		return error_set(error, ERR_MISSING, "/data/dataset",
		                 "data.dataset is missing: the name or id of what is to be predicted");
	int rc = find_source(store, viewer, from, whole, error);
	if (rc == 0 && take_own(request, *whole) != 0)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	if (rc == 0)
		rc = check_same(request, *whole, "", error);
	if (rc != 0) {
		json_decref(*whole);
		*whole = NULL;
	}
	return rc;
}

int prediction_complete(struct store *store, const struct viewer *viewer, const json_t *request, json_t **whole,
                        struct qlstm_error *error)
{
	*whole = NULL;
	if (!tq42_is(request))
		return complete(store, viewer, request, whole, error);
	json_t *ours = NULL;
	int rc = tq42_translate(request, &ours, error);
	if (rc != 0)
		return rc;
	rc = complete(store, viewer, ours, whole, error);
	if (rc != 0)
		tq42_locate(request, error);
	json_decref(ours);
	return rc;
}

int prediction_check_data(const json_t *spec, const char *description, struct qlstm_error *error)
{
	if (!prediction_is(spec) || !task_has_texts(task_of(spec)))
		return 0;
	json_t *json = json_loads(description != NULL ? description : "{}", 0, NULL);
	bool texts = json_is_string(json_object_get(json_object_get(json, "dialect"), "text"));
	json_decref(json);
	return texts ? 0
	             : error_set(error, ERR_INVALID, "/data/dataset",
	                         "the model reads texts, and the data set holds none; texts are uploaded with "
	                         "text=labelled, tagged, pairs or lines");
}

int prediction_count(const struct spec *spec, size_t rows, size_t *samples, struct qlstm_error *error)
{
	size_t takes = spec->task == TASK_FORECASTING ? (size_t)spec->windows.window : 1;
	*samples = rows >= takes ? rows - takes + 1 : 0;
	return *samples > 0 ? 0
	                    : error_set(error, ERR_INVALID, "/data/dataset",
	                                "the data set has %zu rows; a window takes %zu", rows, takes);
}
