/* Weights as files: the same bytes for the same values, what is read, and what is refused by name. */
#include "tests/unit/job_fixture.h"

#include "engine/export/safetensors.h"
#include "engine/qlstm.h"
#include "server/worker/weights.h"

static struct params params;
static json_t *spec;

static int open_params(void **state)
{
	params = (struct params){0};
	params_add(&params, "a", PARAM_CLASSICAL, INIT_ZERO, 0, 2, (size_t[]){2, 3});
	params_add(&params, "bias", PARAM_CLASSICAL, INIT_ZERO, 0, 1, (size_t[]){2});
	params_add(&params, "angle", PARAM_QUANTUM, INIT_ZERO, 0, 3, (size_t[]){1, 2, 1});
	spec = json_pack("{s:f}", "x", 0.1);
	return params_allocate(&params, NULL) != 0 ? -1 : make_folder(state);
}

static int close_params(void **state)
{
	params_free(&params);
	json_decref(spec);
	return drop_folder(state);
}

static void fill(void)
{
	for (size_t k = 0; k < params.size; k++)
		params.values[k] = 0.1 * (double)k - 0.35;
}

static void check_filled(void)
{
	for (size_t k = 0; k < params.size; k++)
		assert_true(params.values[k] == 0.1 * (double)k - 0.35);
}

static void clear(void)
{
	memset(params.values, 0, params.size * sizeof(double));
}

static const char *save(const char *name, const struct weights_origin *origin)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	struct qlstm_error error = {0};
	must(weights_encode(&params, origin, &bytes, &length, &error), &error);
	must(file_write_atomic(folder, name, bytes, length, &error), &error);
	free(bytes);
	return path_of(name);
}

static void round_trip(void **state)
{
	(void)state;
	const struct weights_origin origin = {
	    .resolved = spec, .seed = UINT64_C(18446744073709551615), .data_sha256 = "abc", .plan = "batch"};
	struct qlstm_error error = {0};
	fill();
	const char *path = save("w.safetensors", &origin);
	clear();
	must(weights_load(path, &params, &error), &error);
	check_filled();
	struct safetensors_file file;
	unsigned char *bytes;
	size_t length;
	assert_int_equal(file_read(path, 1 << 20, &bytes, &length, NULL), 0);
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	static const char *const keys[] = {"format",     "engine", "conventions", "plan", "isa",
	                                   "arithmetic", "seed",   "data_sha256", "spec"};
	assert_int_equal(file.n_meta, 9);
	for (int k = 0; k < 9; k++)
		assert_string_equal(file.meta[k].key, keys[k]);
	assert_string_equal(safetensors_meta_find(&file, "seed"), "18446744073709551615");
	assert_string_equal(safetensors_meta_find(&file, "data_sha256"), "abc");
	assert_string_equal(safetensors_meta_find(&file, "plan"), "batch");
	assert_string_equal(safetensors_meta_find(&file, "engine"), QLSTM_VERSION);
	json_t *read = json_loads(safetensors_meta_find(&file, "spec"), 0, NULL);
	assert_true(json_equal(read, spec));
	assert_null(strchr(safetensors_meta_find(&file, "spec"), ' '));
	json_decref(read);
	assert_int_equal(file.tensors[0].dims[0], 2);
	assert_int_equal(file.tensors[0].dims[1], 3);
	safetensors_free(&file);
	free(bytes);
	/* No data: an empty hash. */
	const struct weights_origin bare = {.resolved = spec, .seed = 1, .plan = "none"};
	path = save("bare", &bare);
	assert_int_equal(file_read(path, 1 << 20, &bytes, &length, NULL), 0);
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	assert_string_equal(safetensors_meta_find(&file, "data_sha256"), "");
	safetensors_free(&file);
	free(bytes);
}

static void json(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	must(weights_load(write_text("w.json", "{\"bias\":[0.25,0.35],\"a\":[[-0.35,-0.25,-0.15],[-0.05,0.05,0.15]],"
	                                       "\"angle\":[[[0.45],[0.55]]]}"),
	                  &params, &error),
	     &error);
	static const double expected[] = {-0.35, -0.25, -0.15, -0.05, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55};
	assert_memory_equal(params.values, expected, sizeof expected);
	/* Only a name that ends so is JSON. */
	assert_int_equal(weights_load(write_text(".json", "{}"), &params, &error), ERR_MISSING);
	error_clear(&error);
	assert_int_equal(weights_load(write_text("json", "{}"), &params, &error), ERR_CORRUPT);
	error_clear(&error);
	char *kept = getcwd(NULL, 0);
	assert_int_equal(chdir(folder), 0);
	int rc = weights_load(".json", &params, &error); /* a name of nothing but the ending is safetensors */
	assert_int_equal(chdir(kept), 0);
	free(kept);
	assert_int_equal(rc, ERR_CORRUPT);
}

