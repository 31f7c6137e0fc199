/* A model from a spec alone: how wide it becomes, and that names which nobody wrote do not stay. */
#include "tests/unit/job_fixture.h"

#include "server/worker/spec_model.h"

#define LSTM        "\"model\":{\"layers\":[{\"type\":\"lstm\",\"hidden_size\":2}"
#define HEAD(units) LSTM ",{\"type\":\"dense\",\"units\":" #units "}]}"

static const struct {
	const char *spec;
	int asked_in, asked_out, in, out;
} widths[] = {
    {"{" LSTM "]}}", 0, 0, 1, 1},
    {"{" LSTM "]}}", 3, 2, 3, 2},
    {"{" LSTM "]}}", 1024, 1024, 1024, 1024},
    {"{\"data\":{\"task\":\"classification\",\"classes\":7,\"steps\":3}," LSTM "]}}", 2, 1, 2, 7},
    {"{\"data\":{\"task\":\"classification\",\"classes\":7}," LSTM "]}}", 2, 0, 2, 7},
    {"{\"data\":{\"task\":\"regression\",\"inputs\":[0,1,2,3],\"steps\":2}," LSTM "]}}", 2, 3, 2, 3},
    {"{" HEAD(4) "}", 0, 0, 1, 4},
    {"{" HEAD(1024) "}", 2, 0, 2, 1024},
    {"{" HEAD(4) "}", 2, 4, 2, 4},
    {"{" LSTM "]},\"data\":{\"inputs\":[\"a\",\"b\"],\"targets\":[\"c\",\"d\",\"e\"]}}", 0, 0, 2, 3},
    {"{" LSTM "]},\"data\":{\"inputs\":[\"a\",\"b\"]}}", 2, 3, 2, 3},
    {"{" LSTM "]},\"data\":{\"targets\":[\"a\",\"b\"]}}", 4, 2, 4, 2},
    {"{" LSTM "]},\"data\":{\"window\":7}}", 4, 2, 4, 2},
};

static void opened(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++) {
		struct spec_model spec_model;
		struct qlstm_error error = {0};
		must(spec_model_open(&spec_model, write_text("s", widths[k].spec), widths[k].asked_in,
		                     widths[k].asked_out, &error),
		     &error);
		const struct model_config *config = model_config(spec_model.model);
		assert_int_equal(config->n_inputs, widths[k].in);
		assert_int_equal(config->n_outputs, widths[k].out);
		assert_int_equal(spec_model.spec.model.n_inputs, widths[k].in);
		const json_t *data = at(spec_model.resolved, "data");
		bool inputs = strstr(widths[k].spec, "inputs") != NULL, targets = strstr(widths[k].spec, "targets");
		assert_int_equal(json_object_get(data, "inputs") != NULL, inputs);
		assert_int_equal(json_object_get(data, "targets") != NULL, targets);
		for (size_t i = 0; i < model_params(spec_model.model)->size; i++)
			assert_true(model_params(spec_model.model)->values[i] == 0);
		spec_model_close(&spec_model);
		assert_true(spec_model.model == NULL && spec_model.resolved == NULL);
	}
}

static const struct {
	const char *spec;
	int asked_in, asked_out, code;
	const char *pointer, *message;
} refused[] = {
    {"{" LSTM "]},\"data\":{\"inputs\":[\"a\",\"b\"]}}", 3, 0, ERR_INVALID, "",
     "3 features a time step given; /data/inputs of the spec names 2"},
    {"{" LSTM "]},\"data\":{\"targets\":[\"a\"]}}", 0, 2, ERR_INVALID, "",
     "2 targets a sample given; /data/targets of the spec names 1"},
    {"{" LSTM "]}}", 1025, 0, ERR_TOO_LARGE, "", "1025 inputs; at most 1024"},
    {"{" LSTM "]}}", 0, 1025, ERR_TOO_LARGE, "", "1025 targets; at most 1024"},
    {"{" HEAD(4) "}", 0, 3, ERR_INVALID, "/model/layers/1/units",
     "units is 4; the last layer needs 3, one for each target or class (leave units out to have them fit)"},
    {"{" HEAD(1025) "}", 0, 0, ERR_INVALID, "/model/layers/1/units",
     "units is 1025; the last layer needs 1, one for each target or class (leave units out to have them fit)"},
    {"{\"n_qubits\":26}", 0, 0, ERR_OUT_OF_RANGE, NULL, "n_qubits is 26; allowed are 1 to 25"},
    {"{,}", 0, 0, ERR_SYNTAX, "", NULL},
    {"{\"data\":3}", 0, 0, ERR_WRONG_TYPE, "/data", NULL},
};

static void refusals(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof refused / sizeof refused[0]; k++) {
		struct spec_model spec_model;
		struct qlstm_error error = {0};
		assert_int_equal(spec_model_open(&spec_model, write_text("s", refused[k].spec), refused[k].asked_in,
		                                 refused[k].asked_out, &error),
		                 refused[k].code);
		if (refused[k].pointer != NULL)
			assert_string_equal(error.pointer, refused[k].pointer);
		if (refused[k].message != NULL)
			assert_string_equal(error.message, refused[k].message);
		assert_true(spec_model.model == NULL && spec_model.resolved == NULL);
	}
	struct spec_model spec_model;
	assert_int_equal(spec_model_open(&spec_model, path_of("absent"), 0, 0, NULL), ERR_NOT_FOUND);
}

static void specs(void **state)
{
	(void)state;
	json_t *resolved = NULL;
	struct qlstm_error error = {0};
	must(spec_read(write_text("s", "{\"hidden_size\":3}"), &resolved, &error), &error);
	assert_int_equal(real_at(json_array_get(at(at(resolved, "model"), "layers"), 0), "hidden_size"), 3);
	json_decref(resolved);
	assert_int_equal(spec_read(path_of("absent"), &resolved, &error), ERR_NOT_FOUND);
	assert_int_equal(spec_read(write_text("s", "[]"), &resolved, NULL), ERR_WRONG_TYPE);
	assert_int_equal(spec_read(write_text("s", "{"), &resolved, NULL), ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(opened), cmocka_unit_test(refusals),
	                                   cmocka_unit_test(specs)};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
