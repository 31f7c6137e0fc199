/* What others call a field: each is refused with what it is called here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "schema/keyword.h"
#include "schema/spec.h"

static const struct {
	const char *request, *pointer, *message;
} cases[] = {
    {"{'hidden_size':4,'num_layers':2}", "/num_layers",
     "unknown field 'num_layers'; several recurrent layers go into model.layers, one item each; n_qlayers is something "
     "else: blocks of one circuit"},
    {"{'training':{'optimizer':{'name':'adam','lr':0.001}}}", "/training/optimizer/name",
     "unknown field 'name'; here it is /training/optimizer/type"},
    {"{'training':{'optimizer':{'lr':0.001}}}", "/training/optimizer/lr",
     "unknown field 'lr'; here it is /training/optimizer/learning_rate"},
    {"{'lr':0.01}", "/lr", "here it is /training/optimizer/learning_rate"},
    {"{'data':{'lookback':8}}", "/data/lookback", "unknown field 'lookback'; here it is /data/window"},
    {"{'data':{'sequence_length':8}}", "/data/sequence_length", "here it is /data/window"},
    {"{'data':{'seqLen':8}}", "/data/seqLen", "here it is /data/window"},
    {"{'data':{'test_size':0.2}}", "/data/test_size", "here /data/split/train says the training part: 0.8"},
    {"{'data':{'test_size':20}}", "/data/test_size", "here /data/split/train says the training part"},
    {"{'training':{'optimizer':'adam'}}", "/training/optimizer",
     "optimizer is 'adam'; it must be an object: {\"type\": \"adam\"}"},
    {"{'data':{'targets':'value'}}", "/data/targets", "targets is 'value'; it must be an array: [\"value\"]"},
    {"{'data':{'inputs':3}}", "/data/inputs", "inputs is 3; it must be an array: [3]"},
    {"{'data':{'features':['value']}}", "/data/features", "here it is /data/inputs"},
    {"{'data':{'split':0.8}}", "/data/split", "split is 0.8; it must be an object: {\"train\": 0.8}"},
    {"{'data':{'split':[1]}}", "/data/split", "it must be an object"},
    {"{'input_size':3}", "/input_size", "how many values go in follows from the columns in data.inputs"},
    {"{'hidden_dim':3}", "/hidden_dim", "here it is 'hidden_size' of a layer"},
    {"{'model':{'layers':[{'type':'lstm','hidden_units':3}]}}", "/model/layers/0/hidden_units",
     "here it is 'hidden_size' of a layer"},
    {"{'n_wires':3}", "/n_wires", "here it is 'n_qubits' of a layer"},
    {"{'dropout':0.2}", "/dropout", "dropout is a layer of its own"},
    {"{'random_state':3}", "/random_state", "here it is /training/seed"},
    {"{'gpu':true}", "/gpu", "trainings run on processors alone"},
    {"{'shots':1000}", "/shots", "expectation values are exact"},
    {"{'activation':'tanh'}", "/activation", "an activation is a layer of its own"},
    {"{'data':{'date_column':'day'}}", "/data/date_column", "a column of dates is found"},
    {"{'encoding':'angle'}", "/encoding", "here it is 'encoder' of a layer"},
    /* Written as elsewhere; and a name that two fields have. */
    {"{'learningRate':0.1}", "/learningRate", "it belongs to /training/optimizer/learning_rate"},
    {"{'training':{'batch-size':3}}", "/training/batch-size", "it belongs to /training/batch_size"},
    {"{'maxEpochs':3}", "/maxEpochs", "here it is /training/epochs"},
    {"{'shuffle':true}", "/shuffle", "it belongs to /data/split/shuffle, or to /training/shuffle"},
    {"{'momentum':0.9}", "/momentum", ", or to /training/optimizer/momentum"},
    {"{'function':'tanh'}", "/function", "it belongs to /model/layers/N/function of a layer of type 'activation'"},
    /* A field that is there, elsewhere; and spelling, where nothing else is known. */
    {"{'epochs':3}", "/epochs", "unknown field 'epochs'; it belongs to /training/epochs"},
    {"{'name_of':'x'}", "/name_of", "unknown field 'name_of'"},
    {"{'data':{'windw':3}}", "/data/windw", "did you mean 'window'?"},
};

static void what_is_meant(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[300];
		struct qlstm_error error = {0};
		json_t *request = NULL, *resolved = NULL;
		snprintf(text, sizeof text, "%s", cases[i].request);
		for (char *at = text; *at != '\0'; at++)
			*at = *at == '\'' ? '"' : *at;
		assert_int_equal(spec_load(text, strlen(text), &request, &error), 0);
		assert_true(spec_resolve(request, &resolved, &error) != 0);
		assert_string_equal(error.pointer, cases[i].pointer);
		if (strstr(error.message, cases[i].message) == NULL)
			fail_msg("%s", error.message);
		json_decref(request);
	}
}

/* The schema of the field at a way such as /data/split/train. */
static const json_t *field_at(const char *way)
{
	const json_t *schema = spec_schema();
	char copy[100], *rest = copy;
	snprintf(copy, sizeof copy, "%s", way + 1);
	for (char *key; schema != NULL && (key = strsep(&rest, "/")) != NULL;)
		schema = keyword_follow(spec_schema(), json_object_get(json_object_get(schema, "properties"), key));
	return schema;
}

static bool is_field_of_a_layer(const char *name)
{
	const json_t *layer = json_object_get(json_object_get(spec_schema(), "$defs"), "layer"), *branch;
	size_t i;
	json_array_foreach(json_object_get(layer, "oneOf"), i, branch)
	{
		if (keyword_field(keyword_follow(spec_schema(), branch), name) != NULL)
			return true;
	}
	return false;
}

/* What the table names is there, no name stands in it twice, and none hides a field that is there. */
static void the_table(void **state)
{
	(void)state;
	size_t i, k;
	json_t *row, *name, *seen = json_object();
	assert_true(json_array_size(json_object_get(spec_schema(), "x-synonyms")) > 30);
	json_array_foreach(json_object_get(spec_schema(), "x-synonyms"), i, row)
	{
		const char *means = json_string_value(json_object_get(row, "means"));
		bool says = json_is_string(json_object_get(row, "says"));
		assert_true((means != NULL) != says);
		if (means != NULL)
			assert_true(*means == '/' ? field_at(means) != NULL : is_field_of_a_layer(means));
		json_array_foreach(json_object_get(row, "names"), k, name)
		{
			assert_null(json_object_get(seen, json_string_value(name)));
			json_object_set(seen, json_string_value(name), name);
			assert_false(is_field_of_a_layer(json_string_value(name)));
		}
	}
	json_decref(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_meant), cmocka_unit_test(the_table)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
