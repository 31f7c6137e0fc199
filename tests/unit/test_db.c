/* One SQLite connection: its settings, queries as brackets, errors that stick, transactions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "schema/embed.h"
#include "server/store/rows.h"
#include "tests/unit/experiment_fixture.h"

static struct db *db;

static int setup(void **state)
{
	return make_folder(state) != 0 ? -1 : db_open(&db, database, DB_WRITER, schema_database_sql, NULL);
}

static int teardown(void **state)
{
	db_close(db);
	return drop_folder(state);
}

static const char *select_text(struct db *connection, const char *sql)
{
	static char text[128];
	db_query(connection, sql);
	snprintf(text, sizeof text, "%s",
	         db_step(connection) > 0 && db_text(connection, 0) != NULL ? db_text(connection, 0) : "nothing");
	assert_int_equal(db_finish(connection), 0);
	return text;
}

/* What durability and safety rest on, asked of SQLite itself. */
static void test_settings(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *writer, *reader;
	} settings[] = {
	    {"PRAGMA synchronous", "2", "2"}, /* FULL: each commit is synced */
	    {"PRAGMA journal_mode", "wal", "wal"},
	    {"PRAGMA foreign_keys", "1", "1"},
	    {"PRAGMA busy_timeout", "5000", "5000"},
	    {"PRAGMA wal_autocheckpoint", "0", "0"}, /* the writer thread's to do */
	    {"PRAGMA trusted_schema", "0", "0"},
	    {"PRAGMA cell_size_check", "1", "1"},
	    {"PRAGMA mmap_size", "0", "0"},
	    {"PRAGMA temp_store", "2", "2"},
	    {"PRAGMA query_only", "0", "1"},
	    {"PRAGMA application_id", "1902932852", "1902932852"},
	    {"PRAGMA user_version", "9", "9"},
	};
	struct db *reader = NULL;
	assert_int_equal(db_open(&reader, database, DB_READER, NULL, NULL), 0);
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		assert_string_equal(select_text(db, settings[i].sql), settings[i].writer);
		assert_string_equal(select_text(reader, settings[i].sql), settings[i].reader);
	}
	db_close(reader);
}

static void test_a_reader_needs_a_file(void **state)
{
	(void)state;
	struct db *reader = NULL;
	struct qlstm_error error = {0};
	char path[400];
	snprintf(path, sizeof path, "%s/none", folder);
	assert_int_equal(db_open(&reader, path, DB_READER, NULL, &error), ERR_IO);
	assert_null(reader);
	assert_non_null(strstr(error.message, "unable to open database file"));
	assert_int_equal(access(path, F_OK), -1);
}

static void test_a_reader_leaves_the_log_alone(void **state)
{
	(void)state;
	char log[400];
	struct db *reader = NULL;
	snprintf(log, sizeof log, "%s-wal", database);
	struct experiment_new new = new_experiment(numbered_id(1));
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	assert_int_equal(db_open(&reader, database, DB_READER, NULL, NULL), 0);
	assert_int_equal(select_int(reader, "SELECT count(*) FROM experiment"), 1);
	struct qlstm_error error = {0};
	assert_int_equal(db_script(reader, "DELETE FROM experiment"), ERR_IO);
	assert_int_equal(db_error(reader, &error), ERR_IO);
	assert_non_null(strstr(error.message, "readonly database"));
	int64_t before = db_log_pages(db);
	assert_true(before > 0);
	assert_int_equal(db_checkpoint(db, false), 0);
	db_close(reader);
	assert_int_equal(access(log, F_OK), 0);
}

static void test_values_come_back_as_they_were_bound(void **state)
{
	(void)state;
	char text[] = "caf\xc3\xa9";
	db_query(db, "SELECT :text, :int, :real, :nan, :null, :nulltext, :unbound");
	db_bind_text(db, ":text", text);
	text[0] = 'X'; /* it was copied */
	db_bind_int(db, ":int", INT64_MIN);
	db_bind_real(db, ":real", 0.1);
	db_bind_real(db, ":nan", NAN);
	db_bind_int(db, ":null", 7);
	db_bind_null(db, ":null");
	db_bind_text(db, ":nulltext", NULL);
	assert_int_equal(db_step(db), 1);
	assert_string_equal(db_text(db, 0), "caf\xc3\xa9");
	assert_true(db_int(db, 1) == INT64_MIN);
	assert_true(db_real(db, 2) == 0.1);
	assert_false(db_is_null(db, 2));
	for (int column = 3; column <= 6; column++) {
		assert_true(db_is_null(db, column));
		assert_true(isnan(db_real(db, column)));
		assert_null(db_text(db, column));
		assert_int_equal(db_int(db, column), 0);
	}
	assert_int_equal(db_step(db), 0);
	assert_int_equal(db_step(db), 0); /* not anew */
	assert_int_equal(db_finish(db), 0);
}

