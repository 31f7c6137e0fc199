/* Rows: submission and its Idempotency-Key, listing, progress, checkpoints, artifacts, data sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "schema/embed.h"
#include "server/store/datasets.h"
#include "tests/unit/experiment_fixture.h"

static struct db *db;

enum { NOW = 5000, DAY_MS = 24 * 60 * 60 * 1000 };

static int setup(void **state)
{
	return make_folder(state) != 0 ? -1 : db_open(&db, database, DB_WRITER, schema_database_sql, NULL);
}

static int teardown(void **state)
{
	db_close(db);
	return drop_folder(state);
}

static void insert(int number)
{
	struct experiment_new new = new_experiment(numbered_id(number));
	assert_int_equal(experiment_insert(db, &new, 1000, NULL), 0);
}

static struct run_token claim(void)
{
	struct run_token token;
	int64_t next_due;
	assert_int_equal(state_claim(db, NOW, &token, &next_due, NULL), 0);
	return token;
}

static struct experiment_row get(const char *id)
{
	struct experiment_row row;
	assert_int_equal(experiment_get(db, id, &row, NULL), 0);
	return row;
}

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
	assert_int_equal(row.epochs, 100);
	assert_int_equal(row.version, 1);
	assert_int_equal(row.created_at, 1000);
	assert_int_equal(row.started_at, 0);
	assert_true(isnan(row.train_loss) && isnan(row.test_loss) && isnan(row.best_test_loss));
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

static int insert_with_key(int number, const char *key, const char *body, int64_t now, char existing[RUN_ID_SIZE])
{
	struct experiment_new new = new_experiment(numbered_id(number));
	new.key = key;
	new.body_sha256 = body;
	new.now = now;
	new.existing_id = existing;
	return experiment_insert(db, &new, 3, NULL);
}

static void test_idempotency_keys(void **state)
{
	(void)state;
	char existing[RUN_ID_SIZE] = "?";
	assert_int_equal(insert_with_key(1, "k", "body", NOW, existing), 0);
	assert_string_equal(existing, "");
	assert_int_equal(insert_with_key(2, "k", "body", NOW + 1, existing), 0); /* a replay */
	assert_string_equal(existing, numbered_id(1));
	assert_int_equal(insert_with_key(3, "k", "other", NOW + 1, existing), ERR_CONFLICT);
	assert_string_equal(existing, "");
	assert_int_equal(insert_with_key(4, "l", "body", NOW + 1, existing), 0);
	assert_int_equal(insert_with_key(5, "m", "body", NOW + 1, existing), 0);
	assert_int_equal(insert_with_key(6, "n", "body", NOW + 1, existing), ERR_UNAVAILABLE); /* the queue is full */
	assert_int_equal(insert_with_key(7, "k", "body", NOW + 1, existing), 0); /* a replay needs no room */
	assert_string_equal(existing, numbered_id(1));
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 3);
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'succeeded'"), 0);
	assert_int_equal(insert_with_key(8, "k", "other", NOW + DAY_MS + 1, existing), 0); /* a day later it is free */
	assert_string_equal(existing, "");
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
	assert_int_equal(experiment_count_by_status(db, counts, NULL), 0);
	assert_int_equal(counts[STATUS_QUEUED], 8);
	assert_int_equal(counts[STATUS_FAILED], 2);
	assert_int_equal(counts[STATUS_RUNNING], 0);
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

