/* From the body of a POST to what is queued, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "schema/spec.h"
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
	assert_string_equal(made.found.dataset_id, UPLOAD);
	assert_int_equal(made.found.epochs, 7);
	assert_int_equal(made.found.max_attempts, 2);
	assert_true(made.found.max_seconds == 900.0);
	json_t *spec = json_loads(made.spec_json, 0, NULL), *of_data = json_loads(made.found.data_json, 0, NULL);
	json_t *model = json_loads(made.found.model_json, 0, NULL);
	json_t *engine = json_loads(made.found.engine_json, 0, NULL), *data = json_object_get(spec, "data");
	assert_string_equal(json_string_value(json_object_get(data, "dataset")), UPLOAD);
	assert_string_equal(json_string_value(json_array_get(json_object_get(data, "inputs"), 0)), "value");
	assert_string_equal(json_string_value(json_object_get(of_data, "dataset")), "wave");
	assert_int_equal(integer_at(of_data, "rows"), 30);
	assert_int_equal(integer_at(of_data, "train"), 12);
	assert_int_equal(integer_at(of_data, "test"), 13);
	assert_true(integer_at(model, "quantum") > 0 && integer_at(model, "classical") > 0);
	assert_int_equal(integer_at(model, "parameters"),
	                 integer_at(model, "quantum") + integer_at(model, "classical"));
	assert_true(json_real_value(json_object_get(engine, "estimated_seconds")) > 0.0);
	json_decref(engine);
	json_decref(model);
	json_decref(of_data);
	json_decref(spec);
	submission_free(&made);
	assert_null(made.spec_json);

	assert_int_equal(make("{}", &made, &error), 0);
	assert_string_equal(submission_name(&made), "");
	assert_string_equal(submission_project(&made), "default");
	assert_string_equal(made.found.dataset_id, "");
	assert_string_equal(made.tags_json, "[]");
	submission_free(&made);
}

/* The spec that is stored is what the schema makes of the request, whoever wrote it down. */
static void assert_spec(const struct submission *made, const char *text)
{
	json_t *request = NULL, *resolved = NULL, *stored = json_loads(made->spec_json, 0, NULL);
	assert_int_equal(spec_load(text, strlen(text), &request, NULL), 0);
	assert_int_equal(spec_resolve(request, &resolved, NULL), 0);
	json_object_set(json_object_get(resolved, "data"), "inputs",
	                json_object_get(json_object_get(stored, "data"), "inputs"));
	json_object_set(json_object_get(resolved, "data"), "targets",
	                json_object_get(json_object_get(stored, "data"), "targets"));
	char *one = json_dumps(resolved, JSON_SORT_KEYS), *other = json_dumps(stored, JSON_SORT_KEYS);
	assert_string_equal(one, other);
	free(other);
	free(one);
	json_decref(stored);
	json_decref(resolved);
	json_decref(request);
}

/* What would be refused now was found good before: that tells that it was not assessed again. */
static void test_the_same_under_another_name(void **state)
{
	(void)state;
	struct submission first, made;
	struct qlstm_error error;
	const char *renamed =
	    "{\"tags\":[\"b\",\"c\"],\"hidden_size\":3,\"n_qubits\":3,\"name\":\"two\",\"notes\":\"n\"}";
	assert_int_equal(make("{\"name\":\"one\",\"hidden_size\":3,\"n_qubits\":3,\"project\":\"p\"}", &first, &error),
	                 0);
	size_t memory = api.max_memory;
	api.max_memory = 1;
	assert_int_equal(make(renamed, &made, &error), 0);
	assert_string_equal(submission_name(&made), "two");
	assert_string_equal(submission_project(&made), "default");
	assert_string_equal(submission_notes(&made), "n");
	assert_string_equal(made.tags_json, "[\"b\",\"c\"]");
	assert_string_equal(made.found.model_json, first.found.model_json);
	assert_string_equal(made.found.data_json, first.found.data_json);
	assert_string_equal(made.found.engine_json, first.found.engine_json);
	assert_int_equal(made.found.epochs, first.found.epochs);
	assert_spec(&first, "{\"name\":\"one\",\"hidden_size\":3,\"n_qubits\":3,\"project\":\"p\"}");
	assert_spec(&made, renamed);
	submission_free(&made);
	submission_free(&first);
	/* Anything else that is said is another spec. */
	assert_int_equal(make("{\"hidden_size\":3,\"n_qubits\":3,\"priority\":1}", &made, &error), ERR_TOO_LARGE);
	assert_int_equal(make("{\"hidden_size\":3,\"n_qubits\":2}", &made, &error), ERR_TOO_LARGE);
	assert_int_equal(make("{\"hidden_size\":3,\"n_qubits\":3,\"training\":{\"seed\":2}}", &made, &error),
	                 ERR_TOO_LARGE);
	api.max_memory = memory;
}

