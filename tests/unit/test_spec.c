/* A resolved spec: columns, the engine's structs, the fingerprint; and the schema against the engine's tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <sodium.h>
#include <stdio.h>

#include "engine/data/series.h"
#include "engine/nn/activation.h"
#include "engine/nn/cell/qlstm_variant.h"
#include "engine/nn/layer.h"
#include "engine/nn/loss.h"
#include "tests/unit/request.h"

static long allocations_left;

static void *scarce_malloc(size_t size)
{
	return allocations_left-- > 0 ? malloc(size) : NULL;
}

/* Whichever allocation fails, the answer is "out of memory": never a crash, a leak or half a spec. */
static void test_out_of_memory(void **state)
{
	(void)state;
	json_t *request = NULL, *resolved;
	struct qlstm_error error = {0};
	const char *text = "{\"n_qubits\":3,\"model\":{\"depth\":2},\"data\":{\"inputs\":[0]}}";
	assert_int_equal(spec_load(text, strlen(text), &request, &error), 0);
	assert_non_null(spec_schema());
	int rc = ERR_OUT_OF_MEMORY;
	for (long n = 0; rc != 0; n++) {
		error_clear(&error);
		resolved = NULL;
		json_set_alloc_funcs(scarce_malloc, free);
		allocations_left = n;
		rc = spec_resolve(request, &resolved, &error);
		json_set_alloc_funcs(malloc, free);
		if (rc != 0)
			assert_int_equal(rc, ERR_OUT_OF_MEMORY);
	}
	json_t *expected = resolve_good("{'n_qubits':3,'depth':2,'data':{'inputs':[0]}}");
	assert_same(resolved, expected);
	json_decref(expected);
	json_decref(resolved);
	json_decref(request);
}

static const char *const column_names[] = {"time", "value", "load", "note"};
static const bool column_numeric[] = {true, true, true, false};

/* A table of the first `count` columns, without values; borrowed, the next call overwrites it. With `lines` and `texts`
 * for those that are not numeric. */
static const struct table *have(int count, const char *const *names, const bool *numeric, const size_t *lines,
                                const char *const *texts)
{
	static struct column columns[8];
	static struct table table = {.columns = columns};
	table.n_columns = count;
	for (int i = 0; i < count; i++) {
		columns[i] = (struct column){.name = (char *)names[i], .numeric = numeric[i]};
		if (numeric[i] || lines == NULL || lines[i] == 0)
			continue;
		columns[i].bad_unit = PLACE_LINE;
		columns[i].bad_at = lines[i];
		snprintf(columns[i].bad_text, sizeof columns[i].bad_text, "%s", texts[i]);
	}
	return &table;
}

static void test_bind(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		int n_columns; /* of the four */
		const bool *numeric;
		const char *inputs, *targets;
	} rows[] = {
	    {"{}", 4, column_numeric, "['value']", "['value']"},
	    {"{}", 1, column_numeric, "['time']", "['time']"},
	    {"{'data':{'inputs':[2,'time']}}", 4, column_numeric, "[2,'time']", "[2,'time']"},
	    {"{'data':{'targets':[0]}}", 4, column_numeric, "[0]", "[0]"},
	    {"{'data':{'targets':['time'],'inputs':['load',1]}}", 4, column_numeric, "['load',1]", "['time']"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct qlstm_error error = {0};
		const struct table *table = have(rows[i].n_columns, column_names, rows[i].numeric, NULL, NULL);
		json_t *resolved = resolve_good(rows[i].request);
		assert_int_equal(spec_bind(resolved, table, &error), 0);
		char *inputs = dump(at(resolved, "/data/inputs"));
		char *targets = dump(at(resolved, "/data/targets"));
		assert_string_equal(inputs, rows[i].inputs);
		assert_string_equal(targets, rows[i].targets);
		free(targets);
		free(inputs);
		assert_idempotent(resolved);
		json_decref(resolved);
	}
}

