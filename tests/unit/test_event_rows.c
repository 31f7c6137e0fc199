/* Events in the database, and on their way out of it: what each one says, and that nobody hears of what is undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sodium.h>

#include "schema/embed.h"
#include "server/store/events.h"
#include "server/store/group.h"
#include "tests/unit/store_fixture.h"

enum { NOW = 5000 };

static struct db *db;
static struct outbox outbox;

static int setup_rows(void **state)
{
	outbox_init(&outbox);
	if (make_folder(state) != 0 || db_open(&db, database, DB_WRITER, schema_database_sql, NULL) != 0)
		return -1;
	db_set_outbox(db, &outbox);
	return 0;
}

static int teardown_rows(void **state)
{
	outbox_free(&outbox);
	db_close(db);
	return drop_folder(state);
}

static void insert(int number)
{
	struct experiment_new new = new_experiment(numbered_id(number));
	assert_int_equal(experiment_insert(db, &new, 1000, NULL), 0);
}

static struct run_token claim_one(void)
{
	struct run_token token;
	int64_t next_due;
	assert_int_equal(turn_claim(db, NOW, TURN_ANY_ROOM, &token, &next_due, NULL), 0);
	return token;
}

static void assert_event(const struct event *event, const char *experiment, const char *type, int attempt, int64_t at,
                         const char *body)
{
	assert_non_null(event);
	assert_string_equal(event->experiment, experiment);
	assert_string_equal(event->type, type);
	assert_int_equal(event->attempt, attempt);
	assert_int_equal(event->at, at);
	assert_string_equal(event->body, body);
}

/* The same events, in the same order, ids included. */
static void assert_same(const struct event *a, const struct event *b)
{
	for (; a != NULL && b != NULL; a = a->next, b = b->next) {
		assert_event(b, a->experiment, a->type, a->attempt, a->at, a->body);
		assert_int_equal(a->id, b->id);
	}
	assert_true(a == NULL && b == NULL);
}

/* Of every kind, with all that it says. */
static void test_what_events_say(void **state)
{
	(void)state;
	insert(1);
	struct run_token token = claim_one();
	struct metric_row metric = {.epoch = 1,
	                            .seconds = 0.25,
	                            .metrics_json = "{\"train_loss\":0.5,\"test_loss\":null,\"gradient_norm\":0.1}"};
	assert_int_equal(progress_epoch(db, &token, &metric, 6001, NULL), 0);
	assert_int_equal(progress_log(db, &token, "warning", "it is warm", 6002, NULL), 0);
	metric = (struct metric_row){.epoch = 2,
	                             .seconds = 2,
	                             .metrics_json = "{\"train_loss\":0.25,\"test_loss\":0.75,\"gradient_norm\":null}"};
	assert_int_equal(progress_epoch(db, &token, &metric, 6003, NULL), 0);
	assert_int_equal(progress_epoch(db, &token, &metric, 6004, NULL), 0); /* done again: no event */
	assert_int_equal(select_int(db, "SELECT heartbeat_at FROM experiment"), 6004);
	assert_int_equal(progress_hello(db, &token, 7, 6005, NULL), 0);
	assert_int_equal(progress_checkpoint(db, &token, 2, "f", "h", 6006, NULL), 0);
	const struct transition_row row = {6007, 1, "running", "queued", "worker_crashed", "it died"};
	assert_int_equal(transition_insert(db, token.id, &row, NULL), 0);
	const struct event *event = outbox.first;
	assert_event(event, token.id, "status", 0, 1000, "{\"to\":\"queued\"}");
	assert_event(event = event->next, token.id, "status", 1, NOW, "{\"from\":\"queued\",\"to\":\"running\"}");
	assert_event(event = event->next, token.id, "epoch", 1, 6001,
	             "{\"epoch\":1,\"train_loss\":0.5,\"test_loss\":null,\"gradient_norm\":0.1,\"seconds\":0.25}");
	assert_event(event = event->next, token.id, "log", 1, 6002,
	             "{\"level\":\"warning\",\"message\":\"it is warm\"}");
	assert_event(event = event->next, token.id, "epoch", 1, 6003,
	             "{\"epoch\":2,\"train_loss\":0.25,\"test_loss\":0.75,\"gradient_norm\":null,\"seconds\":2.0}");
	assert_event(event = event->next, token.id, "status", 1, 6007,
	             "{\"from\":\"running\",\"to\":\"queued\",\"reason\":\"worker_crashed\",\"message\":\"it died\"}");
	assert_null(event->next);
	struct outbox listed;
	outbox_init(&listed);
	assert_int_equal(event_list(db, token.id, 0, 100, &listed, NULL), 0);
	assert_same(outbox.first, listed.first);
	outbox_free(&listed);
}