#define A    "\"a\":[[1,2,3],[4,5,6]]"
#define BIAS "\"bias\":[1,2]"
#define ANG  "\"angle\":[[[1],[2]]]"

static void refusals(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		const char *message;
	} cases[] = {
	    {"[]", ERR_WRONG_TYPE, "weights in JSON are an object of nested arrays by tensor name"},
	    {"{" A "," BIAS "}", ERR_MISSING, "the weights lack 'angle' of shape [1][2][1]"},
	    {"{" A "," ANG "}", ERR_MISSING, "the weights lack 'bias' of shape [2]"},
	    {"{" A "," BIAS "," ANG ",\"biass\":[1]}", ERR_UNKNOWN_FIELD,
	     "the model has no tensor 'biass'; did you mean 'bias'?"},
	    {"{" A "," BIAS "," ANG ",\"xyzzyxyzzy\":[1]}", ERR_UNKNOWN_FIELD, "the model has no tensor 'xyzzyxyzzy'"},
	    {"{" BIAS "," ANG ",\"a\":[[1,2],[3,4],[5,6]]}", ERR_INVALID,
	     "'a' has shape [3][2]; the model needs [2][3]"},
	    {"{" BIAS "," ANG ",\"a\":[1,2,3,4,5,6]}", ERR_INVALID, "'a' has shape [6]; the model needs [2][3]"},
	    {"{" A "," ANG ",\"bias\":7}", ERR_INVALID, "'bias' has shape a number; the model needs [2]"},
	    {"{" A "," ANG ",\"bias\":[1,\"x\"]}", ERR_WRONG_TYPE, "something else where a number belongs"},
	    {"{" A "," ANG ",\"bias\":[[[[[[1]]]]]]}", ERR_INVALID,
	     "'bias' has shape [1][1][1][1][1][1]; the model needs [2]"},
	    {"{" A "," BIAS "," ANG, ERR_SYNTAX, NULL},
	};
	struct qlstm_error deep = {0};
	const char *text = "{" A "," ANG ",\"bias\":[[[[[[[1]]]]]]]}"; /* more levels than any tensor has */
	assert_int_equal(weights_load(write_text("w.json", text), &params, &deep), ERR_WRONG_TYPE);
	assert_string_equal(deep.pointer, "/bias/0/0/0/0/0/0");
	assert_string_equal(deep.message, "an array (one level too deep) where a number belongs");
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct qlstm_error error = {0};
		assert_int_equal(weights_load(write_text("w.json", cases[k].text), &params, &error), cases[k].code);
		if (cases[k].message != NULL)
			assert_string_equal(error.message, cases[k].message);
		if (cases[k].code == ERR_WRONG_TYPE && cases[k].text[0] == '{')
			assert_string_equal(error.pointer, "/bias/1");
	}
}

/* The same refusals for safetensors. */
static void refused_tensors(void **state)
{
	(void)state;
	const double zeros[6] = {0};
	const struct safetensors_tensor a = {"a", 2, {2, 3}, zeros}, bias = {"bias", 1, {2}, zeros},
	                                angle = {"angle", 3, {1, 2, 1}, zeros};
	const struct {
		struct safetensors_tensor tensors[4];
		int count, code;
		const char *message;
	} cases[] = {
	    {{a, bias}, 2, ERR_MISSING, "the weights lack 'angle' of shape [1][2][1]"},
	    {{a, bias, angle, {"extra", 1, {1}, zeros}}, 4, ERR_UNKNOWN_FIELD, "the model has no tensor 'extra'"},
	    {{{"a", 2, {3, 2}, zeros}, bias, angle}, 3, ERR_INVALID, "'a' has shape [3][2]; the model needs [2][3]"},
	    {{a, {"bias", 2, {2, 1}, zeros}, angle}, 3, ERR_INVALID, "'bias' has shape [2][1]; the model needs [2]"},
	    {{a, bias, angle}, 3, 0, ""},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct qlstm_error error = {0};
		unsigned char *bytes;
		size_t length;
		assert_int_equal(safetensors_encode(cases[k].tensors, cases[k].count, NULL, 0, &bytes, &length, NULL),
		                 0);
		assert_int_equal(file_write_atomic(folder, "w", bytes, length, NULL), 0);
		free(bytes);
		fill();
		assert_int_equal(weights_load(path_of("w"), &params, &error), cases[k].code);
		assert_string_equal(error.message, cases[k].message);
	}
	for (size_t k = 0; k < params.size; k++)
		assert_true(params.values[k] == 0);
	assert_int_equal(weights_load(path_of("absent"), &params, NULL), ERR_NOT_FOUND);
}

#define WITH_PARAMS(test) cmocka_unit_test_setup_teardown(test, open_params, close_params)

int main(void)
{
	const struct CMUnitTest tests[] = {WITH_PARAMS(round_trip), WITH_PARAMS(json), WITH_PARAMS(refusals),
	                                   WITH_PARAMS(refused_tensors)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