/* Into a place of a fixed size: cut to what fits, on a whole character, and not a byte further. */
static void test_columns_are_cut(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected;
	} cases[] = {{"", ""},
	             {"abc", "abc"},
	             {"abcdefg", "abcdefg"},
	             {"abcdefgh", "abcdefg"},
	             {"abcdefghijklmnop", "abcdefg"},
	             {"abcdef\xc3\xa9", "abcdef"},
	             {"abcde\xc3\xa9", "abcde\xc3\xa9"},
	             {NULL, ""}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char place[8 + 2], *copy = NULL;
		memset(place, '#', sizeof place);
		db_query(db, "SELECT :text");
		db_bind_text(db, ":text", cases[i].text);
		assert_int_equal(db_step(db), 1);
		column_text(db, 0, place, 8);
		assert_int_equal(column_copy(db, 0, &copy, NULL), 0);
		assert_int_equal(db_finish(db), 0);
		assert_string_equal(place, cases[i].expected);
		assert_memory_equal(place + 8, "##", 2);
		if (cases[i].text != NULL)
			assert_string_equal(copy, cases[i].text);
		else
			assert_null(copy);
		free(copy);
	}
}

/* The same text is one statement; what was bound before is not bound any more. */
static void test_bindings_are_cleared(void **state)
{
	(void)state;
	static const char sql[] = "SELECT :x";
	for (int i = 0; i < 3; i++) {
		db_query(db, sql);
		if (i != 1)
			db_bind_int(db, ":x", 7);
		assert_int_equal(db_step(db), 1);
		assert_int_equal(db_is_null(db, 0), i == 1);
		assert_int_equal(db_finish(db), 0);
	}
}

static void test_an_error_sticks_until_the_end(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	db_query(db, "SELECT 1 WHERE 1 = :x");
	db_bind_int(db, ":y", 1); /* there is no such parameter */
	db_bind_int(db, ":x", 1);
	db_bind_text(db, ":x", "1");
	db_bind_real(db, ":x", 1);
	db_bind_null(db, ":x");
	assert_int_equal(db_step(db), ERR_INTERNAL);
	assert_int_equal(db_step(db), ERR_INTERNAL);
	assert_int_equal(db_finish(db), ERR_INTERNAL);
	assert_int_equal(db_error(db, &error), ERR_INTERNAL);
	assert_non_null(strstr(error.message, "(25)")); /* SQLITE_RANGE */
	db_query(db, "SELEKT");
	assert_int_equal(db_step(db), ERR_INTERNAL);
	assert_int_equal(db_finish(db), ERR_INTERNAL);
	error_clear(&error);
	assert_int_equal(db_error(db, &error), ERR_INTERNAL);
	assert_string_equal(error.message, "database: near \"SELEKT\": syntax error (1)");
	assert_int_equal(select_int(db, "SELECT 5"), 5); /* and is gone afterwards */
}

static void test_codes(void **state)
{
	(void)state;
	struct experiment_new new = new_experiment(numbered_id(1));
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	assert_int_equal(db_script(db, "INSERT INTO experiment SELECT * FROM experiment"), ERR_CONFLICT);
	assert_int_equal(db_script(db, "UPDATE experiment SET status = 'odd'"), ERR_CONFLICT);
	assert_int_equal(db_script(db, "INSERT INTO artifact VALUES ('nobody', 'n', 'f', 1, 'h')"), ERR_CONFLICT);
	assert_int_equal(db_script(db, "UPDATE experiment SET name = zeroblob(2000000000)"), ERR_TOO_LARGE);
	struct db *second = NULL;
	assert_int_equal(db_open(&second, database, DB_WRITER, NULL, NULL), 0);
	assert_int_equal(db_script(second, "PRAGMA busy_timeout = 0"), 0);
	assert_int_equal(db_begin(db), 0);
	assert_int_equal(db_begin(second), ERR_UNAVAILABLE); /* IMMEDIATE: one at a time */
	db_rollback(db);
	assert_int_equal(db_begin(second), 0);
	db_close(second);
}

/* Nested to the limit: each its own, one text twice too. */
static void test_queries_nest(void **state)
{
	(void)state;
	static const char sql[] = "SELECT :x UNION ALL SELECT 9";
	for (int depth = 0; depth < 4; depth++) {
		db_query(db, sql);
		db_bind_int(db, ":x", depth);
		assert_int_equal(db_step(db), 1);
		assert_int_equal(db_int(db, 0), depth);
	}
	for (int i = 0; i < 2; i++) { /* one and two too deep */
		db_query(db, sql);
		assert_int_equal(db_step(db), ERR_INTERNAL);
	}
	assert_int_equal(db_finish(db), ERR_INTERNAL);
	assert_int_equal(db_finish(db), ERR_INTERNAL);
	for (int depth = 3; depth >= 0; depth--) {
		assert_int_equal(db_int(db, 0), depth);
		assert_int_equal(db_step(db), 1);
		assert_int_equal(db_int(db, 0), 9);
		assert_int_equal(db_step(db), 0);
		assert_int_equal(db_finish(db), 0);
	}
}

