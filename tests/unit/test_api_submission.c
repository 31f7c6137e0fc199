/* From the body of a POST to what is queued, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "server/api/submission.h"
#include "tests/unit/api_fixture.h"

static int make(const char *text, struct submission *out, struct qlstm_error *error)
{
	*error = (struct qlstm_error){0};
	return submission_make(&api, &everybody, text, strlen(text), out, error);
}

static void test_what_a_submission_holds(void **state)
{
	(void)state;
	struct submission made;
	struct qlstm_error error;
	upload(UPLOAD, "wave", COLUMNS);
	assert_int_equal(make("{\"name\":\"mine\",\"project\":\"p\",\"tags\":[\"a\"],\"hidden_size\":3,\"n_qubits\":3,"
	                      "\"data\":{\"dataset\":\"wave\",\"window\":4,\"split\":{\"train\":0.5}},"
	                      "\"training\":{\"epochs\":7},\"limits\":{\"max_attempts\":2,\"max_seconds\":900}}",
	                      &made, &error),
	                 0);
	assert_string_equal(submission_name(&made), "mine");
	assert_string_equal(submission_project(&made), "p");
	assert_string_equal(made.tags_json, "[\"a\"]");
	assert_string_equal(made.dataset_id, UPLOAD);
	assert_int_equal(made.epochs, 7);
	assert_int_equal(made.max_attempts, 2);
	assert_true(made.max_seconds == 900.0);
	json_t *data = json_object_get(made.spec, "data");
	assert_string_equal(json_string_value(json_object_get(data, "dataset")), UPLOAD);
	assert_string_equal(json_string_value(json_array_get(json_object_get(data, "inputs"), 0)), "value");
	assert_string_equal(json_string_value(json_object_get(made.data, "dataset")), "wave");
	assert_int_equal(integer_at(made.data, "rows"), 30);
	assert_int_equal(integer_at(made.data, "train"), 12);
	assert_int_equal(integer_at(made.data, "test"), 13);
	assert_true(integer_at(made.model, "quantum") > 0 && integer_at(made.model, "classical") > 0);
	assert_int_equal(integer_at(made.model, "parameters"),
	                 integer_at(made.model, "quantum") + integer_at(made.model, "classical"));
	assert_true(json_real_value(json_object_get(made.engine, "estimated_seconds")) > 0.0);
	const struct {
		const char *text;
		json_t *value;
	} texts[] = {{made.spec_json, made.spec},
	             {made.model_json, made.model},
	             {made.data_json, made.data},
	             {made.engine_json, made.engine}};
	for (size_t i = 0; i < 4; i++) {
		json_t *read = json_loads(texts[i].text, 0, NULL);
		assert_true(json_equal(read, texts[i].value));
		json_decref(read);
	}
	submission_free(&made);
	assert_null(made.spec);

	assert_int_equal(make("{}", &made, &error), 0);
	assert_string_equal(submission_name(&made), "");
	assert_string_equal(submission_project(&made), "default");
	assert_string_equal(made.dataset_id, "");
	assert_string_equal(made.tags_json, "[]");
	submission_free(&made);
}

static void assert_refused(const char *text, int code, const char *pointer, const char *words)
{
	struct submission made;
	struct qlstm_error error;
	int rc = make(text, &made, &error);
	if (rc != code || strcmp(error.pointer, pointer) != 0 || strstr(error.message, words) == NULL)
		fail_msg("%s: %d %s %s", text, rc, error.pointer, error.message);
	assert_null(made.spec);
	assert_null(made.spec_json);
}

/* A circuit on as many wires as inputs; only the data set says that there are three. */
#define INPUTS_OF_THE_DATA(wires)                                                                                      \
	"{\"data\":{\"dataset\":\"four\",\"task\":\"regression\",\"targets\":[\"d\"],\"steps\":1},\"model\":{"         \
	"\"layers\":[{\"type\":\"quantum\",\"n_qubits\":" #wires "},{\"type\":\"lstm\"}]}}"

static void test_submissions_that_are_refused(void **state)
{
	(void)state;
	struct submission made;
	struct qlstm_error error;
	upload(UPLOAD, "wave", COLUMNS);
	upload("01ARZ3NDEKTSV4RRFFQ69G5FAW", "odd", "[{\"numeric\":true}]");
	assert_refused("{", ERR_SYNTAX, "", "line 1");
	assert_refused("{\"data\":{\"dataset\":\"nobody\"}}", ERR_NOT_FOUND, "/data/dataset", "'nobody'");
	assert_refused("{\"data\":{\"dataset\":\"wave\",\"inputs\":[\"t\"]}}", ERR_INVALID, "/data/inputs/0",
	               "column 't' is not numeric: line 2 holds 'x'");
	assert_refused("{\"data\":{\"dataset\":\"wave\",\"window\":29}}", ERR_INVALID, "/data/window", "30");
	upload("01ARZ3NDEKTSV4RRFFQ69G5FAX", "four",
	       "[{\"name\":\"a\",\"numeric\":true},{\"name\":\"b\",\"numeric\":true},"
	       "{\"name\":\"c\",\"numeric\":true},{\"name\":\"d\",\"numeric\":true}]");
	assert_refused(INPUTS_OF_THE_DATA(1), ERR_INVALID, "/model/layers/0/n_qubits", "3 come in");
	assert_int_equal(make(INPUTS_OF_THE_DATA(3), &made, &error), 0);
	submission_free(&made);
	assert_refused("{\"data\":{\"dataset\":\"odd\"}}", ERR_CORRUPT, "", "the columns of data set 'odd'");
	api.max_memory = 1 << 20;
	assert_refused("{\"model\":{\"type\":\"lstm\",\"hidden_size\":1000}}", ERR_TOO_LARGE, "/training/batch_size",
	               "1 MiB");
	assert_says("POST", "/experiments", "", "{\"model\":{\"type\":\"lstm\",\"hidden_size\":1000}}", 422,
	            "too_large");
	assert_says("POST", "/experiments", "", "{\"data\":{\"dataset\":\"nobody\"}}", 422, "not_found");
	assert_says("POST", "/experiments", "", "", 400, "syntax");
	assert_says("POST", "/experiments", "", "{\"data\":{\"dataset\":\"odd\"}}", 500, "/problems/corrupt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_a_submission_holds),
	    TEST(test_submissions_that_are_refused),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
