/* What the API is made of: cursors, an experiment as JSON, YAML as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "schema/embed.h"
#include "server/api/parts/cursor.h"
#include "server/api/resource.h"
#include "server/api/parts/yaml_json.h"

#define ID "01ARZ3NDEKTSV4RRFFQ69G5FAV"

/* --- cursors --- */

static void test_cursors_come_back(void **state)
{
	(void)state;
	char cursor[CURSOR_SIZE], id[RUN_ID_SIZE];
	cursor_encode(ID, cursor);
	assert_int_equal(strlen(cursor), 35); /* 26 bytes in base64 */
	assert_int_equal(strspn(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 35);
	assert_int_equal(cursor_decode(cursor, id, NULL), 0);
	assert_string_equal(id, ID);
	cursor_encode("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", cursor);
	assert_int_equal(cursor_decode(cursor, id, NULL), 0);
	assert_string_equal(id, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
}

static void assert_no_cursor(const char *text)
{
	struct qlstm_error error = {0};
	char id[RUN_ID_SIZE];
	if (cursor_decode(text, id, &error) != ERR_INVALID)
		fail_msg("%s is taken for %s", text, id);
	assert_string_equal(error.message, "the cursor is not one that a list gave out");
}

static void test_other_cursors_are_refused(void **state)
{
	(void)state;
	char cursor[CURSOR_SIZE], longer[CURSOR_SIZE + 1];
	cursor_encode(ID, cursor);
	snprintf(longer, sizeof longer, "%sA", cursor);
	assert_no_cursor(longer);
	snprintf(longer, sizeof longer, "%s=", cursor);
	assert_no_cursor(longer);
	snprintf(longer, sizeof longer, "%s ", cursor);
	assert_no_cursor(longer);
	snprintf(longer, sizeof longer, "%.34s", cursor);
	assert_no_cursor(longer);
	assert_no_cursor("");
	assert_no_cursor("x");
	assert_no_cursor(ID);
	assert_no_cursor("!!!!");
	sodium_bin2base64(cursor, sizeof cursor, (const unsigned char *)"01ARZ3NDEKTSV4RRFFQ69G5FAU", 26,
	                  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	assert_no_cursor(cursor); /* U is no letter of an id */
}

/* --- an experiment --- */

static struct experiment_row row_of(char *status)
{
	return (struct experiment_row){.id = (char *)ID,
	                               .status = status,
	                               .spec_json = (char *)"{\"seed\":7}",
	                               .model_json = (char *)"{\"parameters\":5}",
	                               .data_json = (char *)"{\"rows\":6}",
	                               .engine_json = (char *)"{\"estimated_seconds\":42.5}",
	                               .attempt = 2,
	                               .epochs = 10,
	                               .version = 3,
	                               .created_at = 1000000,
	                               .metrics_json = (char *)"{}",
	                               .best_test_loss = NAN,
	                               .train_seconds = NAN};
}

/* The value at a path of names; JSON text, the caller's. */
static void assert_at(const struct experiment_row *row, const char *path, const char *expected)
{
	struct text out = {0};
	resource_write(row, &out);
	json_t *whole = json_loadb(out.bytes, out.length, 0, NULL), *here = whole;
	free(out.bytes);
	assert_non_null(whole);
	char names[100];
	snprintf(names, sizeof names, "%s", path);
	for (char *name = strtok(names, "/"); name != NULL; name = strtok(NULL, "/"))
		here = json_object_get(here, name);
	char *text = json_dumps(here, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
	if (text == NULL || strcmp(text, expected) != 0)
		fail_msg("%s is %s instead of %s", path, text, expected);
	free(text);
	json_decref(whole);
}

static void test_a_queued_experiment(void **state)
{
	(void)state;
	struct experiment_row row = row_of((char *)"queued");
	row.attempt = 0;
	row.queue_position = 4;
	assert_at(&row, "id", "\"" ID "\"");
	assert_at(&row, "status", "\"queued\"");
	assert_at(&row, "terminal", "false");
	assert_at(&row, "reason", "null");
	assert_at(&row, "reason_message", "null");
	assert_at(&row, "attempt", "0");
	assert_at(&row, "created_at", "\"1970-01-01T00:16:40.000Z\"");
	assert_at(&row, "started_at", "null");
	assert_at(&row, "finished_at", "null");
	assert_at(&row, "progress", "{\"epoch\":0,\"epochs\":10,\"eta_seconds\":42.5,\"queue_position\":4}");
	assert_at(&row, "spec", "{\"seed\":7}");
	assert_at(&row, "model", "{\"parameters\":5}");
	assert_at(&row, "data", "{\"rows\":6}");
	assert_at(&row, "engine/estimated_seconds", "42.5");
	assert_at(&row, "results",
	          "{\"train_loss\":null,\"test_loss\":null,\"best_epoch\":null,\"best_test_loss\":null}");
	assert_at(&row, "timings", "{\"queued_seconds\":null,\"run_seconds\":null,\"train_seconds\":null}");
	assert_at(&row, "links",
	          "{\"self\":\"/experiments/" ID "\",\"metrics\":\"/experiments/" ID
	          "/metrics\",\"events\":\"/experiments/" ID "/events\",\"weights\":\"/experiments/" ID
	          "/weights\",\"predictions\":\"/experiments/" ID "/predictions\",\"report\":\"/experiments/" ID
	          "/report\",\"tensorboard\":\"/experiments/" ID "/tensorboard\",\"cancel\":\"/experiments/" ID
	          "/cancel\",\"pause\":\"/experiments/" ID "/pause\",\"resume\":\"/experiments/" ID
	          "/resume\",\"retry\":\"/experiments/" ID "/retry\",\"logs\":\"/experiments/" ID
	          "/logs\",\"fork\":\"/experiments/" ID "/fork\"}");
}

/* Eight seconds for four epochs of ten: twelve are left. */
static void test_what_is_left_at_a_known_rate(void **state)
{
	(void)state;
	struct experiment_row row = row_of((char *)"running");
	row.started_at = 1002500;
	row.epoch = 4;
	row.train_seconds = 8.0;
	row.metrics_json = (char *)"{\"train_loss\":0.5,\"test_loss\":0.25,\"gradient_norm\":2}";
	row.best_epoch = 3;
	row.best_test_loss = 0.125;
	assert_at(&row, "progress", "{\"epoch\":4,\"epochs\":10,\"eta_seconds\":12.0,\"queue_position\":null}");
	assert_at(&row, "timings", "{\"queued_seconds\":2.5,\"run_seconds\":null,\"train_seconds\":8.0}");
	assert_at(&row, "results", "{\"train_loss\":0.5,\"test_loss\":0.25,\"best_epoch\":3,\"best_test_loss\":0.125}");
	row.metrics_json = (char *)"{\"train_loss\":0.5,\"test_loss\":null,\"test_accuracy\":0.75}";
	assert_at(&row, "results",
	          "{\"train_loss\":0.5,\"test_loss\":null,\"best_epoch\":3,\"best_test_loss\":0.125,"
	          "\"test_accuracy\":0.75}");
	row.epoch = 1;
	row.train_seconds = 3.0;
	assert_at(&row, "progress/eta_seconds", "27.0");
	row.epoch = 10;
	assert_at(&row, "progress/eta_seconds", "0.0");
	row.epoch = 2;
	row.train_seconds = NAN;
	assert_at(&row, "progress/eta_seconds", "null");
}

static void test_an_experiment_that_has_ended(void **state)
{
	(void)state;
	struct experiment_row row = row_of((char *)"failed");
	row.reason = (char *)"timeout";
	row.reason_message = (char *)"it took too long";
	row.started_at = 1002500;
	row.finished_at = 1012750;
	row.epoch = 4;
	row.train_seconds = 8.0;
	assert_at(&row, "terminal", "true");
	assert_at(&row, "reason", "\"timeout\"");
	assert_at(&row, "reason_message", "\"it took too long\"");
	assert_at(&row, "progress/eta_seconds", "null");
	assert_at(&row, "timings", "{\"queued_seconds\":2.5,\"run_seconds\":10.25,\"train_seconds\":8.0}");
	assert_at(&row, "finished_at", "\"1970-01-01T00:16:52.750Z\"");
	row.started_at = 0; /* cancelled while queued */
	row.epoch = 0;
	assert_at(&row, "timings/queued_seconds", "null");
	assert_at(&row, "timings/run_seconds", "null");
	assert_at(&row, "progress/eta_seconds", "null");
	row.started_at = 1; /* the first millisecond counts */
	assert_at(&row, "timings/queued_seconds", "0.0");
}

static void test_rows_with_gaps(void **state)
{
	(void)state;
	struct experiment_row row = row_of((char *)"queued");
	row.engine_json = (char *)"{}";
	row.model_json = NULL;
	row.data_json = (char *)"{broken";
	row.spec_json = (char *)"{\"a\":[\"]\"}}";
	row.reason = (char *)"";
	row.name = (char *)"a\xff";
	row.notes = (char *)"line\n\"two\"";
	row.owner = (char *)"\xc3";
	row.tags_json = (char *)"[\"a\", 5";
	assert_at(&row, "name", "\"\"");
	assert_at(&row, "project", "\"\"");
	assert_at(&row, "notes", "\"line\\n\\\"two\\\"\"");
	assert_at(&row, "owner", "null");
	assert_at(&row, "tags", "null");
	row.tags_json = (char *)"[]";
	assert_at(&row, "tags", "[]");
	row.tags_json = (char *)"[\"a\",\"b\"]";
	assert_at(&row, "tags", "[\"a\",\"b\"]");
	row.engine_json = (char *)"{\"estimated_seconds\":null}";
	assert_at(&row, "progress/eta_seconds", "null");
	assert_at(&row, "progress/eta_seconds", "null");
	assert_at(&row, "model", "null");
	assert_at(&row, "data", "null");
	assert_at(&row, "spec", "null");
	assert_at(&row, "reason", "null");
}

static void assert_json(json_t *value, const char *expected)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	assert_string_equal(text, expected);
	free(text);
	json_decref(value);
}

static void test_values_that_may_be_missing(void **state)
{
	(void)state;
	assert_json(json_time(0), "null");
	assert_json(json_time(1), "\"1970-01-01T00:00:00.001Z\"");
	assert_json(json_finite(NAN), "null");
	assert_json(json_finite(INFINITY), "null");
	assert_json(json_finite(-0.5), "-0.5");
	assert_json(json_embedded(NULL), "null");
	assert_json(json_embedded("5"), "5");
	assert_json(json_embedded("["), "null");
	assert_json(json_text_or_null(NULL), "null");
	assert_json(json_text_or_null(""), "null");
	assert_json(json_text_or_null("a"), "\"a\"");
}

/* Whatever of the resource moves, the tag moves. */
static void test_etag_changes_with_the_row(void **state)
{
	(void)state;
	struct experiment_row row = row_of((char *)"running");
	char first[RESOURCE_ETAG_SIZE], other[RESOURCE_ETAG_SIZE];
	resource_etag(&row, first);
	assert_true(first[0] == '"' && first[strlen(first) - 1] == '"');
	resource_etag(&row, other);
	assert_string_equal(first, other);
	int *const members[] = {&row.version, &row.epoch, &row.queue_position};
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		++*members[i];
		resource_etag(&row, other);
		assert_string_not_equal(first, other);
		--*members[i];
	}
	row.version = row.epoch = row.queue_position = -2147483647;
	resource_etag(&row, other);
	assert_int_equal(other[strlen(other) - 1], '"'); /* whole even at its longest */
}

/* --- YAML --- */

static void assert_yaml(const char *yaml, const char *expected)
{
	struct qlstm_error error = {0};
	json_t *value = NULL;
	if (yaml_to_json(yaml, &value, &error) != 0)
		fail_msg("%s: %s", yaml, error.message);
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
	if (strcmp(text, expected) != 0)
		fail_msg("%s became %s instead of %s", yaml, text, expected);
	free(text);
	json_decref(value);
}

static void test_yaml_scalars_are_what_they_look_like(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
	    {"a: true", "{\"a\":true}"},
	    {"a: false", "{\"a\":false}"},
	    {"a: null", "{\"a\":null}"},
	    {"a: ~", "{\"a\":null}"},
	    {"a:", "{\"a\":null}"},
	    {"a: True", "{\"a\":\"True\"}"},
	    {"a: 12", "{\"a\":12}"},
	    {"a: -3", "{\"a\":-3}"},
	    {"a: 0", "{\"a\":0}"},
	    {"a: 1.5", "{\"a\":1.5}"},
	    {"a: 1e-3", "{\"a\":0.001}"},
	    {"a: -2.5E2", "{\"a\":-250.0}"},
	    {"a: 9223372036854775807", "{\"a\":9223372036854775807}"},
	    {"a: 9223372036854775808", "{\"a\":9.22337203685e18}"},
	    {"a: 3.1.0", "{\"a\":\"3.1.0\"}"},
	    {"a: 2026-11-28", "{\"a\":\"2026-11-28\"}"},
	    {"a: e", "{\"a\":\"e\"}"},
	    {"a: 5x", "{\"a\":\"5x\"}"},
	    {"a: +", "{\"a\":\"+\"}"},
	    {"a: '12'", "{\"a\":\"12\"}"},
	    {"a: \"true\"", "{\"a\":\"true\"}"},
	    {"a: ''", "{\"a\":\"\"}"},
	    {"a: |\n  12\n", "{\"a\":\"12\\n\"}"},
	    {"'1': two words", "{\"1\":\"two words\"}"},
	    {"5", "5"},
	};
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		assert_yaml(pairs[i][0], pairs[i][1]);
}

static void test_yaml_nests(void **state)
{
	(void)state;
	assert_yaml("a:\n  - 1\n  - b: [x, {y: z}]\n    c: {}\n  - []\nd: e\n",
	            "{\"a\":[1,{\"b\":[\"x\",{\"y\":\"z\"}],\"c\":{}},[]],\"d\":\"e\"}");
	assert_yaml("a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}");
	assert_yaml("[]", "[]");
}

static void test_yaml_that_is_none(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	json_t *value = NULL;
	assert_int_equal(yaml_to_json("a: 1\nb: [\n", &value, &error), ERR_SYNTAX);
	assert_non_null(strstr(error.message, "line 3: "));
	error_clear(&error);
	assert_int_equal(yaml_to_json("a: 1\n b: 2\n", &value, &error), ERR_SYNTAX);
	assert_non_null(strstr(error.message, "line 2: "));
	error_clear(&error);
	assert_true(yaml_to_json("", &value, &error) < 0);
}

static void test_the_contract_is_yaml(void **state)
{
	(void)state;
	json_t *value = NULL;
	assert_int_equal(yaml_to_json(schema_openapi_yaml, &value, NULL), 0);
	assert_string_equal(json_string_value(json_object_get(value, "openapi")), "3.1.0");
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cursors_come_back),
	    cmocka_unit_test(test_other_cursors_are_refused),
	    cmocka_unit_test(test_a_queued_experiment),
	    cmocka_unit_test(test_what_is_left_at_a_known_rate),
	    cmocka_unit_test(test_an_experiment_that_has_ended),
	    cmocka_unit_test(test_rows_with_gaps),
	    cmocka_unit_test(test_values_that_may_be_missing),
	    cmocka_unit_test(test_etag_changes_with_the_row),
	    cmocka_unit_test(test_yaml_scalars_are_what_they_look_like),
	    cmocka_unit_test(test_yaml_nests),
	    cmocka_unit_test(test_yaml_that_is_none),
	    cmocka_unit_test(test_the_contract_is_yaml),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