static int remove_dataset(struct db *db, void *argument, struct qlstm_error *error)
{
	bool last;
	return dataset_delete(db, argument, &last, error);
}

static void test_what_is_looked_at_each_time(void **state)
{
	(void)state;
	struct submission made;
	struct qlstm_error error;
	char second[] = "01ARZ3NDEKTSV4RRFFQ69G5FAW";
	const char *on_wave = "{\"hidden_size\":2,\"n_qubits\":2,\"data\":{\"dataset\":\"wave\"}}";
	const struct viewer stranger = {.owner = "nobody"};
	upload(UPLOAD, "wave", COLUMNS);
	assert_int_equal(make(on_wave, &made, &error), 0);
	submission_free(&made);
	/* who asks */
	assert_int_equal(submission_make(&api, &stranger, on_wave, strlen(on_wave), &made, &error), ERR_NOT_FOUND);
	/* what the name means */
	assert_int_equal(store_write(store, remove_dataset, (char[]){UPLOAD}, NULL), 0);
	assert_int_equal(make(on_wave, &made, &error), ERR_NOT_FOUND);
	assert_string_equal(error.pointer, "/data/dataset");
	upload(second, "wave", COLUMNS);
	assert_int_equal(make(on_wave, &made, &error), 0);
	assert_string_equal(made.found.dataset_id, second);
	assert_non_null(strstr(made.spec_json, second));
	submission_free(&made);
	/* what is said for people */
	const struct {
		const char *text, *pointer;
		int code;
	} wrong[] = {{"{\"hidden_size\":2,\"n_qubits\":2,\"name\":3}", "/name", ERR_WRONG_TYPE},
	             {"{\"hidden_size\":2,\"n_qubits\":2,\"tags\":[\"a\",\"\"]}", "/tags/1", ERR_OUT_OF_RANGE},
	             {"{\"hidden_size\":2,\"n_qubits\":2,\"project\":\"\"}", "/project", ERR_OUT_OF_RANGE},
	             {"{\"hidden_size\":2,\"n_qubits\":2,\"notes\":null}", "/notes", ERR_WRONG_TYPE}};
	assert_int_equal(make("{\"hidden_size\":2,\"n_qubits\":2}", &made, &error), 0);
	submission_free(&made);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_int_equal(make(wrong[i].text, &made, &error), wrong[i].code);
		assert_string_equal(error.pointer, wrong[i].pointer);
	}
	/* whose weights it starts from */
	assert_int_equal(make("{\"hidden_size\":2,\"n_qubits\":2,\"init_from\":\"nothing\"}", &made, &error),
	                 ERR_NOT_FOUND);
}

static void assert_refused(const char *text, int code, const char *pointer, const char *words)
{
	struct submission made;
	struct qlstm_error error;
	int rc = make(text, &made, &error);
	if (rc != code || strcmp(error.pointer, pointer) != 0 || strstr(error.message, words) == NULL)
		fail_msg("%s: %d %s %s", text, rc, error.pointer, error.message);
	assert_null(made.captions);
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
	    TEST(test_the_same_under_another_name),
	    TEST(test_what_is_looked_at_each_time),
	    TEST(test_submissions_that_are_refused),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
