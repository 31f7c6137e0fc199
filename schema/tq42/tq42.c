/* From TQ42's training requests to ours, by tables: one row a field. */
#include "schema/tq42/tq42.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/tq42/tq42_parts.h"

/* The most hours at the output of a packaged forecaster. */
enum { MAX_WIDTH = 72 };

static const struct word optims[] = {{"adam", "adam"}, {"adamw", "adamw"}, {"sgd", "sgd"}, {0}};
static const struct word losses[] = {
    {"mse", "mse"}, {"mae", "mae"}, {"bce", "bce"}, {"crossentropy", "cross_entropy"}, {0}};
static const struct word models[] = {{"mlp", "mlp"}, {"rnn", "rnn"}, {0}};

static const struct row columns[] = {{{"input_columns"}, "inputs", NULL},
                                     {{"output_columns"}, "targets", NULL},
                                     {{"timestamp_columns"}, NULL, NULL},
                                     {{NULL}, NULL, NULL}};
static const struct row about[] = {{{"name"}, "name", NULL}, {{"description"}, "notes", NULL}, {{NULL}, NULL, NULL}};
static const struct row general[] = {{{"model_type"}, "model_type", models},
                                     {{"layers"}, NULL, NULL},
                                     {{"num_epochs", "epochs"}, "num_epochs", NULL},
                                     {{"batch_size"}, "batch_size", NULL},
                                     {{"learning_rate"}, "learning_rate", NULL},
                                     {{"optim"}, "optim", optims},
                                     {{"loss_func"}, "loss", losses},
                                     {{"k_fold"}, "k_fold", NULL},
                                     {{"diff_method"}, "diff_method", tq42_methods},
                                     {{"train_model_info"}, NULL, NULL},
                                     {{"data_processing_parameters"}, NULL, NULL},
                                     {{"input_width"}, "window", NULL},
                                     {{"label_width"}, "label_width", NULL},
                                     {{"hidden_size"}, "hidden_size", NULL},
                                     {{"num_qubits", "n_qubits"}, "num_qubits", NULL},
                                     {{"depth"}, "depth", NULL},
                                     {{"n_qlayers", "num_qlayers", "nqlayers"}, "num_qlayers", NULL},
                                     {{"dropout_coef"}, "p", NULL},
                                     {{"time_column"}, NULL, NULL},
                                     {{"target_column"}, "target", NULL},
                                     {{NULL}, NULL, NULL}};

/* Where the flat fields go; of the layers of a packaged forecaster, too. */
static const struct {
	const char *name, *to;
} places[] = {{"num_epochs", "/training/num_epochs"},
              {"batch_size", "/training/batch_size"},
              {"learning_rate", "/training/optimizer/learning_rate"},
              {"optim", "/training/optimizer/type"},
              {"loss", "/training/loss"},
              {"window", "/data/window"},
              {"diff_method", "/simulation/diff_method"},
              {"hidden_size", "/model/layers/0/hidden_size"},
              {"num_qubits", "/model/layers/0/num_qubits"},
              {"depth", "/model/layers/0/depth"},
              {"num_qlayers", "/model/layers/0/num_qlayers"},
              {"p", "/model/layers/1/p"}};

/* Moves a flat field to its place; the objects on its way are there. */
static void put(json_t *spec, const char *to, json_t *value)
{
	char key[TQ42_NAME];
	for (to++; strchr(to, '/') != NULL; to += strcspn(to, "/") + 1) {
		snprintf(key, sizeof key, "%.*s", (int)strcspn(to, "/"), to);
		spec = json_is_array(spec) ? json_array_get(spec, (size_t)strtoul(key, NULL, 10))
		                           : json_object_get(spec, key);
	}
	json_object_set(spec, to, value);
}

static void place_fields(struct translation *t, const json_t *flat)
{
	for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
		char from[PLACE_POINTER_SIZE];
		json_t *value = json_object_get(flat, places[k].name);
		if (value == NULL)
			continue;
		put(t->ours, places[k].to, value);
		snprintf(from, sizeof from, "/flat/%s", places[k].name);
		for (int i = 0, n = t->n_places; i < n; i++)
			if (strcmp(t->places[i].ours, from) == 0)
				tq42_note(t, places[k].to, t->places[i].theirs);
	}
}