static void test_bind_errors(void **state)
{
	(void)state;
	static const bool only_time[] = {true, false, false, false};
	static const size_t lines[] = {0, 57, 3, 2};
	static const char *const texts[] = {"", "", "-", "a note"};
	static const struct {
		const char *request;
		const bool *numeric;
		int code;
		const char *pointer, *message;
	} rows[] = {
	    {"{'data':{'inputs':['time','laod']}}", column_numeric, ERR_INVALID, "/data/inputs/1",
	     "inputs[1] is 'laod'; the data set has no such column; did you mean 'load'?"},
	    {"{'data':{'targets':['zzzzzz']}}", column_numeric, ERR_INVALID, "/data/targets/0",
	     "it has 'time', 'value', 'load', 'note'"},
	    {"{'data':{'targets':[4]}}", column_numeric, ERR_OUT_OF_RANGE, "/data/targets/0",
	     "targets[0] is 4; the data set has the columns 0 to 3"},
	    {"{'data':{'inputs':['note']}}", column_numeric, ERR_INVALID, "/data/inputs/0",
	     "column 'note' is not numeric: line 2 holds 'a note'"},
	    {"{'data':{'targets':[3]}}", column_numeric, ERR_INVALID, "/data/targets/0",
	     "column 'note' is not numeric: line 2 holds 'a note'"},
	    {"{}", only_time, ERR_INVALID, "/data/inputs", "column 'value' is not numeric: line 57 holds ''"},
	    {"{'data':{'inputs':['load','time','load']}}", column_numeric, ERR_INVALID, "/data/inputs/2",
	     "inputs[2] is column 'load', which item 0 names already"},
	    {"{'data':{'targets':['value',1]}}", column_numeric, ERR_INVALID, "/data/targets/1", "names already"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct qlstm_error error = {0};
		const struct table *table = have(4, column_names, rows[i].numeric, lines, texts);
		json_t *resolved = resolve_good(rows[i].request);
		assert_int_equal(spec_bind(resolved, table, &error), rows[i].code);
		assert_string_equal(error.pointer, rows[i].pointer);
		if (strstr(error.message, rows[i].message) == NULL)
			fail_msg("%s", error.message);
		json_decref(resolved);
	}
}

/* Without a column named "value" the only numeric one is taken; of several or without any there is nothing to take. */
static void test_bind_without_value(void **state)
{
	(void)state;
	static const char *const names[] = {"time", "load", "note"};
	static const bool numeric[] = {true, true, false}, one[] = {false, true, false}, none[] = {false, false, false};
	struct qlstm_error error = {0};
	json_t *resolved = resolve_good("{}");
	assert_int_equal(spec_bind(resolved, have(3, names, none, NULL, NULL), &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/data/dataset");
	error_clear(&error);
	assert_int_equal(spec_bind(resolved, have(3, names, numeric, NULL, NULL), &error), ERR_MISSING);
	assert_string_equal(error.pointer, "/data/targets");
	assert_string_equal(error.message,
	                    "the data set has 2 numeric columns: 'time', 'load'; targets says which of them "
	                    "is predicted");
	error_clear(&error);
	assert_int_equal(spec_bind(resolved, have(3, names, one, NULL, NULL), &error), 0);
	assert_string_equal(json_string_value(at(resolved, "/data/inputs/0")), "load");
	assert_string_equal(json_string_value(at(resolved, "/data/targets/0")), "load");
	json_decref(resolved);
}

/* Two values that a property may have; false for objects and lists, and where there is but one. */
static bool two_values(const json_t *property, json_t *values[2])
{
	const json_t *choices = json_object_get(property, "enum"), *type = json_object_get(property, "type");
	size_t n_choices = json_array_size(choices);
	const char *word = json_string_value(type);
	for (int i = 0; i < 2; i++) {
		values[i] = NULL;
		if (n_choices >= 2)
			values[i] = json_incref(json_array_get(choices, i == 0 ? 0 : n_choices - 1));
		else if (word != NULL && strcmp(word, "boolean") == 0)
			values[i] = json_boolean(i);
		else if (word != NULL && (strcmp(word, "integer") == 0 || strcmp(word, "number") == 0))
			values[i] = json_integer(i + 1);
		else if (word != NULL && strcmp(word, "string") == 0)
			values[i] = json_string(i == 0 ? "a" : "b");
	}
	return values[0] != NULL;
}

/* The object that `part` names ("training/optimizer"; "qlstm" is a layer of that type), with one field in it. */
static json_t *spec_with(const char *part, const char *name, json_t *value)
{
	bool in_layer = layer_type_named(part) != NULL;
	json_t *spec = json_pack("{s:{s:[{s:s}]}}", "model", "layers", "type", in_layer ? part : "lstm");
	json_t *here = at(spec, "/model/layers/0");
	while (!in_layer && *part != '\0') {
		size_t length = strcspn(part, "/");
		if (here == at(spec, "/model/layers/0"))
			here = spec;
		json_object_setn_new(here, part, length, json_object());
		here = json_object_getn(here, part, length);
		part += length + (part[length] == '/');
	}
	json_object_set(here, name, value);
	return spec;
}

static void check_read(const char *part, const char *name, json_t *values[2])
{
	struct spec parsed[2];
	for (int i = 0; i < 2; i++) {
		json_t *spec = spec_with(part, name, values[i]);
		spec_parse(spec, &parsed[i], NULL); /* what the engine says of such a spec does not matter here */
		json_decref(spec);
		json_decref(values[i]);
	}
	if (memcmp(&parsed[0], &parsed[1], sizeof parsed[0]) == 0)
		fail_msg("%s/%s of the schema changes nothing in struct spec: parse.c has no row for it", part, name);
}

static int check_object_read(const char *part, const json_t *object)
{
	const char *name;
	json_t *property, *values[2];
	int checked = 0;
	json_object_foreach(json_object_get(object, "properties"), name, property)
	{
		char inner[64];
		/* All but two are replaced by qasm before it is parsed. */
		if (strcmp(part, "circuit") == 0 && strcmp(name, "qasm") != 0 && strcmp(name, "angle_init") != 0)
			continue;
		snprintf(inner, sizeof inner, "%s/%s", part, name);
		if (json_object_get(property, "properties") != NULL) {
			checked += check_object_read(inner, property);
		} else if (two_values(property, values)) {
			check_read(part, name, values);
			checked++;
		}
	}
	return checked;
}

/* A property that parse.c does not read would be accepted and ignored. Lists (columns, layers) have tests of their own;
 * name, project, tags and priority stand outside $defs. */
static void test_every_field_is_read(void **state)
{
	(void)state;
	const char *name;
	json_t *object;
	int checked = 0;
	json_object_foreach(json_object_get(spec_schema(), "$defs"), name, object)
	{
		checked += check_object_read(name, object);
	}
	assert_true(checked >= 40);
}

/* Every field differs from its default, so that a row missing in the field table shows. */
static void test_parse(void **state)
{
	(void)state;
	json_t *resolved = resolve_good(
	    "{'name':'n','kind':'prediction',"
	    "'data':{'dataset':'sine','inputs':[0,2],'targets':[1],'window':7,'horizon':3,'stride':2,'period':12,'"
	    "scaling':'"
	    "standard',"
	    "'scaling_fit':'all','missing':'ffill','folds':{'count':4,'method':'k_fold'},'drop_last_window':false,'"
	    "split':{'train':0.5,'validation':0.25,"
	    "'train_until':40,'validation_until':'2020-01-31'}},"
	    "'model':{'layers':[{'type':'dense','units':4,'bias':false},"
	    "{'type':'qlstm','variant':'linear','ansatz':'strong','hidden_size':6,'n_qubits':3,'n_qlayers':2,'depth':4,"
	    "'inversward':true,'batch_first':false,'hadamard':false,'rotation':'Y','entangling':'strong','measure':'X',"
	    "'angle_init':'normal'},"
	    "{'type':'lstm','hidden_size':8,'bidirectional':true}]},"
	    "'training':{'epochs':9,'batch_size':11,'epoch_batches':3,'shuffle':true,'loss':'mae','patience':6,'freeze'"
	    ":['layers.0.'],"
	    "'schedule':{'type':'plateau','warmup_epochs':2,'factor':0.5,'patience':4,'minimum':0.25},"
	    "'optimizer':{'type':'adam','quantum_learning_rate':0.9,"
	    "'learning_rate':0.1,'momentum':0.2,'alpha':0.3,'beta1':0.4,'beta2':0.5,'epsilon':0.6,'weight_decay':0.7,'"
	    "resume':true},"
	    "'clip_norm':0.8,'keep':'best','snapshots':[2,5],'seed':9007199254740991},"
	    "'simulation':{'precision':'float32','plan':'reference','diff_method':'parameter_shift'},'limits':{'max_"
	    "seconds':1.5,'max_attempts':2}}");
	struct qlstm_error error = {0};
	struct spec spec;
	assert_int_equal(spec_parse(resolved, &spec, &error), 0);
	assert_string_equal(spec.name, "n");
	assert_string_equal(spec.dataset, "sine");
	assert_int_equal(spec.kind, SPEC_PREDICTION);
	const struct windows_config *windows = &spec.windows;
	assert_int_equal(windows->n_inputs, 2);
	assert_int_equal(windows->n_targets, 1);
	assert_int_equal(windows->window, 7);
	assert_int_equal(windows->horizon, 3);
	assert_int_equal(windows->stride, 2);
	assert_int_equal(spec.period, 12);
	assert_true(windows->split.validation == 0.25 && windows->split.seed == 9007199254740991u);
	assert_true(windows->split.train_until.said && windows->split.train_until.row == 40);
	assert_string_equal(windows->split.validation_until.time, "2020-01-31");
	assert_false(windows->split.shuffle);
	assert_int_equal(windows->scaling, SCALING_STANDARD);
	assert_int_equal(windows->scaling_fit, SCALING_FIT_ALL);
	assert_int_equal(spec.missing, MISSING_FFILL);
	assert_int_equal(spec.keep, TRAINER_BEST);
	assert_true(spec.folds.count == 4 && spec.folds.method == FOLD_BLOCKS && spec.folds.index == 0);
	assert_int_equal(spec.model.diff_method, DIFF_PARAMETER_SHIFT);
	const struct trainer_snapshots *snapshots = &spec.training.snapshots;
	assert_true(snapshots->count == 2 && snapshots->epochs[0] == 2 && snapshots->epochs[1] == 5);
	assert_false(windows->drop_last);
	assert_true(windows->split.train == 0.5);
	assert_int_equal(spec.model.n_inputs, 2);
	assert_int_equal(spec.model.n_outputs, 1);
	assert_int_equal(spec.model.n_layers, 4);
	assert_string_equal(spec.model.plan, "reference");
	assert_int_equal(spec.model.precision, PRECISION_FLOAT32);
	assert_false(spec.batch_first);
	const struct layer_config *layers = spec.model.layers;
	assert_string_equal(layers[0].type, "dense");
	assert_int_equal(layers[0].dense.units, 4);
	assert_false(layers[0].dense.bias);
	assert_string_equal(layers[1].qlstm.variant, "linear");
	assert_string_equal(layers[1].qlstm.circuit.ansatz, "strong");
	assert_int_equal(layers[1].recurrent.hidden_size, 6);
	assert_int_equal(layers[1].qlstm.circuit.n_qubits, 3);
	assert_int_equal(layers[1].qlstm.circuit.n_qlayers, 2);
	assert_int_equal(layers[1].qlstm.circuit.depth, 4);
	assert_true(layers[1].recurrent.inversward);
	assert_false(layers[1].recurrent.bidirectional);
	assert_false(layers[1].qlstm.circuit.hadamard);
	assert_int_equal(layers[1].qlstm.circuit.rotation, PAULI_Y);
	assert_int_equal(layers[1].qlstm.circuit.measure, PAULI_X);
	assert_int_equal(layers[1].qlstm.circuit.entangling, ENTANGLING_STRONG);
	assert_int_equal(layers[1].qlstm.circuit.angle_init, ANGLE_INIT_NORMAL);
	assert_true(layers[2].recurrent.bidirectional);
	assert_int_equal(layers[2].recurrent.hidden_size, 8);
	assert_int_equal(layers[3].dense.units, 1);
	assert_true(layers[3].dense.bias);
	const struct trainer_config *training = &spec.training;
	assert_int_equal(training->epochs, 9);
	assert_int_equal(training->batch_size, 11);
	assert_int_equal(training->epoch_batches, 3);
	assert_true(spec.resume_optimizer);
	assert_true(training->shuffle);
	assert_string_equal(training->loss, "mae");
	assert_true(training->clip_norm == 0.8);
	assert_int_equal(training->patience, 6);
	assert_int_equal(training->groups.n_frozen, 1);
	assert_string_equal(training->groups.frozen[0], "layers.0.");
	assert_true(training->groups.quantum_learning_rate == 0.9);
	const struct schedule_config *schedule = &training->schedule;
	assert_int_equal(schedule->type, SCHEDULE_PLATEAU);
	assert_true(schedule->warmup_epochs == 2 && schedule->patience == 4 && schedule->factor == 0.5 &&
	            schedule->least == 0.25);
	assert_true(training->seed == 9007199254740991u);
	assert_string_equal(training->optimizer.type, "adam");
	const double *numbers = &training->optimizer.learning_rate;
	for (int i = 0; i < 7; i++)
		assert_true(numbers[i] - 0.1 * (i + 1) < 1e-15 && numbers[i] - 0.1 * (i + 1) > -1e-15);
	assert_true(spec.max_seconds == 1.5);
	assert_int_equal(spec.max_attempts, 2);
	json_decref(resolved);
}

static void test_columns(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	struct table table;
	struct spec spec;
	json_t *resolved = resolve_good("{'data':{'inputs':['value'],'targets':['valu']}}");
	assert_int_equal(series_table(series_find("sine"), &table, &error), 0);
	assert_int_equal(spec_parse(resolved, &spec, &error), 0);
	assert_int_equal(spec_columns(&spec, resolved, &table, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/data/targets/0");
	json_array_set_new(at(resolved, "/data/targets"), 0, json_string("value"));
	error_clear(&error);
	assert_int_equal(spec_columns(&spec, resolved, &table, &error), 0);
	assert_int_equal(spec.windows.inputs[0], 0);
	assert_int_equal(spec.windows.targets[0], 0);
	table_free(&table);
	json_decref(resolved);
	resolved = resolve_good("{}");
	assert_int_equal(spec_columns(&spec, resolved, &table, &error), ERR_MISSING);
	json_decref(resolved);
}

static void test_fingerprint(void **state)
{
	(void)state;
	static const struct {
		const char *request, *data;
		bool same; /* as that of the first row */
	} rows[] = {
	    {"{}", "aa", true},
	    {QDI_REQUEST, "aa", true},
	    {"{'name':'x','project':'p','tags':['t'],'priority':9,'limits':{'max_seconds':1}}", "aa", true},
	    {"{}", "ab", false},
	    {"{'training':{'seed':2}}", "aa", false},
	    {"{'n_qubits':3}", "aa", false},
	    {"{'data':{'window':5}}", "aa", false},
	    {"{'simulation':{'plan':'batch'}}", "aa", false},
	};
	char first[65] = "", other[65];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *resolved = resolve_good(rows[i].request);
		spec_fingerprint(resolved, rows[i].data, other);
		assert_int_equal(strlen(other), 64);
		if (i == 0)
			strcpy(first, other);
		assert_int_equal(strcmp(first, other) == 0, rows[i].same);
		json_decref(resolved);
	}
}

static const char *ansatz_name_at(int i)
{
	return ansatz_at(i) != NULL ? ansatz_at(i)->name : NULL;
}

static const char *loss_name_at(int i)
{
	return loss_at(i) != NULL ? loss_at(i)->name : NULL;
}

static const char *variant_name_at(int i)
{
	return qlstm_variant_at(i) != NULL ? qlstm_variant_at(i)->name : NULL;
}

static const char *activation_name_at(int i)
{
	return activation_at(i) != NULL ? activation_at(i)->name : NULL;
}

static const char *plan_or_auto_at(int i)
{
	return i == 0 ? "auto" : plan_kind_name(i - 1);
}

/* The schema offers what the engine has, no more and no less. */
static void test_enums(void **state)
{
	(void)state;
	static const struct {
		const char *pointer;
		const char *(*name_at)(int index);
	} rows[] = {
	    {"/$defs/qlstm/properties/ansatz/enum", ansatz_name_at},
	    {"/$defs/qlstm/properties/variant/enum", variant_name_at},
	    {"/$defs/activation/properties/function/enum", activation_name_at},
	    {"/$defs/training/properties/loss/enum", loss_name_at},
	    {"/$defs/training/properties/optimizer/properties/type/enum", optimizer_name_at},
	    {"/$defs/simulation/properties/plan/enum", plan_or_auto_at},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const json_t *names = at(spec_schema(), rows[i].pointer);
		int n = 0;
		for (; rows[i].name_at(n) != NULL; n++) {
			bool found = false;
			for (size_t k = 0; k < json_array_size(names); k++)
				found = found ||
				        strcmp(json_string_value(json_array_get(names, k)), rows[i].name_at(n)) == 0;
			if (!found)
				fail_msg("%s lacks '%s'", rows[i].pointer, rows[i].name_at(n));
		}
		if (n != (int)json_array_size(names))
			fail_msg("%s has %zu names, the engine %d", rows[i].pointer, json_array_size(names), n);
	}
}

/* The schema describes the layer types that the engine has, in the same order. */
static void test_layer_types(void **state)
{
	(void)state;
	const json_t *branches = at(spec_schema(), "/$defs/layer/oneOf");
	int n = 0;
	for (; layer_type_at(n) != NULL; n++) {
		const char *reference = json_string_value(json_object_get(json_array_get(branches, (size_t)n), "$ref"));
		char expected[64], selector[64];
		snprintf(expected, sizeof expected, "#/$defs/%s", layer_type_at(n)->name);
		snprintf(selector, sizeof selector, "/$defs/%s/properties/type/const", layer_type_at(n)->name);
		assert_non_null(reference);
		assert_string_equal(reference, expected);
		assert_string_equal(json_string_value(at(spec_schema(), selector)), layer_type_at(n)->name);
	}
	assert_int_equal(n, json_array_size(branches));
}

/* Each recipe stands on its own: resolves, binds to the series it names, and builds the model it promises. */
static void test_recipes(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob("schema/recipes/*.json", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 8);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct qlstm_error error = {0};
		struct table table;
		struct spec spec;
		json_t *recipe = json_load_file(found.gl_pathv[i], JSON_REJECT_DUPLICATES, NULL), *resolved;
		assert_non_null(recipe);
		int rc = spec_resolve(recipe, &resolved, &error);
		if (rc != 0)
			fail_msg("%s: %s %s", found.gl_pathv[i], error.pointer, error.message);
		assert_idempotent(resolved);
		assert_int_equal(spec_parse(resolved, &spec, &error), 0);
		assert_true(strlen(spec.name) > 0);
		if (series_find(spec.dataset) == NULL) { /* of data that are fetched */
			assert_true(strstr(found.gl_pathv[i], "mnist") != NULL ||
			            strstr(found.gl_pathv[i], "qrnn_text") != NULL || spec.text.lexicon.size > 0);
			json_decref(recipe);
			json_decref(resolved);
			continue;
		}
		assert_int_equal(series_table(series_find(spec.dataset), &table, &error), 0);
		assert_int_equal(spec_bind(resolved, &table, &error), 0);
		assert_int_equal(spec_parse(resolved, &spec, &error), 0);
		assert_int_equal(spec_columns(&spec, resolved, &table, &error), 0);
		table_free(&table);
		const char *promised = strstr(spec.name, " parameters");
		if (promised != NULL) {
			struct model *model;
			while (promised > spec.name && promised[-1] != ' ')
				promised--;
			assert_int_equal(model_new(&model, &spec.model, &error), 0);
			assert_int_equal(model_params(model)->size, strtoul(promised, NULL, 10));
			model_free(model);
		}
		json_decref(resolved);
		json_decref(recipe);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_out_of_memory),
	    cmocka_unit_test(test_bind),
	    cmocka_unit_test(test_bind_errors),
	    cmocka_unit_test(test_bind_without_value),
	    cmocka_unit_test(test_every_field_is_read),
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_columns),
	    cmocka_unit_test(test_fingerprint),
	    cmocka_unit_test(test_enums),
	    cmocka_unit_test(test_layer_types),
	    cmocka_unit_test(test_recipes),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
