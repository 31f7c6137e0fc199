/* Rows of experiments: new ones, lists and their pages, places in the queue, deleting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/store/datasets.h"
#include "tests/unit/rows_fixture.h"

static void test_a_new_experiment(void **state)
{
	(void)state;
	insert(1);
	struct experiment_row row = get(numbered_id(1));
	assert_string_equal(row.id, numbered_id(1));
	assert_string_equal(row.status, "queued");
	assert_null(row.reason);
	assert_null(row.dataset_id);
	assert_string_equal(row.name, "a name");
	assert_string_equal(row.spec_json, "{\"seed\":1}");
	assert_int_equal(row.attempt, 0);
	assert_int_equal(row.epochs, 100000);
	assert_int_equal(row.version, 1);
	assert_int_equal(row.created_at, 1000);
	assert_int_equal(row.started_at, 0);
	assert_string_equal(row.metrics_json, "{}");
	assert_true(isnan(row.best_test_loss));
	assert_int_equal(row.best_epoch, 0);
	assert_int_equal(row.queue_position, 1);
	experiment_row_free(&row);
	struct transition_row *transitions = NULL;
	int count = 0;
	assert_int_equal(transition_list(db, numbered_id(1), &transitions, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_string_equal(transitions[0].from_status, "");
	assert_string_equal(transitions[0].to_status, "queued");
	free(transitions);
	assert_int_equal(experiment_get(db, "nobody", &row, NULL), ERR_NOT_FOUND);
}

/* Pages through all ids from the newest; `insert_between`: while others are submitted. */
static int page_through(int limit, bool insert_between, int *next_number)
{
	char before[RUN_ID_SIZE] = "";
	int seen = 0, last = INT32_MAX;
	for (bool more = true; more;) {
		struct experiment_query query = {.before = before[0] != '\0' ? before : NULL, .limit = limit};
		struct experiment_row *rows = NULL;
		int count = 0;
		assert_int_equal(experiment_list(db, &query, &rows, &count, &more, NULL), 0);
		assert_true(count <= limit);
		for (int i = 0; i < count; i++) {
			int number = atoi(rows[i].id + 18);
			assert_true(number < last);
			last = number;
			memcpy(before, rows[i].id, RUN_ID_SIZE);
			experiment_row_free(&rows[i]);
			seen++;
		}
		free(rows);
		if (insert_between)
			insert((*next_number)++);
	}
	return seen;
}

static void test_pages_are_stable_under_inserts(void **state)
{
	(void)state;
	int next_number = 0;
	while (next_number < 47)
		insert(next_number++);
	static const int limits[] = {1, 7, 46, 47, 48, 200};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		int expected = next_number;
		assert_int_equal(page_through(limits[i], true, &next_number), expected);
	}
}

static void test_list_filters(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		insert(i);
	assert_int_equal(db_script(db, "UPDATE experiment SET project = 'other' WHERE id LIKE '%1' OR id LIKE '%2';"
	                               "UPDATE experiment SET status = 'failed' WHERE id LIKE '%2' OR id LIKE '%3'"),
	                 0);
	static const struct {
		const char *status, *project;
		int count;
	} cases[] = {{NULL, NULL, 10},       {"failed", NULL, 2}, {NULL, "other", 2}, {"failed", "other", 1},
	             {"queued", "other", 1}, {"paused", NULL, 0}, {NULL, "none", 0}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct experiment_query query = {.status = cases[i].status, .project = cases[i].project, .limit = 100};
		struct experiment_row *rows = NULL;
		int count = -1;
		bool more = true;
		assert_int_equal(experiment_list(db, &query, &rows, &count, &more, NULL), 0);
		assert_int_equal(count, cases[i].count);
		assert_false(more);
		for (int j = 0; j < count; j++)
			experiment_row_free(&rows[j]);
		free(rows);
	}
	int64_t counts[STATUS_COUNT];
	assert_int_equal(queue_order_follow(queue, db, NULL), 0);
	queue_order_counts(queue, counts);
	assert_int_equal(counts[STATUS_QUEUED], 8);
	assert_int_equal(counts[STATUS_FAILED], 2);
	assert_int_equal(counts[STATUS_RUNNING], 0);
}

