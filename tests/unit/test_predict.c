/* What travels to a predictor: inputs from text to numbers, and the socket between the two sides. */
#include "tests/unit/job_fixture.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/data/csv.h"
#include "server/common/classes.h"
#include "server/common/clock.h"
#include "server/common/predict/predict_inputs.h"
#include "server/common/predict/predict_outputs.h"
#include "server/common/predict/predict_wire.h"

/* --- inputs --- */

static void assert_refused(int rc, int code, const char *pointer, const char *words, const struct qlstm_error *error)
{
	assert_int_equal(rc, code);
	assert_string_equal(error->pointer, pointer);
	if (strstr(error->message, words) == NULL)
		fail_msg("'%s' without '%s'", error->message, words);
}

/* Names are "a", "b", ...; a forecasting. */
static json_t *spec_of(int columns)
{
	return json_pack("{s:{s:o, s:i}}", "data", "inputs",
	                 columns == 1 ? json_pack("[s]", "a") : json_pack("[s,s]", "a", "b"), "window", 3);
}

/* Four columns in steps of two, all in the order of the file but for the first two. */
static json_t *spec_of_rows(const char *task)
{
	return json_pack("{s:{s:s, s:[s,s,s,s], s:[s], s:i}}", "data", "task", task, "inputs", "b", "a", "c", "d",
	                 "targets", "kind", "steps", 2);
}

static int read_json(const char *text, json_t *spec, struct predict_inputs *inputs, struct qlstm_error *error)
{
	int rc = predict_inputs_json(text, strlen(text), spec, inputs, error);
	json_decref(spec);
	return rc;
}

static int read_csv(const char *text, const json_t *spec, struct predict_inputs *inputs, struct qlstm_error *error)
{
	struct table table = {0};
	const struct csv_options rows = {.rules = CSV_LENIENT};
	assert_int_equal(csv_read(text, strlen(text), &rows, VALUES_ALL, &table, NULL), 0);
	int rc = predict_inputs_table(&table, spec, inputs, error);
	table_free(&table);
	return rc;
}

static void json_in_order(void **state)
{
	(void)state;
	struct predict_inputs inputs;
	const char *text = "{\"inputs\": [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, -12.5]]]}";
	static const double values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -12.5};
	assert_int_equal(read_json(text, spec_of(2), &inputs, NULL), 0);
	assert_int_equal(inputs.samples, 2);
	assert_int_equal(inputs.steps, 3);
	assert_int_equal(inputs.features, 2);
	assert_memory_equal(inputs.values, values, sizeof values);
	predict_inputs_free(&inputs);
	assert_null(inputs.values);
}

/* 16 and 13 letters of two bytes: behind one byte, a cut at 60 bytes would split a letter. */
#define UMLAUTS "\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"
#define CUT     "\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"

static void json_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		const char *pointer, *words;
	} cases[] = {
	    {"{", ERR_SYNTAX, "", "line 1"},
	    {"[]", ERR_WRONG_TYPE, "", "an object"},
	    {"{}", ERR_MISSING, "/inputs", "missing"},
	    {"{\"inputs\": [[[1]]], \"more\": 1}", ERR_UNKNOWN_FIELD, "/more", "'more'"},
	    {"{\"inputs\": [[[1]]], \"a/b~c\": 1}", ERR_UNKNOWN_FIELD, "/a~1b~0c", "'a/b~c'"},
	    {"{\"inputs\": [[[1]]], \"x" UMLAUTS UMLAUTS "\": 1}", ERR_UNKNOWN_FIELD, "/x" UMLAUTS UMLAUTS,
	     "'x" UMLAUTS CUT "'"},
	    {"{\"inputs\": [[[1, 2]]]}", ERR_INVALID, "/inputs/0/0", "2 features a time step; the model takes 1"},
	    {"{\"inputs\": [[[1]], [[1], [2]]]}", ERR_INVALID, "/inputs/1", "2 entries"},
	    {"{\"inputs\": [[[1]], [[\"NaN\"]]]}", ERR_WRONG_TYPE, "/inputs/1/0/0", "number"},
	    {"{\"inputs\": []}", ERR_INVALID, "/inputs", "empty"},
	    {"{\"inputs\": [[]]}", ERR_INVALID, "/inputs/0", "empty"},
	    {"{\"inputs\": [[[]]]}", ERR_INVALID, "/inputs/0/0", "empty"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct predict_inputs inputs;
		struct qlstm_error error = {0};
		int rc = read_json(cases[i].text, spec_of(1), &inputs, &error);
		assert_refused(rc, cases[i].code, cases[i].pointer, cases[i].words, &error);
		assert_null(inputs.values);
	}
}

