/* What travels to a predictor: inputs from text to numbers, and the socket between the two sides. */
#include "tests/unit/job_fixture.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/common/clock.h"
#include "server/common/predict_inputs.h"
#include "server/common/predict_wire.h"

/* --- inputs --- */

static void assert_refused(int rc, int code, const char *pointer, const char *words, const struct qlstm_error *error)
{
	assert_int_equal(rc, code);
	assert_string_equal(error->pointer, pointer);
	if (strstr(error->message, words) == NULL)
		fail_msg("'%s' without '%s'", error->message, words);
}

static void json_in_order(void **state)
{
	(void)state;
	struct predict_inputs inputs;
	const char *text = "{\"inputs\": [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, -12.5]]]}";
	static const double values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -12.5};
	assert_int_equal(predict_inputs_json(text, strlen(text), 2, &inputs, NULL), 0);
	assert_int_equal(inputs.samples, 2);
	assert_int_equal(inputs.steps, 3);
	assert_int_equal(inputs.features, 2);
	assert_memory_equal(inputs.values, values, sizeof values);
	predict_inputs_free(&inputs);
	assert_null(inputs.values);
}

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
		int rc = predict_inputs_json(cases[i].text, strlen(cases[i].text), 1, &inputs, &error);
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
	assert_int_equal(predict_inputs_csv(named, strlen(named), spec, &inputs, NULL), 0);
	assert_int_equal(inputs.samples, 2);
	assert_int_equal(inputs.steps, 2);
	assert_int_equal(inputs.features, 2);
	assert_memory_equal(inputs.values, values, sizeof values);
	predict_inputs_free(&inputs);
	assert_int_equal(predict_inputs_csv(bare, strlen(bare), spec, &inputs, NULL), 0); /* in their order */
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
		int rc = predict_inputs_csv(cases[i].text, strlen(cases[i].text), spec, &inputs, &error);
		assert_refused(rc, cases[i].code, "", cases[i].words, &error);
		assert_null(inputs.values);
	}
	json_decref(spec);
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
	    cmocka_unit_test(json_in_order),        cmocka_unit_test(json_refused),    cmocka_unit_test(csv_windows),
	    cmocka_unit_test(csv_refused),          WIRE(large_messages_arrive_whole), WIRE(the_other_side_is_gone),
	    WIRE(nothing_comes_until_the_deadline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