/* More statements than fit the cache at first. */
static void test_many_statements(void **state)
{
	(void)state;
	static char texts[100][24];
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 100; i++) {
			if (round == 0)
				snprintf(texts[i], sizeof texts[i], "SELECT %d", i);
			assert_int_equal(select_int(db, texts[i]), i);
		}
}

static void test_changes(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		struct experiment_new new = new_experiment(numbered_id(i));
		assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	}
	db_query(db, "UPDATE experiment SET epoch = 1 WHERE id >= '01ARZ3NDEKTSV4RRFF00000002'");
	assert_int_equal(db_run(db), 0);
	assert_int_equal(db_changes(db), 3);
	assert_int_equal(select_int(db, "SELECT 1"), 1);
	assert_int_equal(db_changes(db), 0); /* a SELECT changes nothing */
	db_query(db, "UPDATE experiment SET epoch = 2 WHERE id = 'nobody'");
	assert_int_equal(db_run(db), 0);
	assert_int_equal(db_changes(db), 0);
	db_query(db, "UPDATE experiment SET status = 'odd'");
	assert_int_equal(db_run(db), ERR_CONFLICT);
	assert_int_equal(db_changes(db), 0);
}

static void test_transactions(void **state)
{
	(void)state;
	struct experiment_new new = new_experiment(numbered_id(1));
	assert_false(db_in_transaction(db));
	assert_int_equal(db_begin(db), 0);
	assert_true(db_in_transaction(db));
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	assert_int_equal(db_savepoint(db), 0);
	new.id = numbered_id(2);
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	db_rollback_to(db);
	assert_int_equal(db_savepoint(db), 0);
	new.id = numbered_id(3);
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	assert_int_equal(db_release(db), 0);
	assert_int_equal(db_release(db), ERR_INTERNAL); /* neither left one open */
	assert_int_equal(db_commit(db), 0);
	assert_false(db_in_transaction(db));
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment WHERE id LIKE '%1' OR id LIKE '%3'"), 2);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 2);
	assert_int_equal(db_begin(db), 0);
	new.id = numbered_id(4);
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	/* Rolling back does not replace the error that is its cause. */
	assert_int_equal(db_script(db, "SELEKT"), ERR_INTERNAL);
	db_rollback(db);
	db_rollback(db);
	struct qlstm_error error = {0};
	db_error(db, &error);
	assert_non_null(strstr(error.message, "SELEKT"));
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment"), 2);
}

/* A reader's transaction sees what was there when it first looked. */
static void test_a_reader_sees_one_state(void **state)
{
	(void)state;
	struct db *reader = NULL;
	struct experiment_new new = new_experiment(numbered_id(1));
	assert_int_equal(db_open(&reader, database, DB_READER, NULL, NULL), 0);
	assert_int_equal(db_begin(reader), 0); /* though a writer may be at work */
	assert_int_equal(select_int(reader, "SELECT count(*) FROM experiment"), 0);
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	assert_int_equal(select_int(reader, "SELECT count(*) FROM experiment"), 0);
	/* It is in the way of emptying the log, and of nothing else; waiting for it is not done. */
	assert_int_equal(db_checkpoint(db, true), ERR_UNAVAILABLE);
	db_rollback(reader);
	assert_int_equal(select_int(reader, "SELECT count(*) FROM experiment"), 1);
	assert_int_equal(db_checkpoint(db, true), 0);
	assert_int_equal(db_log_pages(db), 0);
	assert_string_equal(select_text(db, "PRAGMA busy_timeout"), "5000");
	db_close(reader);
}

/* A passive checkpoint copies the log and leaves its length. */
static void test_the_length_of_the_log(void **state)
{
	(void)state;
	struct experiment_new new = new_experiment(numbered_id(1));
	assert_int_equal(db_checkpoint(db, true), 0);
	assert_int_equal(db_log_pages(db), 0);
	assert_int_equal(db_begin(db), 0);
	assert_int_equal(experiment_insert(db, &new, 10, NULL), 0);
	assert_int_equal(db_log_pages(db), 0); /* as of the last commit */
	assert_int_equal(db_commit(db), 0);
	int64_t pages = db_log_pages(db);
	assert_true(pages > 0);
	assert_int_equal(db_checkpoint(db, false), 0);
	assert_int_equal(db_log_pages(db), pages);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_settings),
	    TEST(test_a_reader_needs_a_file),
	    TEST(test_a_reader_leaves_the_log_alone),
	    TEST(test_values_come_back_as_they_were_bound),
	    TEST(test_columns_are_cut),
	    TEST(test_bindings_are_cleared),
	    TEST(test_an_error_sticks_until_the_end),
	    TEST(test_codes),
	    TEST(test_queries_nest),
	    TEST(test_many_statements),
	    TEST(test_changes),
	    TEST(test_transactions),
	    TEST(test_a_reader_sees_one_state),
	    TEST(test_the_length_of_the_log),
	};
	return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