/* So many values behind the window, all at once. */
int tq42_width(struct translation *t, const json_t *width, json_t *data, const char *pointer)
{
	json_int_t n = json_integer_value(width);
	if (!json_is_integer(width))
		return error_set(t->error, ERR_WRONG_TYPE, pointer, "an integer from 1 to %d belongs here", MAX_WIDTH);
	if (n < 1 || n > MAX_WIDTH)
		return error_set(t->error, ERR_OUT_OF_RANGE, pointer, "label_width is %lld; allowed are 1 to %d",
		                 (long long)n, MAX_WIDTH);
	json_t *horizons = json_array();
	for (json_int_t h = 1; h <= n; h++)
		json_array_append_new(horizons, json_integer(h));
	tq42_note(t, "/data/horizon", pointer);
	json_t *value = n > 1 ? json_incref(horizons) : json_integer(1);
	json_decref(horizons);
	return json_object_set_new(data, "horizon", value);
}

/* TS_HQLSTM_TRAIN. */
static int translate_forecaster(struct translation *t, const json_t *flat, const char *pointer)
{
	json_t *model =
	    tq42_make("{'layers':[{'type':'qlstm','hidden_size':17,'num_qubits':8,'depth':7,'num_qlayers':3},"
	              "{'type':'dropout','p':0.24},{'type':'dense'}]}");
	const json_t *target = json_object_get(flat, "target"), *width = json_object_get(flat, "label_width");
	char at[PLACE_POINTER_SIZE];
	json_object_set_new(t->ours, "model", model);
	json_t *data = json_object_get(t->ours, "data");
	json_object_set_new(data, "window", json_integer(24));
	tq42_below(at, pointer, "label_width");
	int rc = width != NULL ? tq42_width(t, width, data, at) : 0;
	if (rc != 0)
		return rc;
	tq42_below(at, pointer, "target_column");
	tq42_note(t, "/data/targets", at);
	return json_object_set_new(data, "targets",
	                           target != NULL ? json_pack("[O]", target) : json_pack("[s]", "Power, kW"));
}

/* BCE and CROSSENTROPY are losses of classes. */
static void choose_task(json_t *spec, json_t *flat, json_t *layers)
{
	const char *loss = json_string_value(json_object_get(flat, "loss"));
	json_t *data = json_object_get(spec, "data"), *last = json_array_get(layers, json_array_size(layers) - 1);
	bool binary = loss != NULL && strcmp(loss, "bce") == 0;
	const char *model = json_string_value(json_object_get(flat, "model_type"));
	bool classes = binary || (loss != NULL && strcmp(loss, "cross_entropy") == 0);
	json_object_set_new(data, "task", json_string(classes ? "classification" : "regression"));
	if (model == NULL || strcmp(model, "mlp") == 0)
		json_object_set_new(data, "steps", json_integer(1));
	if (!classes)
		return;
	json_int_t units = json_integer_value(json_object_get(last, "units"));
	json_object_set_new(data, "classes", json_integer(binary || units < 2 ? 2 : units));
	json_object_set_new(flat, "loss", json_string(binary ? "bce" : "cross_entropy"));
	if (binary)
		json_object_del(last, "units");
}

static int translate_generic(struct translation *t, const json_t *parameters, json_t *flat, const char *pointer)
{
	const char *key = "layers";
	char list[PLACE_POINTER_SIZE];
	const json_t *theirs = tq42_member(parameters, "layers", &key);
	tq42_below(list, pointer, key);
	if (!json_is_array(theirs) || json_array_size(theirs) == 0)
		return error_set(t->error, theirs == NULL ? ERR_MISSING : ERR_WRONG_TYPE, list,
		                 "a list of layers belongs here");
	tq42_note(t, "/model/layers", list);
	json_t *layers = json_array();
	json_object_set_new(t->ours, "model", json_pack("{s:o}", "layers", layers));
	json_t *data = json_object_get(t->ours, "data");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(theirs); i++)
		rc = tq42_layer(t, json_array_get(theirs, i), i, layers, list);
	key = "data_processing_parameters";
	const json_t *processing = tq42_member(parameters, key, &key);
	tq42_below(list, pointer, key);
	if (rc == 0 && processing != NULL && !json_is_null(processing))
		rc = tq42_fields(t, processing, columns, data, "/data", list);
	if (rc != 0)
		return rc;
	choose_task(t->ours, flat, layers);
	size_t inputs = json_array_size(json_object_get(data, "inputs"));
	long long width = json_object_get(data, "steps") != NULL ? inputs > 0 ? (long long)inputs : -1 : 1;
	for (size_t i = 0; i < json_array_size(layers); i++)
		width = tq42_fit_width(json_array_get(layers, i), width);
	return 0;
}

/* inputs.data.storage_id */
static int translate_storage(struct translation *t, const json_t *request)
{
	const json_t *data = tq42_member(tq42_member(request, "inputs", NULL), "data", NULL);
	const char *key = "storage_id";
	json_t *id = tq42_member(data, "storage_id", &key);
	char from[PLACE_POINTER_SIZE];
	tq42_below(from, "/inputs/data", key);
	tq42_note(t, "/data/dataset", from);
	if (id == NULL)
		return error_set(t->error, ERR_MISSING, from, "the data set is missing: its name or id");
	return json_object_set(json_object_get(t->ours, "data"), "dataset", id);
}

