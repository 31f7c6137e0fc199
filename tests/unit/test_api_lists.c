/* Experiments as they are read: pages of a list, a row and its ETag, histories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "tests/unit/api_fixture.h"

static int execute(struct db *db, void *argument, struct qlstm_error *error)
{
	db_query(db, *(const char **)argument);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

/* A literal: the database knows statements by their address. */
static void write_sql(const char *sql)
{
	struct qlstm_error error = {0};
	if (store_write(store, execute, &sql, &error) != 0)
		fail_msg("%s", error.message);
}

static void test_lists_in_pages(void **state)
{
	(void)state;
	for (int i = 1; i <= 5; i++)
		insert_number(i);
	char path[200] = "/experiments?limit=2", seen[200] = "";
	for (int page = 0; page < 3; page++) {
		json_t *list = get_json(path), *items = json_object_get(list, "experiments"), *item;
		size_t index;
		assert_int_equal(json_array_size(items), page < 2 ? 2 : 1);
		json_array_foreach(items, index, item)
		{
			strncat(seen, json_string_value(json_object_get(item, "id")) + 25, 1);
		}
		bool more = json_is_true(json_object_get(list, "has_more"));
		const char *cursor = json_string_value(json_object_get(list, "next_cursor"));
		assert_int_equal(more, page < 2);
		assert_int_equal(cursor != NULL, page < 2);
		if (cursor != NULL)
			snprintf(path, sizeof path, "/experiments?limit=2&cursor=%s", cursor);
		json_decref(list);
	}
	assert_string_equal(seen, "54321");
	assert_get("/experiments?limit=5", 200, "\"next_cursor\":null,\"has_more\":false");
	assert_get("/experiments?cursor=xyz", 400, "the cursor is not one that a list gave out");
	assert_get("/experiments?status=running", 200, "{\"experiments\":[]");
	assert_get("/experiments?project=default&status=queued", 200, "\"queue_position\":5");
	assert_get("/experiments?project=other", 200, "{\"experiments\":[]");
}

static void test_etag_follows_the_row(void **state)
{
	(void)state;
	char path[100], old[256], header[300];
	insert_number(1);
	snprintf(path, sizeof path, "/experiments/%s", numbered_id(1));
	const char *const changes[] = {
	    "UPDATE experiment SET status = 'running', attempt = 1, started_at = 5, version = version + 1",
	    "UPDATE experiment SET epoch = 1, metrics_json = '{\"train_loss\":0.5}', version = version + 1",
	    "UPDATE experiment SET status = 'succeeded', finished_at = 9, version = version + 1"};
	for (size_t i = 0; i <= sizeof changes / sizeof changes[0]; i++) {
		struct answer answer = ask(&door, "GET", path);
		assert_int_equal(answer.status, 200);
		assert_true(answer_header(&answer, "ETag", old));
		answer_free(&answer);
		snprintf(header, sizeof header, "If-None-Match: %s\r\n", old);
		answer = ask_with(&door, "GET", path, header, NULL);
		assert_int_equal(answer.status, 304);
		assert_header(&answer, "ETag", old);
		assert_int_equal(answer.body_length, 0);
		answer_free(&answer);
		if (i == sizeof changes / sizeof changes[0])
			break;
		write_sql(changes[i]);
		assert_says("GET", path, header, NULL, 200, "\"status\"");
	}
}

/* The place in the queue is part of the resource: it moves without a change of the row. */
static void test_etag_follows_the_place_in_the_queue(void **state)
{
	(void)state;
	char path[100], header[300], etag[256];
	insert_number(1);
	insert_number(2);
	snprintf(path, sizeof path, "/experiments/%s", numbered_id(2));
	struct answer answer = ask(&door, "GET", path);
	assert_non_null(strstr(answer.body, "\"queue_position\":2"));
	assert_true(answer_header(&answer, "ETag", etag));
	answer_free(&answer);
	write_sql("UPDATE experiment SET status = 'cancelled' WHERE id LIKE '%1'");
	snprintf(header, sizeof header, "If-None-Match: %s\r\n", etag);
	assert_says("GET", path, header, NULL, 200, "\"queue_position\":1");
}

static void test_histories(void **state)
{
	(void)state;
	char path[200];
	insert_number(1);
	snprintf(path, sizeof path, "/experiments/%s/metrics", numbered_id(1));
	assert_get(path, 200, "\"metrics\":[]}");
	write_sql("INSERT INTO epoch_metric SELECT id, 1, 1, '{\"train_loss\":0.1,\"test_loss\":null,"
	          "\"gradient_norm\":0.30000000000000004}', 2.5 FROM experiment");
	write_sql("INSERT INTO epoch_metric SELECT id, 2, 1, '{\"train_loss\":0.05,\"test_loss\":0.25,"
	          "\"gradient_norm\":null}', 1.0 FROM experiment");
	const char *first = "{\"epoch\":1,\"train_loss\":0.1,\"test_loss\":null,\"gradient_norm\":0.30000000000000004,"
	                    "\"seconds\":2.5}",
	           *second =
	               "{\"epoch\":2,\"train_loss\":0.05,\"test_loss\":0.25,\"gradient_norm\":null,\"seconds\":1.0}",
	           *header = "epoch,train_loss,test_loss,gradient_norm,seconds\n";
	char json[400], csv[400];
	snprintf(json, sizeof json, "{\"experiment\":\"%s\",\"metrics\":[%s,%s]}\n", numbered_id(1), first, second);
	snprintf(csv, sizeof csv, "%s1,%.17g,,%.17g,2.5\n2,%.17g,0.25,,1\n", header, 0.1, 0.1 + 0.2, 0.05);
	struct answer answer = ask(&door, "GET", path);
	assert_string_equal(answer.body, json);
	assert_header(&answer, "Vary", "Accept");
	assert_header(&answer, "Content-Type", "application/json");
	answer_free(&answer);
	answer = ask_with(&door, "GET", path, "Accept: text/csv\r\n", NULL);
	assert_string_equal(answer.body, csv);
	assert_header(&answer, "Vary", "Accept");
	assert_header(&answer, "Content-Type", "text/csv; charset=utf-8");
	answer_free(&answer);
	snprintf(path, sizeof path, "/experiments/%s/metrics?after=1&format=csv", numbered_id(1));
	assert_get(path, 200, "seconds\n2,");
	snprintf(path, sizeof path, "/experiments/%s/metrics?after=2147483647", numbered_id(1));
	assert_get(path, 200, "\"metrics\":[]}");
	snprintf(path, sizeof path, "/experiments/%s/metrics?after=0", numbered_id(1));
	assert_get(path, 200, "\"epoch\":1,");
	snprintf(path, sizeof path, "/experiments/%s/metrics", numbered_id(2));
	assert_get(path, 404, "there is no experiment");
	/* Metrics that only some epochs have are columns too, before the seconds. */
	write_sql(
	    "UPDATE epoch_metric SET metrics_json = '{\"train_loss\":0.05,\"test_accuracy\":0.5}' WHERE epoch = 2");
	snprintf(path, sizeof path, "/experiments/%s/metrics?format=csv", numbered_id(1));
	assert_get(path, 200, "epoch,train_loss,test_loss,gradient_norm,test_accuracy,seconds\n1,");
	assert_get(path, 200, ",,2.5\n2,0.050000000000000003,,,0.5,1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_lists_in_pages),
	    TEST(test_etag_follows_the_row),
	    TEST(test_etag_follows_the_place_in_the_queue),
	    TEST(test_histories),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