static json_t *resolved(void)
{
	return json_pack("{s:{s:[s,s], s:i}}", "data", "inputs", "b", "a", "window", 2);
}

/* Columns by name, in the spec's order; each window begins a row later. */
static void csv_windows(void **state)
{
	(void)state;
	json_t *spec = resolved();
	struct predict_inputs inputs;
	static const double values[] = {10, 1, 20, 2, 20, 2, 30, 3};
	const char *named = "a,other,b\n1,x,10\n2,y,20\n3,z,30\n", *bare = "10,1\n20,2\n30,3\n";
	assert_int_equal(read_csv(named, spec, &inputs, NULL), 0);
	assert_int_equal(inputs.samples, 2);
	assert_int_equal(inputs.steps, 2);
	assert_int_equal(inputs.features, 2);
	assert_memory_equal(inputs.values, values, sizeof values);
	predict_inputs_free(&inputs);
	assert_int_equal(read_csv(bare, spec, &inputs, NULL), 0); /* in their order */
	assert_memory_equal(inputs.values, values, sizeof values);
	predict_inputs_free(&inputs);
	json_decref(spec);
}

static void csv_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		const char *words;
	} cases[] = {
	    {"a,c\n1,2\n3,4\n", ERR_MISSING, "no column 'b'"},
	    {"1\n2\n3\n", ERR_MISSING, "no column 'a'"},
	    {"a,b\n1,2\n3,x\n", ERR_WRONG_TYPE, "line 3, column 2 ('b'): 'x' is not a number"},
	    {"a,b\n1,2\n", ERR_INVALID, "1 rows; a window takes 2"},
	};
	json_t *spec = resolved();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct predict_inputs inputs;
		struct qlstm_error error = {0};
		int rc = read_csv(cases[i].text, spec, &inputs, &error);
		assert_refused(rc, cases[i].code, "", cases[i].words, &error);
		assert_null(inputs.values);
	}
	json_decref(spec);
}

/* Each row is a sample; its columns, in the spec's order, are cut into steps. */
static void rows_are_samples(void **state)
{
	(void)state;
	json_t *spec = spec_of_rows("regression");
	struct predict_inputs inputs;
	static const double values[] = {2, 1, 3, 4, 6, 5, 7, 8};
	const char *text = "a,b,c,d,kind\n1,2,3,4,x\n5,6,7,8,y\n";
	assert_int_equal(read_csv(text, spec, &inputs, NULL), 0);
	assert_int_equal(inputs.samples, 2);
	assert_int_equal(inputs.steps, 2);
	assert_int_equal(inputs.features, 2);
	assert_memory_equal(inputs.values, values, sizeof values);
	predict_inputs_free(&inputs);
	assert_int_equal(read_json("{\"inputs\": [[[2, 1], [3, 4]]]}", json_incref(spec), &inputs, NULL), 0);
	assert_memory_equal(inputs.values, values, sizeof values / 2);
	predict_inputs_free(&inputs);
	json_decref(spec);
}

