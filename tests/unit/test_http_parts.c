/* The parts of the HTTP door that need no connection: body, range, log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/error.h"
#include "server/http/mhd/body.h"
#include "server/http/log.h"
#include "server/http/range.h"

/* --- body --- */

static void clear(struct body *body, struct body_budget *budget)
{
	body_clear_buffer(body, budget);
	body_close_spool(body);
}

static void test_body_collects_what_arrives(void **state)
{
	(void)state;
	struct body_budget budget = {.limit = 1 << 20};
	struct body body = {.limit = 100000};
	char expected[50000];
	for (size_t at = 0; at < sizeof expected; at++)
		expected[at] = (char)(at % 251);
	for (size_t at = 0; at < sizeof expected; at += 500)
		assert_int_equal(body_append(&body, &budget, expected + at, 500), 0);
	assert_int_equal(body.length, sizeof expected);
	assert_memory_equal(body.bytes, expected, sizeof expected);
	assert_true(body.capacity >= body.length);
	assert_int_equal(budget.used, body.capacity);
	clear(&body, &budget);
	assert_null(body.bytes);
	assert_int_equal(body.length, 0);
	assert_int_equal(body.limit, 100000);
}

static void test_a_body_takes_what_it_needs_alone(void **state)
{
	(void)state;
	const struct {
		size_t count, capacity;
	} cases[] = {{1, 4096}, {4096, 4096}, {4097, 8192}, {8192, 8192}, {8193, 16384}};
	static const char bytes[8193];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct body_budget budget = {.limit = 1 << 20};
		struct body body = {.limit = 1 << 20};
		assert_int_equal(body_append(&body, &budget, bytes, cases[i].count), 0);
		assert_int_equal(body.capacity, cases[i].capacity);
		clear(&body, &budget);
	}
}

/* Thousands of small bodies leave the common budget as it was. */
static void test_budget_is_given_back(void **state)
{
	(void)state;
	struct body_budget budget = {.limit = 20000};
	for (int i = 0; i < 1000; i++) {
		struct body body = {.limit = 1 << 20};
		assert_int_equal(body_append(&body, &budget, "{}", 2), 0);
		assert_int_equal(budget.used, 4096);
		clear(&body, &budget);
		assert_int_equal(budget.used, 0);
		clear(&body, &budget); /* twice is once */
		assert_int_equal(budget.used, 0);
	}
}

static void test_budget_is_shared_to_the_byte(void **state)
{
	(void)state;
	struct body_budget budget = {.limit = 3 * 4096};
	struct body first = {.limit = 1 << 20}, second = {.limit = 1 << 20}, third = {.limit = 1 << 20};
	char bytes[8192] = {0};
	assert_int_equal(body_append(&first, &budget, bytes, 8192), 0);
	assert_int_equal(body_append(&second, &budget, bytes, 4096), 0); /* the last byte of it */
	assert_int_equal(body_append(&third, &budget, bytes, 1), ERR_UNAVAILABLE);
	assert_null(third.bytes);
	assert_int_equal(budget.used, 3 * 4096);
	assert_int_equal(body_append(&second, &budget, bytes, 1), ERR_UNAVAILABLE); /* empties it */
	assert_int_equal(second.length, 0);
	assert_int_equal(budget.used, 8192);
	assert_int_equal(body_append(&third, &budget, bytes, 1), 0);
	clear(&first, &budget);
	clear(&third, &budget);
	assert_int_equal(budget.used, 0);
}

/* As the server does it, block after block. */
static int append_all(struct body *body, struct body_budget *budget, const unsigned char *bytes, size_t count)
{
	int rc = 0;
	for (size_t taken; rc == 0 && count > 0; bytes += taken, count -= taken) {
		size_t room = body_room(body);
		if (room == 0)
			rc = body_spool(body, NULL);
		taken = rc != 0 || count < body_room(body) ? count : body_room(body);
		if (rc == 0)
			rc = body_append(body, budget, bytes, taken);
	}
	return rc;
}

