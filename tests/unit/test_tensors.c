/* Nested JSON arrays: shapes, strides, what is refused and where. */
#include "tests/unit/job_fixture.h"

#include "server/common/tensors.h"

static json_t *parsed(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(json);
	return json;
}

static void shapes(void **state)
{
	(void)state;
	size_t dims[TENSOR_MAX_RANK] = {0};
	json_t *json = parsed("[[[1, 2.5], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]");
	assert_int_equal(tensor_shape(json, 3, "", dims, NULL), 0);
	assert_int_equal(dims[0], 2);
	assert_int_equal(dims[1], 3);
	assert_int_equal(dims[2], 2);
	/* [2][3][2] into [3][2][2 innermost], as the engine has a batch; and back. */
	const size_t strides[] = {1, 4, 2};
	static const double turned[] = {1, 7, 2.5, 8, 3, 9, 4, 10, 5, 11, 6, 12};
	double values[12] = {0};
	tensor_fill(json, 3, strides, values);
	assert_memory_equal(values, turned, sizeof turned);
	json_t *back = tensor_json(3, dims, strides, values);
	char *left = json_dumps(back, JSON_REAL_PRECISION(17));
	assert_string_equal(left, "[[[1.0, 2.5], [3.0, 4.0], [5.0, 6.0]], [[7.0, 8.0], [9.0, 10.0], [11.0, 12.0]]]");
	free(left);
	json_decref(back);
	json_decref(json);
	json = parsed("7");
	assert_int_equal(tensor_shape(json, 0, "", dims, NULL), 0);
	tensor_fill(json, 0, NULL, values);
	assert_true(values[0] == 7);
	json_decref(json);
	json = tensor_json(0, NULL, NULL, &(double){0.25});
	assert_true(json_real_value(json) == 0.25);
	json_decref(json);
	json = tensor_json(1, (size_t[]){2}, (size_t[]){1}, (double[]){(double)NAN, 1});
	assert_true(json_is_null(json_array_get(json, 0)));
	json_decref(json);
}

static void strides(void **state)
{
	(void)state;
	size_t found[4];
	tensor_strides(4, (size_t[]){2, 3, 5, 7}, found);
	assert_int_equal(found[0], 105);
	assert_int_equal(found[1], 35);
	assert_int_equal(found[2], 7);
	assert_int_equal(found[3], 1);
	char text[64];
	tensor_print_shape(3, (size_t[]){4, 2, 3}, text, sizeof text);
	assert_string_equal(text, "[4][2][3]");
	tensor_print_shape(0, NULL, text, sizeof text);
	assert_string_equal(text, "a number");
	tensor_print_shape(2, (size_t[]){1000, 2000}, text, 8);
	assert_string_equal(text, "[1000][");
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int rank, code;
		const char *pointer, *message;
	} cases[] = {
	    {"[1, \"a\"]", 1, ERR_WRONG_TYPE, "/x/1", "something else where a number belongs"},
	    {"[1, null]", 1, ERR_WRONG_TYPE, "/x/1", "something else where a number belongs"},
	    {"[[1]]", 1, ERR_WRONG_TYPE, "/x/0", "an array (one level too deep) where a number belongs"},
	    {"1", 1, ERR_WRONG_TYPE, "/x", "an array of 1 level belongs here"},
	    {"1", 2, ERR_WRONG_TYPE, "/x", "an array of 2 levels belongs here"},
	    {"[1, 2]", 2, ERR_WRONG_TYPE, "/x/0", "an array of 1 level belongs here"},
	    {"[[1], 2]", 2, ERR_WRONG_TYPE, "/x/1", "an array of 1 level belongs here"},
	    {"[]", 1, ERR_INVALID, "/x", "an empty array"},
	    {"[[], []]", 2, ERR_INVALID, "/x/0", "an empty array"},
	    {"[[1, 2], [3]]", 2, ERR_INVALID, "/x/1", "1 entries here; the first array of this level has 2"},
	    {"[[1], [3, 4]]", 2, ERR_INVALID, "/x/1", "2 entries here; the first array of this level has 1"},
	    {"[[[1], [2]], [[3], [\"b\"]]]", 3, ERR_WRONG_TYPE, "/x/1/1/0", "something else where a number belongs"},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		size_t dims[TENSOR_MAX_RANK] = {0};
		struct qlstm_error error = {0};
		json_t *json = parsed(cases[k].text);
		assert_int_equal(tensor_shape(json, cases[k].rank, "/x", dims, &error), cases[k].code);
		assert_string_equal(error.pointer, cases[k].pointer);
		assert_string_equal(error.message, cases[k].message);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(strides),
	                                   cmocka_unit_test(refusals)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