static void rows_of_another_shape(void **state)
{
	(void)state;
	static const struct {
		const char *text, *pointer, *words;
	} cases[] = {
	    {"{\"inputs\": [[[1, 2]]]}", "/inputs/0", "1 time steps a sample; the model takes 2"},
	    {"{\"inputs\": [[[1, 2], [1, 2], [1, 2]]]}", "/inputs/0", "3 time steps a sample; the model takes 2"},
	    {"{\"inputs\": [[[1], [2]]]}", "/inputs/0/0", "1 features a time step; the model takes 2"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct predict_inputs inputs;
		struct qlstm_error error = {0};
		int rc = read_json(cases[i].text, spec_of_rows("classification"), &inputs, &error);
		assert_refused(rc, ERR_INVALID, cases[i].pointer, cases[i].words, &error);
	}
}

/* A file without names: by "column_0", ... where the spec has these, else in their order. */
static void files_without_names(void **state)
{
	(void)state;
	json_t *spec = json_pack("{s:{s:s, s:[s,s], s:i}}", "data", "task", "regression", "inputs", "column_1",
	                         "column_2", "steps", 1);
	struct predict_inputs inputs;
	static const double values[] = {20, 30};
	assert_int_equal(read_csv("10,20,30\n", spec, &inputs, NULL), 0); /* the target is there too, in front */
	assert_memory_equal(inputs.values, values, sizeof values);
	predict_inputs_free(&inputs);
	assert_int_equal(read_csv("20,30\n", spec, &inputs, NULL), 0);
	assert_memory_equal(inputs.values, values, sizeof values);
	predict_inputs_free(&inputs);
	json_decref(spec);
}

/* --- outputs --- */

static void probabilities_of_classes(void **state)
{
	(void)state;
	double values[] = {1000, 1000 + log(3), -1000};
	classes_softmax(values, 3);
	assert_relative(values[0], 0.25, 1e-12);
	assert_relative(values[1], 0.75, 1e-12);
	assert_true(values[2] == 0);
	assert_int_equal(classes_likeliest(values, 3), 1);
	assert_int_equal(classes_likeliest((const double[]){0.5, 0.5}, 2), 0); /* of equal ones the first */
}

static void assert_outputs(json_t *spec, const char *expected)
{
	static const double values[] = {0.25, 0.75, 0.5, 0.5};
	json_t *json = predict_outputs_json(spec, values, 2, 2);
	char *text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
	json_decref(spec);
}

static void outputs_as_json(void **state)
{
	(void)state;
	assert_outputs(json_pack("{s:{s:[s,s]}}", "data", "targets", "a", "b"),
	               "{\"targets\":[\"a\",\"b\"],\"outputs\":[[0.25,0.75],[0.5,0.5]]}");
	assert_outputs(spec_of_rows("classification"),
	               "{\"targets\":[\"kind\"],\"outputs\":[[1],[0]],\"classes\":[0,1],"
	               "\"probabilities\":[[0.25,0.75],[0.5,0.5]]}");
}

/* --- the wire --- */

enum { LARGE = 1 << 22 }; /* bytes; more than a socket holds */

static int pair[2];

static int open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state)
{
	(void)state;
	close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	return 0;
}

static void *write_large(void *bytes)
{
	return (void *)(intptr_t)wire_write(pair[1], bytes, LARGE, 0, NULL);
}

static void large_messages_arrive_whole(void **state)
{
	(void)state;
	unsigned char *sent = malloc(LARGE), *got = calloc(1, LARGE);
	pthread_t writer;
	void *rc;
	assert_true(sent != NULL && got != NULL);
	for (size_t i = 0; i < LARGE; i++)
		sent[i] = (unsigned char)(i % 251);
	assert_int_equal(pthread_create(&writer, NULL, write_large, sent), 0);
	assert_int_equal(wire_read(pair[0], got, LARGE, 0, NULL), 0);
	pthread_join(writer, &rc);
	assert_null(rc);
	assert_memory_equal(sent, got, LARGE);
	free(sent);
	free(got);
}

/* The other side dies with half of an answer sent, or before it has read the question: an error, and no SIGPIPE. */
static void the_other_side_is_gone(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	char bytes[64] = "half";
	assert_int_equal(wire_write(pair[1], bytes, 32, 0, NULL), 0);
	close(pair[1]);
	pair[1] = -1;
	assert_int_equal(wire_read(pair[0], bytes, sizeof bytes, 0, &error), ERR_IO);
	assert_int_equal(wire_write(pair[0], bytes, sizeof bytes, 0, &error), ERR_IO);
}

static void nothing_comes_until_the_deadline(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	char byte;
	unsigned char *bytes = calloc(1, LARGE);
	assert_non_null(bytes);
	assert_int_equal(wire_read(pair[0], &byte, 1, clock_monotonic() + 0.05, &error), ERR_UNAVAILABLE);
	assert_int_equal(wire_write(pair[0], bytes, LARGE, clock_monotonic() + 0.05, &error), ERR_UNAVAILABLE);
	assert_int_equal(wire_read(pair[0], &byte, 1, clock_monotonic() - 1, &error), ERR_UNAVAILABLE);
	free(bytes);
}

#define WIRE(function) cmocka_unit_test_setup_teardown(function, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_in_order),
	    cmocka_unit_test(json_refused),
	    cmocka_unit_test(csv_windows),
	    cmocka_unit_test(rows_are_samples),
	    cmocka_unit_test(rows_of_another_shape),
	    cmocka_unit_test(files_without_names),
	    cmocka_unit_test(probabilities_of_classes),
	    cmocka_unit_test(outputs_as_json),
	    cmocka_unit_test(csv_refused),
	    WIRE(large_messages_arrive_whole),
	    WIRE(the_other_side_is_gone),
	    WIRE(nothing_comes_until_the_deadline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