/* Behind an id, at most so many, of one experiment. */
static void test_lists_of_events(void **state)
{
	(void)state;
	for (int i = 1; i <= 2; i++)
		insert(i);
	for (int i = 0; i < 6; i++)
		assert_int_equal(
		    event_insert(db, numbered_id(1 + i % 2), "log", i, 10 * i, json_pack("{s:i}", "i", i), NULL), 0);
	struct outbox listed;
	outbox_init(&listed);
	assert_int_equal(event_list(db, numbered_id(2), 2, 2, &listed, NULL), 0);
	assert_event(listed.first, numbered_id(2), "log", 1, 10, "{\"i\":1}");
	assert_event(listed.first->next, numbered_id(2), "log", 3, 30, "{\"i\":3}");
	assert_null(listed.first->next->next);
	assert_int_equal(listed.first->id, 4);
	int64_t last = listed.first->next->id;
	assert_int_equal(event_list(db, numbered_id(2), last, 100, &listed, NULL), 0); /* appended */
	assert_event(listed.first->next->next, numbered_id(2), "log", 5, 50, "{\"i\":5}");
	assert_null(listed.first->next->next->next);
	outbox_free(&listed);
	assert_int_equal(event_list(db, numbered_id(2), 8, 100, &listed, NULL), 0);
	assert_null(listed.first);
	/* An id is never used again. */
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'failed'"), 0);
	assert_int_equal(experiment_delete(db, numbered_id(2), NULL), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM event"), 4);
	assert_int_equal(event_insert(db, numbered_id(1), "log", 1, 1, json_object(), NULL), 0);
	assert_int_equal(select_int(db, "SELECT max(id) FROM event"), 9);
}

/* What does not become a row becomes no event. */
static void test_events_that_fail(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	assert_int_equal(event_insert(db, "nobody", "log", 1, 1, json_object(), &error), ERR_CONFLICT);
	assert_non_null(strstr(error.message, "FOREIGN KEY"));
	assert_null(outbox.first);
	error_clear(&error);
	assert_int_equal(event_insert(db, "nobody", "log", 1, 1, NULL, &error), ERR_OUT_OF_MEMORY);
	assert_int_equal(error.code, ERR_OUT_OF_MEMORY);
	insert(1);
	struct run_token stale = {"", 3};
	snprintf(stale.id, sizeof stale.id, "%s", numbered_id(1));
	const struct metric_row metric = {.epoch = 1, .seconds = 1, .metrics_json = METRICS_1};
	assert_int_equal(progress_log(db, &stale, "info", "late", NOW, NULL), ERR_CONFLICT);
	assert_int_equal(progress_epoch(db, &stale, &metric, NOW, NULL), ERR_CONFLICT);
	assert_int_equal(progress_checkpoint(db, &stale, 1, "f", "h", NOW, NULL), ERR_CONFLICT);
	assert_int_equal(select_int(db, "SELECT count(*) FROM event"), 1);
	assert_int_equal(select_int(db, "SELECT count(*) FROM epoch_metric"), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM checkpoint"), 0);
	db_set_outbox(db, NULL); /* nobody listens: the row is made all the same */
	assert_int_equal(event_insert(db, numbered_id(1), "log", 1, 1, json_object(), NULL), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM event"), 2);
}

static int refuse(struct db *connection, void *argument, struct qlstm_error *error)
{
	int rc = insert_numbered(connection, argument, error);
	return rc != 0 ? rc : error_set(error, ERR_INVALID, NULL, "changed my mind");
}

static int lose(struct db *connection, void *argument, struct qlstm_error *error)
{
	int rc = insert_numbered(connection, argument, error);
	db_rollback(connection);
	return rc;
}

/* Runs writes for the experiments 1, 2, 3 ... as one group. */
static bool run_group(const store_fn *functions, int count)
{
	static int numbers[4] = {1, 2, 3, 4};
	struct write writes[4] = {0};
	bool committed = false;
	for (int i = 0; i < count; i++) {
		writes[i].fn = functions[i];
		writes[i].argument = &numbers[i];
		writes[i].next = i + 1 < count ? &writes[i + 1] : NULL;
	}
	group_run(db, writes, &committed);
	return committed;
}

static void test_events_of_a_group(void **state)
{
	(void)state;
	assert_true(run_group((store_fn[]){insert_numbered, refuse, insert_numbered}, 3));
	assert_string_equal(outbox.first->experiment, numbered_id(1));
	assert_string_equal(outbox.first->next->experiment, numbered_id(3));
	assert_null(outbox.first->next->next);
	outbox_free(&outbox);
	assert_int_equal(db_script(db, "DELETE FROM experiment"), 0);
	assert_false(run_group((store_fn[]){insert_numbered, lose, insert_numbered}, 3));
	assert_null(outbox.first);
	/* The last of a group that fails leaves the others' events. */
	assert_true(run_group((store_fn[]){insert_numbered, refuse}, 2));
	assert_string_equal(outbox.first->experiment, numbered_id(1));
	assert_null(outbox.first->next);
	db_set_outbox(db, NULL);
	assert_int_equal(db_script(db, "DELETE FROM experiment"), 0);
	assert_true(run_group((store_fn[]){insert_numbered, refuse}, 2));
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 1);
	assert_false(run_group((store_fn[]){lose}, 1));
}

/* A COMMIT that fails: a foreign key that is looked at only then. */
static int insert_for_nobody(struct db *connection, void *argument, struct qlstm_error *error)
{
	int rc = insert_numbered(connection, argument, error);
	if (rc == 0)
		rc = db_script(connection, "PRAGMA defer_foreign_keys = ON; INSERT INTO artifact VALUES"
		                           " ('nobody', 'n', 'f', 1, 'h')");
	return rc;
}

static void test_events_of_a_failing_commit(void **state)
{
	(void)state;
	struct write one = {.fn = insert_for_nobody, .argument = &(int){1}};
	bool committed = true;
	assert_null(group_run(db, &one, &committed));
	assert_false(committed);
	assert_int_equal(one.error.code, ERR_CONFLICT);
	assert_false(db_in_transaction(db));
	assert_null(outbox.first);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM event"), 0);
	/* Why the commit failed, not why another write did. */
	struct write writes[2] = {{.next = &writes[1], .fn = insert_for_nobody, .argument = &(int){1}},
	                          {.fn = refuse, .argument = &(int){2}}};
	assert_null(group_run(db, writes, &committed));
	assert_false(committed);
	assert_int_equal(writes[0].error.code, ERR_CONFLICT);
	assert_non_null(strstr(writes[0].error.message, "FOREIGN KEY"));
	assert_int_equal(writes[1].error.code, ERR_INVALID);
}

/* Through the store: events come on the loop, in the order of their ids, before the completion of the write that made
 * them. */
static struct {
	int64_t ids[16];
	int count, when_done;
	bool keep;
	struct outbox kept;
} heard;

static void on_events(void *context, struct outbox *events)
{
	assert_ptr_equal(context, &heard);
	for (const struct event *event = events->first; event != NULL; event = event->next)
		heard.ids[heard.count++] = event->id;
	if (heard.keep)
		outbox_move(&heard.kept, events);
}

struct submission {
	int number; /* first: insert_numbered reads it */
	int code;
	bool done;
};

static void on_done(void *argument, const struct qlstm_error *error)
{
	struct submission *submission = argument;
	submission->code = error->code;
	submission->done = true;
	heard.when_done = heard.count;
	uv_stop(&loop);
}

static void submit(int number)
{
	struct submission submission = {.number = number};
	assert_int_equal(store_submit(store, insert_numbered, on_done, &submission), 0);
	while (!submission.done)
		uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(submission.code, 0);
}

static int listen_to_store(void **state)
{
	memset(&heard, 0, sizeof heard);
	outbox_init(&heard.kept);
	if (setup(state) != 0)
		return -1;
	store_on_events(store, on_events, &heard);
	return 0;
}

static void test_events_reach_the_loop(void **state)
{
	(void)state;
	int number = 1;
	heard.keep = true;
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0); /* waited for: an event all the same */
	while (heard.count == 0)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(heard.count, 1);
	number = 2;
	assert_int_equal(store_write(store, refuse, &number, NULL), ERR_INVALID);
	submit(3);
	assert_int_equal(heard.when_done, 2);
	assert_int_equal(heard.ids[0], 1);
	assert_true(heard.ids[1] > 1);
	assert_string_equal(heard.kept.first->next->experiment, numbered_id(3));
	outbox_free(&heard.kept);
	/* Nobody: they are dropped. */
	store_on_events(store, NULL, NULL);
	submit(4);
	assert_int_equal(heard.count, 2);
}

/* What was written before the store closes is handed over by closing it. */
static void test_closing_hands_over_events(void **state)
{
	int number = 1;
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
	number = 2;
	assert_int_equal(store_submit(store, insert_numbered, NULL, &number), 0);
	assert_int_equal(close_store(state), 0);
	assert_int_equal(heard.count, 2);
	assert_int_equal(open_store(state), 0);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define ROWS(test)  cmocka_unit_test_setup_teardown(test, setup_rows, teardown_rows)
#define STORE(test) cmocka_unit_test_setup_teardown(test, listen_to_store, teardown)
	const struct CMUnitTest tests[] = {
	    ROWS(test_what_events_say),
	    ROWS(test_lists_of_events),
	    ROWS(test_events_that_fail),
	    ROWS(test_events_of_a_group),
	    ROWS(test_events_of_a_failing_commit),
	    STORE(test_events_reach_the_loop),
	    STORE(test_closing_hands_over_events),
	};
	return cmocka_run_group_tests_name("event_rows", tests, NULL, NULL);
}