static void assert_same_text(const char *a, const char *b)
{
	if (a != NULL && b != NULL)
		assert_string_equal(a, b);
	else
		assert_true(a == b);
}

/* What a POST answers with, without reading it, is what a GET would read. */
static void test_the_row_of_a_new_experiment(void **state)
{
	(void)state;
	struct experiment_new new = new_experiment(numbered_id(3));
	struct experiment_row made;
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	struct experiment_row row = get(numbered_id(3));
	experiment_row_of(&new, 1, &made);
	const char *const read[] = {row.id,          row.status,     row.reason,      row.reason_message, row.name,
	                            row.project,     row.tags_json,  row.spec_json,   row.model_json,     row.data_json,
	                            row.engine_json, row.dataset_id, row.metrics_json};
	const char *const answered[] = {made.id,          made.status,    made.reason,      made.reason_message,
	                                made.name,        made.project,   made.tags_json,   made.spec_json,
	                                made.model_json,  made.data_json, made.engine_json, made.dataset_id,
	                                made.metrics_json};
	for (size_t i = 0; i < sizeof read / sizeof read[0]; i++)
		assert_same_text(answered[i], read[i]);
	const int64_t numbers[] = {row.attempt,     row.max_attempts, row.epochs,        row.epoch,
	                           row.version,     row.created_at,   row.started_at,    row.attempt_started_at,
	                           row.finished_at, row.best_epoch,   row.queue_position};
	const int64_t made_numbers[] = {
	    made.attempt,     made.max_attempts, made.epochs,        made.epoch,
	    made.version,     made.created_at,   made.started_at,    made.attempt_started_at,
	    made.finished_at, made.best_epoch,   made.queue_position};
	assert_memory_equal(numbers, made_numbers, sizeof numbers);
	assert_true(isnan(made.best_test_loss) && isnan(row.best_test_loss));
	assert_true(made.max_seconds == row.max_seconds && made.train_seconds == row.train_seconds);
	experiment_row_free(&row);
}

static void test_queue_positions(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		insert(i);
	claim();
	assert_int_equal(db_script(db, "UPDATE experiment SET run_at = 900 WHERE id LIKE '%3'"), 0);
	static const int expected[] = {0, 2, 3, 1};
	for (int i = 0; i < 4; i++) {
		struct experiment_row row = get(numbered_id(i));
		assert_int_equal(row.queue_position, expected[i]);
		experiment_row_free(&row);
	}
}