/* A large body goes to the disk, block by block, and is the same bytes. */
static void test_a_large_body_is_spooled(void **state)
{
	(void)state;
	enum { BYTES = 300000, TIMES = 20 };
	static unsigned char bytes[BYTES];
	char folder[] = "/tmp/qlstm-body-XXXXXX";
	assert_non_null(mkdtemp(folder));
	struct body_budget budget = {.limit = 4 << 20};
	struct body body = {.limit = 16 << 20, .folder = folder};
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 7 % 251);
	for (int i = 0; i < TIMES; i++)
		assert_int_equal(append_all(&body, &budget, bytes, BYTES), 0);
	assert_int_equal(body_length(&body), BYTES * TIMES);
	assert_true(body.spool.file != 0 && budget.used == BODY_BLOCK);
	assert_int_equal(body_finish(&body, NULL), 0);
	assert_int_equal(body_length(&body), BYTES * TIMES);
	for (size_t i = 0; i < TIMES; i++)
		assert_memory_equal(body_content(&body) + i * BYTES, bytes, BYTES);
	assert_int_equal(rmdir(folder), 0); /* nothing is in it */
	clear(&body, &budget);
	assert_true(body.spool.file == 0 && body_content(&body) == NULL && body_length(&body) == 0);
	assert_int_equal(budget.used, 0);

	/* One block stays in memory, one byte more needs a folder. */
	static unsigned char block[BODY_BLOCK];
	assert_int_equal(append_all(&body, &budget, block, BODY_BLOCK), 0);
	assert_int_equal(body_finish(&body, NULL), 0);
	assert_true(body.spool.file == 0 && body_content(&body) == body.bytes && budget.used == BODY_BLOCK);
	assert_int_equal(append_all(&body, &budget, bytes, 1), ERR_IO);
	clear(&body, &budget);

	/* The limit is that of the whole. */
	char other[] = "/tmp/qlstm-body-XXXXXX";
	assert_non_null(mkdtemp(other));
	body = (struct body){.limit = BODY_BLOCK + 10, .folder = other};
	assert_int_equal(append_all(&body, &budget, block, BODY_BLOCK), 0);
	assert_int_equal(append_all(&body, &budget, bytes, 10), 0);
	assert_int_equal(append_all(&body, &budget, bytes, 1), ERR_TOO_LARGE);
	assert_int_equal(budget.used, 0);
	clear(&body, &budget);
	assert_int_equal(rmdir(other), 0);
}

static void test_limit_of_a_body_to_the_byte(void **state)
{
	(void)state;
	struct body_budget budget = {.limit = 1 << 20};
	struct body body = {.limit = 10};
	assert_int_equal(body_append(&body, &budget, "0123456789", 10), 0);
	assert_int_equal(body_append(&body, &budget, "", 0), 0);
	assert_int_equal(body_append(&body, &budget, "x", 1), ERR_TOO_LARGE);
	assert_null(body.bytes);
	assert_int_equal(budget.used, 0);
	assert_int_equal(body_append(&body, &budget, "0123456789a", 11), ERR_TOO_LARGE);
	assert_int_equal(body_append(&body, &budget, "01234", 5), 0);
	assert_int_equal(body_append(&body, &budget, "012345", 6), ERR_TOO_LARGE);
	assert_int_equal(budget.used, 0);
}

/* --- range --- */

