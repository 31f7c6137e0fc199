/* Rows of a run: epochs, checkpoints, artifacts, signs of life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/rows_fixture.h"

static void test_metrics(void **state)
{
	(void)state;
	insert(1);
	struct run_token token = claim();
	static const int order[] = {3, 1, 2, 40, 5}; /* whatever order they come in */
	for (size_t i = 0; i < 5; i++)
		report_epoch(&token, order[i], 10 - order[i] % 4);
	report_epoch(&token, 5, 5); /* once more, after a resume */
	struct metric_row *rows = NULL;
	int count = 0;
	assert_int_equal(metric_list(db, token.id, 0, &rows, &count, NULL), 0);
	assert_int_equal(count, 5);
	for (int i = 1; i < count; i++)
		assert_true(rows[i - 1].epoch < rows[i].epoch);
	assert_string_equal(rows[3].metrics_json, "{\"train_loss\":5,\"test_loss\":5}");
	metric_rows_free(rows, count);
	assert_int_equal(metric_list(db, token.id, 3, &rows, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_int_equal(rows[0].epoch, 5);
	metric_rows_free(rows, count);
	struct experiment_row row = get(token.id);
	assert_int_equal(row.epoch, 5);
	assert_int_equal(row.best_epoch, 5);
	assert_true(row.best_test_loss == 5);
	assert_string_equal(row.metrics_json, "{\"train_loss\":5,\"test_loss\":5}");
	assert_true(row.train_seconds == 10); /* the repeated epoch counts once */
	experiment_row_free(&row);
}

static void test_metrics_without_test_data(void **state)
{
	(void)state;
	insert(1);
	struct run_token token = claim();
	report_epoch(&token, 1, NAN);
	struct experiment_row row = get(token.id);
	assert_string_equal(row.metrics_json, "{\"train_loss\":1,\"test_loss\":null}");
	assert_true(isnan(row.best_test_loss));
	assert_int_equal(row.best_epoch, 0);
	experiment_row_free(&row);
	report_epoch(&token, 2, 0.5);
	report_epoch(&token, 3, NAN);
	row = get(token.id);
	assert_int_equal(row.best_epoch, 2);
	assert_true(row.best_test_loss == 0.5);
	experiment_row_free(&row);
}

/* An attempt that could use none of those before begins again: its own come before those of later epochs. */
static void test_checkpoints_of_a_new_beginning(void **state)
{
	(void)state;
	struct checkpoint_row rows[4];
	insert(1);
	struct run_token token = claim();
	for (int epoch = 10; epoch <= 20; epoch += 10)
		assert_int_equal(progress_checkpoint(db, &token, epoch, "old", "h", NOW, NULL), 0);
	assert_int_equal(db_script(db, "UPDATE experiment SET attempt = 2"), 0);
	token.attempt = 2;
	static const int expected[][4] = {
	    /* what is stored, then the two that are kept, newest first, and how many of them are old */
	    {1, 1, 20, 1},
	    {2, 2, 1, 0},
	    {20, 20, 2, 0},
	    {21, 21, 20, 0}};
	for (int i = 0; i < 4; i++) {
		assert_int_equal(progress_checkpoint(db, &token, expected[i][0], "new", "h", NOW, NULL), 0);
		assert_int_equal(checkpoint_list(db, token.id, rows, 4, NULL), 2);
		assert_int_equal(rows[0].epoch, expected[i][1]);
		assert_int_equal(rows[1].epoch, expected[i][2]);
		assert_int_equal(rows[1].attempt == 1, expected[i][3]);
		assert_int_equal(rows[0].attempt, 2);
	}
}

static void test_two_checkpoints_are_kept(void **state)
{
	(void)state;
	struct checkpoint_row rows[4];
	char file[32];
	insert(1);
	struct run_token token = claim();
	assert_int_equal(checkpoint_list(db, token.id, rows, 4, NULL), 0);
	for (int epoch = 10; epoch <= 50; epoch += 10) {
		snprintf(file, sizeof file, "checkpoint-%d", epoch);
		assert_int_equal(progress_checkpoint(db, &token, epoch, file, "first", NOW, NULL), 0);
	}
	assert_int_equal(progress_checkpoint(db, &token, 50, file, "again", NOW, NULL), 0);
	assert_int_equal(checkpoint_list(db, token.id, rows, 4, NULL), 2);
	assert_int_equal(rows[0].epoch, 50);
	assert_string_equal(rows[0].sha256, "again");
	assert_int_equal(rows[1].epoch, 40);
	assert_string_equal(rows[1].file, "checkpoint-40");
	assert_int_equal(rows[1].attempt, 1);
}

static void test_artifacts(void **state)
{
	(void)state;
	insert(1);
	struct artifact_row weights = {"weights", "attempt-1/weights.safetensors", "hash", 123}, found;
	assert_int_equal(artifact_insert(db, numbered_id(1), &weights, NULL), 0);
	assert_int_equal(artifact_insert(db, numbered_id(1), &weights, NULL), ERR_CONFLICT);
	assert_int_equal(artifact_get(db, numbered_id(1), "weights", &found, NULL), 0);
	assert_string_equal(found.file, weights.file);
	assert_int_equal(found.bytes, 123);
	assert_int_equal(artifact_get(db, numbered_id(1), "report", &found, NULL), ERR_NOT_FOUND);
	assert_int_equal(artifact_list(db, numbered_id(1), &found, 1, NULL), 1);
	insert(2);
	assert_int_equal(artifact_insert(db, numbered_id(2), &weights, NULL), 0);
	assert_int_equal(artifact_clear(db, numbered_id(1), NULL), 0);
	assert_int_equal(artifact_list(db, numbered_id(1), &found, 1, NULL), 0);
	assert_int_equal(artifact_list(db, numbered_id(2), &found, 1, NULL), 1);
}

/* A worker's lines: what each one changes, and the time of the last. */
static void test_signs_of_life(void **state)
{
	(void)state;
	insert(1);
	struct run_token token = claim();
	assert_true(select_int(db, "SELECT worker_pid IS NULL AND heartbeat_at IS NULL FROM experiment") == 1);
	assert_int_equal(progress_hello(db, &token, 4321, 6001, NULL), 0);
	assert_int_equal(select_int(db, "SELECT worker_pid FROM experiment"), 4321);
	assert_int_equal(select_int(db, "SELECT heartbeat_at FROM experiment"), 6001);
	assert_int_equal(select_int(db, "SELECT version FROM experiment"), 3);
	report_epoch(&token, 1, 0.5);
	assert_int_equal(select_int(db, "SELECT heartbeat_at FROM experiment"), NOW + 1);
	assert_int_equal(select_int(db, "SELECT attempt_epochs FROM experiment"), 1);
	assert_int_equal(select_int(db, "SELECT version FROM experiment"), 4);
	report_epoch(&token, 2, 0.5);
	assert_int_equal(select_int(db, "SELECT attempt_epochs FROM experiment"), 2);
	assert_int_equal(progress_checkpoint(db, &token, 2, "file", "hash", 6003, NULL), 0);
	assert_int_equal(select_int(db, "SELECT heartbeat_at FROM experiment"), 6003);
	assert_int_equal(select_int(db, "SELECT version FROM experiment"), 6);
	struct experiment_row row = get(token.id);
	assert_int_equal(row.best_epoch, 1); /* the first of equals */
	experiment_row_free(&row);
	struct qlstm_error error = {0};
	token.attempt = 7;
	assert_int_equal(progress_hello(db, &token, 1, NOW, &error), ERR_CONFLICT);
	assert_string_equal(error.message, "attempt 7 of 01ARZ3NDEKTSV4RRFF00000001 is no longer current");
}

/* Checkpoints of one experiment do not push out another's. */
static void test_checkpoints_are_kept_apart(void **state)
{
	(void)state;
	struct checkpoint_row rows[4];
	struct run_token tokens[2];
	for (int i = 0; i < 2; i++) {
		insert(i);
		tokens[i] = claim();
	}
	for (int epoch = 1; epoch <= 3; epoch++)
		for (int i = 0; i < 2; i++)
			assert_int_equal(progress_checkpoint(db, &tokens[i], epoch + i, "f", "h", NOW, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(checkpoint_list(db, tokens[i].id, rows, 4, NULL), 2);
		assert_int_equal(rows[0].epoch, 3 + i);
		assert_int_equal(rows[1].epoch, 2 + i);
		assert_int_equal(checkpoint_list(db, tokens[i].id, rows, 1, NULL), 1);
		assert_int_equal(rows[0].epoch, 3 + i);
	}
}

/* In the order of their names, at most so many. */
static void test_lists_of_artifacts(void **state)
{
	(void)state;
	struct artifact_row rows[4];
	insert(1);
	insert(2);
	static const char *const names[] = {"weights", "predictions", "report"};
	for (int i = 0; i < 3; i++) {
		struct artifact_row row = {.bytes = INT64_C(5000000000) + i};
		snprintf(row.name, sizeof row.name, "%s", names[i]);
		snprintf(row.file, sizeof row.file, "file of %s", names[i]);
		snprintf(row.sha256, sizeof row.sha256, "hash of %s", names[i]);
		assert_int_equal(artifact_insert(db, numbered_id(1), &row, NULL), 0);
	}
	assert_int_equal(artifact_list(db, numbered_id(1), rows, 4, NULL), 3);
	assert_string_equal(rows[0].name, "predictions");
	assert_string_equal(rows[1].name, "report");
	assert_string_equal(rows[2].name, "weights");
	assert_string_equal(rows[1].file, "file of report");
	assert_string_equal(rows[1].sha256, "hash of report");
	assert_true(rows[1].bytes == INT64_C(5000000002));
	assert_int_equal(artifact_list(db, numbered_id(1), rows, 2, NULL), 2);
	assert_int_equal(artifact_list(db, numbered_id(2), rows, 4, NULL), 0);
	assert_int_equal(artifact_get(db, numbered_id(2), "weights", rows, NULL), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_metrics),
	    TEST(test_metrics_without_test_data),
	    TEST(test_two_checkpoints_are_kept),
	    TEST(test_checkpoints_of_a_new_beginning),
	    TEST(test_artifacts),
	    TEST(test_signs_of_life),
	    TEST(test_checkpoints_are_kept_apart),
	    TEST(test_lists_of_artifacts),
	};
	return cmocka_run_group_tests_name("rows_progress", tests, NULL, NULL);
}