static void test_deleting_experiments(void **state)
{
	(void)state;
	insert(1);
	for (int status = 0; status < STATUS_COUNT; status++) {
		if (status_terminal((enum run_status)status))
			continue;
		db_query(db, "UPDATE experiment SET status = :status");
		db_bind_text(db, ":status", status_name((enum run_status)status));
		assert_int_equal(db_run(db), 0);
		assert_int_equal(experiment_delete(db, numbered_id(1), NULL), ERR_CONFLICT);
	}
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'failed'"), 0);
	assert_int_equal(experiment_delete(db, numbered_id(1), NULL), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM transition"), 0);
	assert_int_equal(experiment_delete(db, numbered_id(1), NULL), ERR_NOT_FOUND);
}

/* Every column comes back as it went in, each another value. */
static void test_every_column(void **state)
{
	(void)state;
	struct dataset_row data = {.id = "01ARZ3NDEKTSV4RRFF00000050",
	                           .sha256 = "data hash",
	                           .name = (char[]){"data name"},
	                           .file = (char[]){"data file"},
	                           .kind = (char[]){"data kind"},
	                           .columns_json = (char[]){"[1]"},
	                           .description_json = (char[]){"{2}"},
	                           .bytes = INT64_C(1) << 40,
	                           .n_rows = INT64_C(1) << 33,
	                           .created_at = 11};
	bool existed;
	assert_int_equal(dataset_insert(db, &data, &existed, NULL), 0);
	struct experiment_new new = new_experiment(numbered_id(1));
	new.name = "a", new.project = "b", new.tags_json = "c", new.spec_json = "d", new.model_json = "e";
	new.data_json = "f", new.engine_json = "g", new.dataset_id = data.id;
	new.epochs = 12, new.max_attempts = 13, new.max_seconds = 14.5, new.now = 15;
	assert_int_equal(experiment_insert(db, &new, 1, NULL), 0);
	assert_int_equal(select_int(db, "SELECT run_at FROM experiment"), 15);
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'failed', reason = 'r', reason_message = 'm',"
	                               " attempt = 21, epoch = 22, version = 23, started_at = 24,"
	                               " attempt_started_at = 25, finished_at = 26, metrics_json = 'h',"
	                               " best_test_loss = 29.5, best_epoch = 30, train_seconds = 31.5"),
	                 0);
	struct experiment_row row = get(numbered_id(1));
	assert_string_equal(row.id, numbered_id(1));
	const char *const texts[] = {row.status,    row.reason,      row.reason_message, row.name,
	                             row.project,   row.tags_json,   row.spec_json,      row.model_json,
	                             row.data_json, row.engine_json, row.dataset_id,     row.metrics_json};
	const char *const expected[] = {"failed", "r", "m", "a", "b", "c", "d", "e", "f", "g", data.id, "h"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_string_equal(texts[i], expected[i]);
	const int64_t numbers[] = {row.epochs,      row.max_attempts, row.created_at,    row.attempt,
	                           row.epoch,       row.version,      row.started_at,    row.attempt_started_at,
	                           row.finished_at, row.best_epoch,   row.queue_position};
	const int64_t expected_numbers[] = {12, 13, 15, 21, 22, 23, 24, 25, 26, 30, 0};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		assert_int_equal(numbers[i], expected_numbers[i]);
	assert_true(row.max_seconds == 14.5);
	assert_true(row.best_test_loss == 29.5 && row.train_seconds == 31.5);
	experiment_row_free(&row);
	struct dataset_row found;
	assert_int_equal(dataset_get(db, "data name", &everybody, &found, NULL), 0);
	assert_string_equal(found.id, data.id);
	assert_string_equal(found.sha256, "data hash");
	assert_string_equal(found.columns_json, "[1]");
	assert_string_equal(found.file, "data file");
	assert_string_equal(found.kind, "data kind");
	assert_string_equal(found.description_json, "{2}");
	assert_true(found.bytes == data.bytes && found.n_rows == data.n_rows && found.created_at == 11);
	dataset_row_free(&found);
}

/* From 1 without gaps, for each experiment by itself; "" is kept as nothing. */
static void test_transitions_are_numbered(void **state)
{
	(void)state;
	struct transition_row *rows = NULL;
	int count = 0;
	insert(1);
	insert(2);
	const struct transition_row row = {77, 5, "running", "queued", "shutdown", "why"};
	assert_int_equal(transition_insert(db, numbered_id(1), &row, NULL), 0);
	assert_int_equal(transition_insert(db, numbered_id(1), &(struct transition_row){.to_status = "x"}, NULL), 0);
	assert_int_equal(transition_insert(db, "nobody", &row, NULL), ERR_CONFLICT);
	assert_int_equal(select_int(db, "SELECT max(seq) FROM transition"), 3);
	assert_int_equal(select_int(db, "SELECT count(*) FROM transition WHERE reason IS NULL AND message IS NULL"
	                                " AND from_status IS NULL"),
	                 3);
	assert_int_equal(transition_list(db, numbered_id(1), &rows, &count, NULL), 0);
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].at, 1000);
	assert_int_equal(rows[1].at, 77);
	assert_int_equal(rows[1].attempt, 5);
	assert_string_equal(rows[1].from_status, "running");
	assert_string_equal(rows[1].to_status, "queued");
	assert_string_equal(rows[1].reason, "shutdown");
	assert_string_equal(rows[1].message, "why");
	assert_string_equal(rows[2].reason, "");
	free(rows);
}

