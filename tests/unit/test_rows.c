/* Rows: submission and its Idempotency-Key, listing, progress, checkpoints, artifacts, data sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "schema/embed.h"
#include "server/store/datasets.h"
#include "server/store/queue_order.h"
#include "tests/unit/experiment_fixture.h"

static struct db *db;
static struct queue_order *queue;

enum { NOW = 5000, DAY_MS = 24 * 60 * 60 * 1000 };

static int setup(void **state)
{
	if (make_folder(state) != 0 || db_open(&db, database, DB_WRITER, schema_database_sql, NULL) != 0)
		return -1;
	int rc = queue_order_new(&queue, NULL);
	db_set_queue_order(db, queue);
	return rc;
}

static int teardown(void **state)
{
	db_close(db);
	queue_order_free(queue);
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
	assert_int_equal(turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
	return token;
}

static struct experiment_row get(const char *id)
{
	struct experiment_row row;
	assert_int_equal(queue_order_follow(queue, db, NULL), 0);
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

static int insert_with_key(int number, const char *key, const char *body, int64_t now, char existing[RUN_ID_SIZE])
{
	struct experiment_new new = new_experiment(numbered_id(number));
	new.key = key;
	new.key_at = now;
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

static void report_epoch(const struct run_token *token, int epoch, double test_loss)
{
	char metrics[100], number[32] = "null";
	if (!isnan(test_loss))
		snprintf(number, sizeof number, "%g", test_loss);
	snprintf(metrics, sizeof metrics, "{\"train_loss\":%d,\"test_loss\":%s}", epoch, number);
	const struct metric_row metric = {.epoch = epoch, .seconds = 2, .metrics_json = metrics};
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
	row.file = strdup(sha256);
	row.kind = strdup("csv");
	row.columns_json = strdup("[]");
	row.description_json = strdup("{}");
	assert_true(row.name != NULL && row.file != NULL && row.kind != NULL && row.columns_json != NULL &&
	            row.description_json != NULL);
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
	assert_int_equal(dataset_get(db, "one", &everybody, &row, NULL), 0);
	assert_string_equal(row.id, numbered_id(1));
	dataset_row_free(&row);
	assert_int_equal(dataset_get(db, numbered_id(1), &everybody, &row, NULL), 0);
	assert_string_equal(row.name, "one");
	dataset_row_free(&row);
	assert_int_equal(dataset_get(db, "two", &everybody, &row, NULL), ERR_NOT_FOUND);
	assert_int_equal(dataset_list(db, &everybody, &rows, &count, NULL), 0);
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

/* A key lives for 24 hours to the millisecond. */
static void test_the_age_of_keys(void **state)
{
	(void)state;
	static const struct {
		int64_t age;
		bool known;
	} cases[] = {{0, true},      {60 * 60 * 1000, true}, {DAY_MS - 60 * 60 * 1000, true},
	             {DAY_MS, true}, {DAY_MS + 1, false},    {DAY_MS + 60 * 60 * 1000, false}};
	char existing[RUN_ID_SIZE], key[8];
	for (int i = 0; i < 6; i++) {
		assert_int_equal(db_script(db, "DELETE FROM idempotency; UPDATE experiment SET status = 'failed'"), 0);
		snprintf(key, sizeof key, "k%d", i);
		assert_int_equal(insert_with_key(2 * i, key, "body", INT64_C(1) << 40, existing), 0);
		assert_int_equal(insert_with_key(2 * i + 1, key, "body", (INT64_C(1) << 40) + cases[i].age, existing),
		                 0);
		assert_string_equal(existing, cases[i].known ? numbered_id(2 * i) : "");
		assert_int_equal(select_int(db, "SELECT count(*) FROM idempotency"), 1);
	}
}

/* While a process is young its clock may be wrong: keys are kept for longer by as much as it says. */
static void test_the_grace_of_keys(void **state)
{
	(void)state;
	char existing[RUN_ID_SIZE];
	assert_int_equal(insert_with_key(1, "k", "body", INT64_C(1) << 40, existing), 0);
	struct experiment_new new = new_experiment(numbered_id(2));
	new.key = "k", new.body_sha256 = "body", new.existing_id = existing, new.key_grace = DAY_MS;
	new.key_at = (INT64_C(1) << 40) + 2 * (int64_t)DAY_MS;
	assert_int_equal(experiment_insert(db, &new, 3, NULL), 0);
	assert_string_equal(existing, numbered_id(1));
	new.key_at++;
	assert_int_equal(experiment_insert(db, &new, 3, NULL), 0);
	assert_string_equal(existing, "");
}

/* What a POST that is refused leaves behind: nothing, its key neither. */
static void test_the_limit_of_the_queue(void **state)
{
	(void)state;
	char existing[RUN_ID_SIZE];
	struct qlstm_error error = {0};
	for (int i = 1; i <= 2; i++)
		insert(i);
	struct experiment_new new = new_experiment(numbered_id(3));
	assert_int_equal(experiment_insert(db, &new, 2, &error), ERR_UNAVAILABLE);
	assert_string_equal(error.message, "2 experiments are waiting already");
	claim(); /* what runs does not wait */
	assert_int_equal(experiment_insert(db, &new, 2, NULL), 0);
	for (int i = 4; i <= 5; i++)
		assert_int_equal(insert_with_key(i, "k", "body", NOW, existing), 0);
	assert_string_equal(existing, numbered_id(4));
	assert_int_equal(insert_with_key(6, "l", "body", NOW, existing), ERR_UNAVAILABLE);
	assert_int_equal(select_int(db, "SELECT count(*) FROM idempotency"), 1);
	assert_int_equal(select_int(db, "SELECT count(*) FROM transition WHERE experiment_id LIKE '%6'"), 0);
	/* A key with nowhere to put the id that was made before. */
	new = new_experiment(numbered_id(7));
	new.key = "k", new.body_sha256 = "body", new.now = new.key_at = NOW;
	assert_int_equal(experiment_insert(db, &new, 100, NULL), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment WHERE id LIKE '%7'"), 0);
	error_clear(&error);
	new.body_sha256 = "other";
	assert_int_equal(experiment_insert(db, &new, 100, &error), ERR_CONFLICT);
	assert_string_equal(error.message, "the Idempotency-Key was used with another body");
	/* Deleting what it made keeps the key: a late repetition does not bring it back. */
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'failed'"), 0);
	assert_int_equal(experiment_delete(db, numbered_id(4), NULL), 0);
	assert_int_equal(insert_with_key(8, "k", "body", NOW, existing), 0);
	assert_string_equal(existing, numbered_id(4));
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment WHERE id LIKE '%8'"), 0);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_new_experiment),
	    TEST(test_idempotency_keys),
	    TEST(test_pages_are_stable_under_inserts),
	    TEST(test_list_filters),
	    TEST(test_the_row_of_a_new_experiment),
	    TEST(test_queue_positions),
	    TEST(test_metrics),
	    TEST(test_metrics_without_test_data),
	    TEST(test_two_checkpoints_are_kept),
	    TEST(test_artifacts),
	    TEST(test_deleting_experiments),
	    TEST(test_datasets),
	    TEST(test_deleting_datasets),
	    TEST(test_every_column),
	    TEST(test_transitions_are_numbered),
	    TEST(test_long_lists),
	    TEST(test_the_age_of_keys),
	    TEST(test_the_grace_of_keys),
	    TEST(test_the_limit_of_the_queue),
	    TEST(test_signs_of_life),
	    TEST(test_checkpoints_are_kept_apart),
	    TEST(test_deleting_takes_everything),
	    TEST(test_lists_of_artifacts),
	};
	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