static void report_epoch(const struct run_token *token, int epoch, double test_loss)
{
	struct metric_row metric = {
	    .epoch = epoch, .train_loss = epoch, .test_loss = test_loss, .gradient_norm = NAN, .seconds = 2};
	assert_int_equal(progress_epoch(db, token, &metric, NOW + epoch, NULL), 0);
}

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
	assert_true(rows[3].test_loss == 5 && isnan(rows[3].gradient_norm));
	free(rows);
	assert_int_equal(metric_list(db, token.id, 3, &rows, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_int_equal(rows[0].epoch, 5);
	free(rows);
	struct experiment_row row = get(token.id);
	assert_int_equal(row.epoch, 5);
	assert_int_equal(row.best_epoch, 5);
	assert_true(row.best_test_loss == 5 && row.train_loss == 5);
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
	assert_true(isnan(row.test_loss) && isnan(row.best_test_loss));
	assert_int_equal(row.best_epoch, 0);
	experiment_row_free(&row);
	report_epoch(&token, 2, 0.5);
	report_epoch(&token, 3, NAN);
	row = get(token.id);
	assert_int_equal(row.best_epoch, 2);
	assert_true(row.best_test_loss == 0.5);
	experiment_row_free(&row);
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

static int insert_dataset(int number, const char *name, const char *sha256, bool *existed, char id[27])
{
	struct dataset_row row = {.bytes = 10, .n_rows = 2, .created_at = NOW};
	memcpy(row.id, numbered_id(number), sizeof row.id);
	snprintf(row.sha256, sizeof row.sha256, "%s", sha256);
	row.name = strdup(name);
	row.columns_json = strdup("[]");
	assert_true(row.name != NULL && row.columns_json != NULL);
	int rc = dataset_insert(db, &row, existed, NULL);
	memcpy(id, row.id, 27);
	dataset_row_free(&row);
	return rc;
}

static void test_datasets(void **state)
{
	(void)state;
	bool existed = true;
	char id[27];
	struct dataset_row row, *rows = NULL;
	int count = 0;
	assert_int_equal(insert_dataset(1, "one", "aaa", &existed, id), 0);
	assert_false(existed);
	assert_int_equal(insert_dataset(2, "one", "aaa", &existed, id), 0);
	assert_true(existed);
	assert_string_equal(id, numbered_id(1));
	assert_int_equal(insert_dataset(3, "one", "bbb", &existed, id), ERR_CONFLICT);
	assert_int_equal(insert_dataset(4, numbered_id(1), "ccc", &existed, id), 0); /* named like another's id */
	assert_int_equal(dataset_get(db, "one", &row, NULL), 0);
	assert_string_equal(row.id, numbered_id(1));
	dataset_row_free(&row);
	assert_int_equal(dataset_get(db, numbered_id(1), &row, NULL), 0);
	assert_string_equal(row.name, "one");
	dataset_row_free(&row);
	assert_int_equal(dataset_get(db, "two", &row, NULL), ERR_NOT_FOUND);
	assert_int_equal(dataset_list(db, &rows, &count, NULL), 0);
	assert_int_equal(count, 2);
	assert_string_equal(rows[0].id, numbered_id(4));
	for (int i = 0; i < count; i++)
		dataset_row_free(&rows[i]);
	free(rows);
}

static void test_deleting_datasets(void **state)
{
	(void)state;
	bool existed, last = true;
	char id[27];
	assert_int_equal(insert_dataset(1, "one", "aaa", &existed, id), 0);
	assert_int_equal(insert_dataset(2, "two", "aaa", &existed, id), 0);
	struct experiment_new new = new_experiment(numbered_id(9));
	new.dataset_id = numbered_id(1);
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	for (int status = 0; status < STATUS_COUNT; status++) {
		if (status_terminal((enum run_status)status))
			continue;
		db_query(db, "UPDATE experiment SET status = :status");
		db_bind_text(db, ":status", status_name((enum run_status)status));
		assert_int_equal(db_run(db), 0);
		assert_int_equal(dataset_delete(db, numbered_id(1), &last, NULL), ERR_CONFLICT);
	}
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'succeeded'"), 0);
	assert_int_equal(dataset_delete(db, numbered_id(1), &last, NULL), 0);
	assert_false(last); /* the other name has the same bytes */
	struct experiment_row row = get(numbered_id(9));
	assert_null(row.dataset_id);
	experiment_row_free(&row);
	assert_int_equal(dataset_delete(db, numbered_id(1), &last, NULL), ERR_NOT_FOUND);
	assert_int_equal(dataset_delete(db, numbered_id(2), &last, NULL), 0);
	assert_true(last);
	new.id = numbered_id(10);
	assert_int_equal(experiment_insert(db, &new, 10, NULL), ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_new_experiment),
	    TEST(test_idempotency_keys),
	    TEST(test_pages_are_stable_under_inserts),
	    TEST(test_list_filters),
	    TEST(test_queue_positions),
	    TEST(test_metrics),
	    TEST(test_metrics_without_test_data),
	    TEST(test_two_checkpoints_are_kept),
	    TEST(test_artifacts),
	    TEST(test_deleting_experiments),
	    TEST(test_datasets),
	    TEST(test_deleting_datasets),
	};
	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