static void test_ranges(void **state)
{
	(void)state;
	enum { LENGTH = 100 };
	const struct {
		const char *header;
		enum range_result result;
		size_t first, count;
	} cases[] = {
	    {NULL, RANGE_WHOLE, 0, 0},
	    {"", RANGE_WHOLE, 0, 0},
	    {"bytes", RANGE_WHOLE, 0, 0},
	    {"items=0-1", RANGE_WHOLE, 0, 0},
	    {"bytes=-", RANGE_WHOLE, 0, 0},
	    {"bytes=5", RANGE_WHOLE, 0, 0},
	    {"bytes=5-4", RANGE_WHOLE, 0, 0},
	    {"bytes=0-1,5-6", RANGE_WHOLE, 0, 0},
	    {"bytes=a-", RANGE_WHOLE, 0, 0},
	    {"bytes=0x1-", RANGE_WHOLE, 0, 0},
	    {"bytes=0-1 ", RANGE_WHOLE, 0, 0},
	    {"bytes=/-3", RANGE_WHOLE, 0, 0},
	    {"bytes=:-3", RANGE_WHOLE, 0, 0},
	    {"bytes=0-0", RANGE_PART, 0, 1},
	    {"bytes=0-99", RANGE_PART, 0, 100},
	    {"bytes=0-100", RANGE_PART, 0, 100},
	    {"bytes=0-", RANGE_PART, 0, 100},
	    {"BYTES=19-27", RANGE_PART, 19, 9},
	    {"bytes=99-99", RANGE_PART, 99, 1},
	    {"bytes=99-", RANGE_PART, 99, 1},
	    {"bytes=98-1000", RANGE_PART, 98, 2},
	    {"bytes=-1", RANGE_PART, 99, 1},
	    {"bytes=-99", RANGE_PART, 1, 99},
	    {"bytes=-100", RANGE_PART, 0, 100},
	    {"bytes=-101", RANGE_PART, 0, 100},
	    {"bytes=100-", RANGE_UNSATISFIABLE, 0, 0},
	    {"bytes=100-200", RANGE_UNSATISFIABLE, 0, 0},
	    {"bytes=-0", RANGE_UNSATISFIABLE, 0, 0},
	    {"bytes=1-18446744073709551615", RANGE_PART, 1, 99},
	    {"bytes=1-99999999999999999999999", RANGE_PART, 1, 99},
	    {"bytes=-99999999999999999999999", RANGE_PART, 0, 100},
	    {"bytes=18446744073709551615-", RANGE_UNSATISFIABLE, 0, 0},
	    {"bytes=18446744073709551616-", RANGE_UNSATISFIABLE, 0, 0}, /* not 0 */
	    {"bytes=18446744073709551620-", RANGE_UNSATISFIABLE, 0, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t first = 0, count = 0;
		enum range_result result = range_parse(cases[i].header, LENGTH, &first, &count);
		if (result != cases[i].result || first != cases[i].first || count != cases[i].count)
			fail_msg("%s: %d, %zu, %zu", cases[i].header, (int)result, first, count);
	}
}

static void test_ranges_of_nothing(void **state)
{
	(void)state;
	size_t first = 0, count = 0;
	assert_int_equal(range_parse("bytes=0-", 0, &first, &count), RANGE_UNSATISFIABLE);
	assert_int_equal(range_parse("bytes=-1", 0, &first, &count), RANGE_UNSATISFIABLE);
	assert_int_equal(range_parse(NULL, 0, &first, &count), RANGE_WHOLE);
}

/* --- log --- */

static FILE *caught;
static int kept = -1;

/* Standard error goes to a file until caught_lines. */
static void catch_stderr(void)
{
	caught = tmpfile();
	assert_non_null(caught);
	fflush(stderr);
	kept = dup(2);
	dup2(fileno(caught), 2);
}

/* The lines since, each JSON, as an array. */
static json_t *caught_lines(void)
{
	static char line[4096];
	json_t *lines = json_array();
	fflush(stderr);
	dup2(kept, 2);
	close(kept);
	rewind(caught);
	while (fgets(line, sizeof line, caught) != NULL) {
		json_t *object = json_loads(line, 0, NULL);
		if (object == NULL)
			fail_msg("not JSON: %s", line);
		json_array_append_new(lines, object);
	}
	fclose(caught);
	return lines;
}

static const char *text_at(const json_t *lines, size_t index, const char *name)
{
	const char *text = json_string_value(json_object_get(json_array_get(lines, index), name));
	return text != NULL ? text : "(none)";
}

static void test_messages_are_one_line_of_json(void **state)
{
	(void)state;
	char longer[2000];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	catch_stderr();
	log_message("info", "hello %d", 5);
	log_message("warning", "first\nsecond");
	log_message("error", "a\"b\\c \xff %s", longer);
	json_t *lines = caught_lines();
	assert_int_equal(json_array_size(lines), 3);
	assert_string_equal(text_at(lines, 0, "level"), "info");
	assert_string_equal(text_at(lines, 0, "message"), "hello 5");
	assert_int_equal(strlen(text_at(lines, 0, "time")), 24);
	assert_int_equal(text_at(lines, 0, "time")[23], 'Z');
	assert_int_equal(json_object_size(json_array_get(lines, 0)), 3);
	assert_string_equal(text_at(lines, 1, "message"), "first");
	assert_true(strncmp(text_at(lines, 2, "message"), "a\"b\\c ", 6) == 0);
	assert_null(strchr(text_at(lines, 2, "message"), '\xff'));
	assert_in_range(strlen(text_at(lines, 2, "message")), 500, 520);
	json_decref(lines);
}

static void test_requests_are_one_line_of_json(void **state)
{
	(void)state;
	char path[1000];
	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	catch_stderr();
	log_access(&(struct log_access){"GET", "/a\n\"\xe9", "127.0.0.1", 200, 5000000000, 1.25});
	log_access(&(struct log_access){"ABCDEFGHIJKLMNOPQRSTUVWXYZ", path, "::1", 404, 0, 0.0});
	json_t *lines = caught_lines();
	assert_int_equal(json_array_size(lines), 2);
	json_t *first = json_array_get(lines, 0);
	assert_int_equal(json_object_size(first), 8);
	assert_string_equal(text_at(lines, 0, "level"), "access");
	assert_string_equal(text_at(lines, 0, "method"), "GET");
	assert_true(strncmp(text_at(lines, 0, "path"), "/a\n\"", 4) == 0);
	assert_string_equal(text_at(lines, 0, "remote"), "127.0.0.1");
	assert_int_equal(strlen(text_at(lines, 0, "time")), 24);
	assert_int_equal(json_integer_value(json_object_get(first, "status")), 200);
	assert_true(json_integer_value(json_object_get(first, "bytes")) == 5000000000);
	assert_true(json_real_value(json_object_get(first, "ms")) == 1.25);
	assert_string_equal(text_at(lines, 1, "method"), "ABCDEFGHIJKLMNOPQRSTUVW");
	assert_int_equal(strlen(text_at(lines, 1, "path")), 255);
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_body_collects_what_arrives),
	    cmocka_unit_test(test_a_body_takes_what_it_needs_alone),
	    cmocka_unit_test(test_budget_is_given_back),
	    cmocka_unit_test(test_budget_is_shared_to_the_byte),
	    cmocka_unit_test(test_a_large_body_is_spooled),
	    cmocka_unit_test(test_limit_of_a_body_to_the_byte),
	    cmocka_unit_test(test_ranges),
	    cmocka_unit_test(test_ranges_of_nothing),
	    cmocka_unit_test(test_messages_are_one_line_of_json),
	    cmocka_unit_test(test_requests_are_one_line_of_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