/* More rows than the first allocations hold. */
static void test_long_lists(void **state)
{
	(void)state;
	enum { COUNT = 70 };
	struct metric_row *metrics = NULL;
	struct transition_row *transitions = NULL;
	int count = 0;
	insert(1);
	struct run_token token = claim();
	for (int i = 1; i <= COUNT; i++) {
		char text[32];
		snprintf(text, sizeof text, "{\"train_loss\":%d}", i);
		const struct metric_row metric = {.epoch = i, .seconds = 4 * i, .metrics_json = text};
		assert_int_equal(progress_epoch(db, &token, &metric, NOW, NULL), 0);
		const struct transition_row row = {.at = i, .to_status = "x"};
		assert_int_equal(transition_insert(db, token.id, &row, NULL), 0);
	}
	assert_int_equal(metric_list(db, token.id, 0, &metrics, &count, NULL), 0);
	assert_int_equal(count, COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(metrics[i].epoch, i + 1);
		assert_int_equal(metrics[i].attempt, 1);
		char text[32];
		snprintf(text, sizeof text, "{\"train_loss\":%d}", i + 1);
		assert_string_equal(metrics[i].metrics_json, text);
		assert_true(metrics[i].seconds == 4 * (i + 1));
	}
	metric_rows_free(metrics, count);
	assert_int_equal(metric_list(db, token.id, COUNT, &metrics, &count, NULL), 0);
	assert_int_equal(count, 0);
	metric_rows_free(metrics, count);
	assert_int_equal(transition_list(db, token.id, &transitions, &count, NULL), 0);
	assert_int_equal(count, COUNT + 2);
	assert_int_equal(transitions[COUNT + 1].at, COUNT);
	free(transitions);
	for (int i = 2; i <= COUNT; i++)
		insert(i);
	struct experiment_query query = {.limit = COUNT};
	struct experiment_row *rows = NULL;
	bool more = true;
	assert_int_equal(experiment_list(db, &query, &rows, &count, &more, NULL), 0);
	assert_int_equal(count, COUNT);
	assert_false(more);
	for (int i = 0; i < COUNT; i++) {
		assert_string_equal(rows[i].id, numbered_id(COUNT - i));
		experiment_row_free(&rows[i]);
	}
	free(rows);
}

/* Deleting takes all that belongs to it, and nothing else. */
static void test_deleting_takes_everything(void **state)
{
	(void)state;
	static const char *const counts[] = {"SELECT count(*) FROM experiment", "SELECT count(*) FROM epoch_metric",
	                                     "SELECT count(*) FROM checkpoint", "SELECT count(*) FROM artifact",
	                                     "SELECT count(*) FROM transition WHERE seq = 1"};
	for (int i = 1; i <= 2; i++) {
		insert(i);
		struct run_token token = claim();
		report_epoch(&token, 1, 0.5);
		assert_int_equal(progress_checkpoint(db, &token, 1, "f", "h", NOW, NULL), 0);
		assert_int_equal(artifact_insert(db, token.id, &(struct artifact_row){"w", "f", "h", 1}, NULL), 0);
		assert_int_equal(state_succeed(db, &token, NOW, NULL), 0);
	}
	assert_int_equal(experiment_delete(db, numbered_id(1), NULL), 0);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		assert_int_equal(select_int(db, counts[i]), 1);
	struct experiment_row row = get(numbered_id(2));
	experiment_row_free(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_new_experiment), TEST(test_pages_are_stable_under_inserts),
	    TEST(test_list_filters),     TEST(test_the_row_of_a_new_experiment),
	    TEST(test_queue_positions),  TEST(test_deleting_experiments),
	    TEST(test_every_column),     TEST(test_transitions_are_numbered),
	    TEST(test_long_lists),       TEST(test_deleting_takes_everything),
	};
	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