static int translate_parameters(struct translation *t, const json_t *parameters, const char *pointer)
{
	json_t *flat = json_object();
	const char *key = "train_model_info";
	char at[PLACE_POINTER_SIZE];
	int rc = tq42_fields(t, parameters, general, flat, "/flat", pointer);
	const json_t *info = rc == 0 ? tq42_member(parameters, "train_model_info", &key) : NULL;
	tq42_below(at, pointer, key);
	if (info != NULL && !json_is_null(info))
		rc = tq42_fields(t, info, about, t->ours, "", at);
	json_t *folds = json_object_get(flat, "k_fold");
	key = "k_fold";
	tq42_member(parameters, "k_fold", &key);
	tq42_below(at, pointer, key);
	if (rc == 0 && folds != NULL && !(json_is_integer(folds) && json_integer_value(folds) == 1)) {
		tq42_note(t, "/data/folds/count", at);
		rc = json_object_set_new(json_object_get(t->ours, "data"), "folds",
		                         json_pack("{s:O, s:s}", "count", folds, "method", "k_fold"));
	}
	bool forecaster = json_object_get(flat, "window") != NULL || json_object_get(flat, "target") != NULL;
	if (rc == 0)
		rc = forecaster ? translate_forecaster(t, flat, pointer)
		                : translate_generic(t, parameters, flat, pointer);
	if (rc == 0)
		place_fields(t, flat);
	json_decref(flat);
	return rc;
}

static int run(struct translation *t, const json_t *request)
{
	static const struct row whole[] = {{{"parameters"}, NULL, NULL},
	                                   {{"inputs"}, NULL, NULL},
	                                   {{"project"}, "project", NULL},
	                                   {{"tags"}, "tags", NULL},
	                                   {{NULL}, NULL, NULL}};
	bool infers = tq42_infers(request);
	t->ours =
	    tq42_make(infers ? "{'data':{}}"
	                     : "{'data':{'scaling':'max'},'simulation':{},'training':{'num_epochs':20,'batch_size':128,"
	                       "'optimizer':{'type':'adam','learning_rate':0.001}}}");
	if (t->ours == NULL)
		return error_set(t->error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	int rc = tq42_fields(t, request, whole, t->ours, "", "");
	if (rc == 0 && infers)
		return tq42_inference(t, request);
	if (rc == 0)
		rc = translate_storage(t, request);
	const char *key = "parameters";
	const json_t *parameters = tq42_member(request, "parameters", &key);
	return rc == 0 ? translate_parameters(t, parameters, "/parameters") : rc;
}

bool tq42_is(const json_t *request)
{
	return json_object_get(request, "parameters") != NULL;
}

bool tq42_infers(const json_t *request)
{
	return tq42_member(tq42_member(request, "inputs", NULL), "model", NULL) != NULL;
}

int tq42_translate(const json_t *request, json_t **out, struct qlstm_error *error)
{
	struct translation *t = calloc(1, sizeof *t);
	if (t == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	t->error = error;
	int rc = run(t, request);
	*out = rc == 0 ? json_incref(t->ours) : NULL;
	json_decref(t->ours);
	free(t);
	return rc;
}

/* The longest pointer of ours that begins the error's. */
static int find_place(const struct translation *t, const char *pointer)
{
	int best = -1;
	size_t longest = 0;
	for (int k = 0; k < t->n_places; k++) {
		size_t length = strlen(t->places[k].ours);
		bool begins = strncmp(pointer, t->places[k].ours, length) == 0 &&
		              (pointer[length] == '\0' || pointer[length] == '/');
		if (begins && length >= longest) {
			best = k;
			longest = length;
		}
	}
	return best;
}

void tq42_locate(const json_t *request, struct qlstm_error *error)
{
	struct translation *t = error != NULL ? calloc(1, sizeof *t) : NULL;
	if (t == NULL)
		return;
	int k = run(t, request) == 0 ? find_place(t, error->pointer) : -1;
	if (k >= 0) {
		char rest[PLACE_POINTER_SIZE];
		size_t length = strlen(t->places[k].ours);
		/* What stands below a field of theirs has their name only where it is an item of a list. */
		bool item = isdigit((unsigned char)error->pointer[length + (error->pointer[length] == '/')]);
		snprintf(rest, sizeof rest, "%s", item ? error->pointer + length : "");
		snprintf(error->pointer, sizeof error->pointer, "%s", t->places[k].theirs);
		place_add(error->pointer, sizeof error->pointer, rest);
	}
	json_decref(t->ours);
	free(t);
}
