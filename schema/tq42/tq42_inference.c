/* From TQ42's requests of inference to a prediction of ours: {"kind", "init_from", "data": {"dataset"}}, and whatever
 * they repeat of the model, for who makes it whole to compare. */
#include <stdio.h>
#include <string.h>

#include "schema/tq42/tq42_parts.h"

static const struct row columns[] = {
    {{"input_columns"}, "inputs", NULL}, {{"timestamp_columns"}, NULL, NULL}, {{NULL}, NULL, NULL}};
static const struct row about[] = {{{"name"}, "name", NULL}, {{"description"}, "notes", NULL}, {{NULL}, NULL, NULL}};
static const struct row fields[] = {{{"data_processing_parameters"}, NULL, NULL},
                                    {{"train_model_info"}, NULL, NULL},
                                    {{"input_width"}, "window", NULL},
                                    {{"label_width"}, "label_width", NULL},
                                    {{"hidden_size"}, "hidden_size", NULL},
                                    {{"num_qubits", "n_qubits"}, "n_qubits", NULL},
                                    {{"depth"}, "depth", NULL},
                                    {{"n_qlayers", "num_qlayers", "nqlayers"}, "n_qlayers", NULL},
                                    {{"dropout_coef"}, "p", NULL},
                                    {{"time_column"}, NULL, NULL},
                                    {{"target_column"}, "target", NULL},
                                    {{NULL}, NULL, NULL}};

/* What a packaged forecaster's fields are here: of its data, of the first layer and of the second. */
static const char *const of_first[] = {"hidden_size", "n_qubits", "depth", "n_qlayers"};

enum { N_OF_FIRST = sizeof of_first / sizeof *of_first };

/* Moves one of the flat fields to its place, and remembers where it came from. */
static void move(struct translation *t, const json_t *flat, const char *name, json_t *to, const char *ours)
{
	char from[PLACE_POINTER_SIZE], at[PLACE_POINTER_SIZE];
	json_t *value = json_object_get(flat, name);
	if (value == NULL)
		return;
	json_object_set(to, name, value);
	tq42_below(from, "/flat", name);
	tq42_below(at, ours, name);
	for (int i = 0, n = t->n_places; i < n; i++)
		if (strcmp(t->places[i].ours, from) == 0)
			tq42_note(t, at, t->places[i].theirs);
}

/* What TS_HQLSTM_EVAL repeats of the training request. */
static int repeat(struct translation *t, const json_t *flat, const char *pointer)
{
	json_t *data = json_object_get(t->ours, "data"), *first = json_object(), *second = json_object();
	const json_t *width = json_object_get(flat, "label_width"), *target = json_object_get(flat, "target");
	char at[PLACE_POINTER_SIZE];
	move(t, flat, "window", data, "/data");
	for (int k = 0; k < N_OF_FIRST; k++)
		move(t, flat, of_first[k], first, "/model/layers/0");
	move(t, flat, "p", second, "/model/layers/1");
	if (json_object_size(first) + json_object_size(second) > 0)
		json_object_set_new(t->ours, "model", json_pack("{s:[O, O, {}]}", "layers", first, second));
	json_decref(first);
	json_decref(second);
	tq42_below(at, pointer, "target_column");
	if (target != NULL && json_object_set_new(data, "targets", json_pack("[O]", target)) == 0)
		tq42_note(t, "/data/targets", at);
	tq42_below(at, pointer, "label_width");
	return width != NULL ? tq42_width(t, width, data, at) : 0;
}

/* inputs.model.storage_id and inputs.data.storage_id. */
static int take_storage(struct translation *t, const json_t *inputs, const char *name, const char *what, json_t *to,
                        const char *member, const char *ours)
{
	const char *key = "storage_id", *outer = name;
	const json_t *storage = tq42_member(inputs, name, &outer);
	json_t *id = tq42_member(storage, "storage_id", &key);
	char at[PLACE_POINTER_SIZE], from[PLACE_POINTER_SIZE];
	tq42_below(at, "/inputs", outer);
	tq42_below(from, at, key);
	tq42_note(t, ours, from);
	return id != NULL ? json_object_set(to, member, id) : error_set(t->error, ERR_MISSING, from, "%s", what);
}

static int take_columns(struct translation *t, const json_t *parameters, json_t *data)
{
	const char *key = "data_processing_parameters";
	char at[PLACE_POINTER_SIZE];
	const json_t *processing = tq42_member(parameters, key, &key);
	tq42_below(at, "/parameters", key);
	int rc = processing != NULL && !json_is_null(processing)
	             ? tq42_fields(t, processing, columns, data, "/data", at)
	             : 0;
	if (json_array_size(json_object_get(data, "inputs")) == 0)
		json_object_del(data, "inputs"); /* an empty list says nothing */
	return rc;
}

int tq42_inference(struct translation *t, const json_t *request)
{
	const json_t *inputs = tq42_member(request, "inputs", NULL), *parameters;
	const char *key = "train_model_info";
	char at[PLACE_POINTER_SIZE];
	json_t *data = json_object_get(t->ours, "data"), *flat = json_object();
	json_object_set_new(t->ours, "kind", json_string("prediction"));
	parameters = tq42_member(request, "parameters", NULL);
	int rc = take_storage(t, inputs, "model", "the model is missing: the id of the experiment that was trained",
	                      t->ours, "init_from", "/init_from");
	if (rc == 0)
		rc = take_storage(t, inputs, "data", "the data set is missing: its name or id", data, "dataset",
		                  "/data/dataset");
	if (rc == 0)
		rc = tq42_fields(t, parameters, fields, flat, "/flat", "/parameters");
	if (rc == 0)
		rc = take_columns(t, parameters, data);
	if (rc == 0)
		rc = repeat(t, flat, "/parameters");
	const json_t *info = tq42_member(parameters, key, &key);
	tq42_below(at, "/parameters", key);
	if (rc == 0 && info != NULL && !json_is_null(info))
		rc = tq42_fields(t, info, about, t->ours, "", at);
	json_decref(flat);
	return rc;
}
