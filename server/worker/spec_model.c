/* A model made from a spec alone. */
#include "server/worker/spec_model.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/task.h"
#include "server/worker/input.h"

static int load_request(const char *path, json_t **request, struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = input_read(path, &bytes, &length, error);
	if (rc != 0)
		return rc;
	rc = spec_load((const char *)bytes, length, request, error);
	free(bytes);
	return rc;
}

int spec_read(const char *path, json_t **resolved, struct qlstm_error *error)
{
	json_t *request = NULL;
	int rc = load_request(path, &request, error);
	if (rc == 0)
		rc = spec_resolve(request, resolved, error);
	json_decref(request);
	return rc;
}

/* Columns that give so many outputs: a column gives one at each horizon. */
static int columns_of(const json_t *data, int n_outputs)
{
	size_t horizons = task_horizons(data);
	return n_outputs % (int)horizons == 0 ? n_outputs / (int)horizons : n_outputs;
}

/* Units that the request itself gives its last layer, 0 when it leaves them open. */
static int last_units(const json_t *request)
{
	const json_t *layers = json_object_get(json_object_get(request, "model"), "layers");
	const json_t *last = json_array_get(layers, json_array_size(layers) - 1);
	json_int_t units = json_integer_value(json_object_get(last, "units"));
	return units > 0 && units <= SAMPLES_MAX_COLUMNS ? (int)units : 0;
}

/* Names for `count` columns where the request has none under /data/KEY; *made tells. */
static int name_columns(json_t *data, const char *key, int count, bool *made, struct qlstm_error *error)
{
	*made = false;
	if (json_object_get(data, key) != NULL)
		return 0;
	if (count > SAMPLES_MAX_COLUMNS)
		return error_set(error, ERR_TOO_LARGE, NULL, "%d %s; at most %d", count, key, SAMPLES_MAX_COLUMNS);
	json_t *names = json_array();
	for (int i = 0; names != NULL && i < count; i++) {
		char name[16];
		snprintf(name, sizeof name, "column_%d", i);
		if (json_array_append_new(names, json_string(name)) != 0) {
			json_decref(names);
			names = NULL;
		}
	}
	if (json_object_set_new(data, key, names) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	*made = true;
	return 0;
}

/* The data part of a request, made where absent; borrowed. NULL where it cannot hold columns: the schema refuses it. */
static json_t *data_part(json_t *request)
{
	if (json_object_get(request, "data") == NULL)
		json_object_set_new(request, "data", json_object());
	json_t *data = json_object_get(request, "data");
	return json_is_object(data) ? data : NULL;
}

/* The widths go in as columns of the request, so that everything derived from columns fits them. The made-up names do
 * not stay in spec_model->resolved. */
static int parse(struct spec_model *spec_model, json_t *request, int n_inputs, int n_outputs, struct qlstm_error *error)
{
	json_t *data = data_part(request);
	bool made_inputs = false, made_targets = false;
	int rc = 0;
	const char *task = json_string_value(json_object_get(data, "task"));
	bool words = task != NULL && (strcmp(task, task_names[TASK_WORDS]) == 0 || task_has_texts(task_of(request))),
	     made_steps = false;
	bool rows = task != NULL && !words && strcmp(task, task_names[TASK_FORECASTING]) != 0;
	if (words || (task != NULL && strcmp(task, task_names[TASK_CLASSIFICATION]) == 0))
		n_outputs = 1; /* the column that holds the class or the word */
	if (words)
		n_inputs = 1;
	if (n_outputs == 0)
		n_outputs = last_units(request);
	n_outputs = columns_of(data, n_outputs);
	if (rows && json_object_get(data, "inputs") == NULL && json_object_get(data, "steps") == NULL)
		made_steps = json_object_set_new(data, "steps", json_integer(1)) == 0;
	json_int_t steps = rows ? json_integer_value(json_object_get(data, "steps")) : 1;
	steps = steps > 1 && steps <= SAMPLES_MAX_COLUMNS ? steps : 1; /* others: the schema refuses them */
	if (data != NULL)
		rc = name_columns(data, "inputs", (n_inputs > 0 ? n_inputs : 1) * (int)steps, &made_inputs, error);
	if (rc == 0 && data != NULL)
		rc = name_columns(data, "targets", n_outputs > 0 ? n_outputs : 1, &made_targets, error);
	if (rc == 0)
		rc = spec_resolve(request, &spec_model->resolved, error);
	if (rc == 0)
		rc = spec_parse(spec_model->resolved, &spec_model->spec, error);
	data = json_object_get(spec_model->resolved, "data");
	if (made_inputs)
		json_object_del(data, "inputs");
	if (made_targets)
		json_object_del(data, "targets");
	if (made_steps)
		json_object_del(data, "steps");
	return rc;
}

static int check_width(int asked, int has, const char *what, const char *key, struct qlstm_error *error)
{
	if (asked == 0 || asked == has)
		return 0;
	return error_set(error, ERR_INVALID, NULL, "%d %s given; /data/%s of the spec names %d", asked, what, key, has);
}

int spec_model_open(struct spec_model *spec_model, const char *spec_path, int n_inputs, int n_outputs,
                    struct qlstm_error *error)
{
	*spec_model = (struct spec_model){0};
	json_t *request = NULL;
	int rc = load_request(spec_path, &request, error);
	if (rc == 0)
		rc = parse(spec_model, request, n_inputs, n_outputs, error);
	json_decref(request);
	if (rc == 0)
		rc = check_width(n_inputs, spec_model->spec.model.n_inputs, "features a time step", "inputs", error);
	if (rc == 0)
		rc = check_width(columns_of(json_object_get(spec_model->resolved, "data"), n_outputs),
		                 spec_model->spec.windows.n_targets, "targets a sample", "targets", error);
	if (rc == 0) {
		rc = model_new(&spec_model->model, &spec_model->spec.model, error);
		if (rc != 0 && error != NULL && error->pointer[0] != '\0')
			error_prefix(error, "/model");
	}
	if (rc != 0)
		spec_model_close(spec_model);
	return rc;
}

void spec_model_close(struct spec_model *spec_model)
{
	model_free(spec_model->model);
	json_decref(spec_model->resolved);
	*spec_model = (struct spec_model){0};
}
