/* What becomes of a database file: one of an older version, of another program, damaged, or not as the program's own
 * schema says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "schema/embed.h"
#include "server/store/events.h"
#include "tests/unit/experiment_fixture.h"

static struct db *db;
static struct qlstm_error error;

static int open_database(const char *schema)
{
	error_clear(&error);
	db = NULL;
	return db_open(&db, database, DB_WRITER, schema, &error);
}

/* A database of the newest version, then `script`. */
static void make(const char *script)
{
	assert_int_equal(open_database(schema_database_sql), 0);
	assert_int_equal(db_script(db, script), 0);
	db_close(db);
}

#define VERSION_8 "DROP INDEX experiment_init; ALTER TABLE experiment DROP COLUMN init_id; PRAGMA user_version = 8;"
#define VERSION_7 VERSION_8 "ALTER TABLE experiment DROP COLUMN notes; PRAGMA user_version = 7;"
#define VERSION_6                                                                                                      \
	VERSION_7                                                                                                      \
	"DROP INDEX experiment_queue; DROP INDEX experiment_owner_queue; DROP INDEX experiment_backoff;"               \
	"ALTER TABLE experiment DROP COLUMN not_before; ALTER TABLE experiment DROP COLUMN max_running;"               \
	"CREATE INDEX experiment_queue ON experiment (run_at, id) WHERE status = 'queued'; PRAGMA user_version = 6;"
#define VERSION_5                                                                                                      \
	VERSION_6                                                                                                      \
	"DROP INDEX experiment_owner; DROP INDEX experiment_owner_status; DROP INDEX experiment_owner_project;"        \
	"ALTER TABLE experiment DROP COLUMN owner;"                                                                    \
	"DROP TABLE dataset;"                                                                                          \
	"CREATE TABLE dataset (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL,"                  \
	" bytes INTEGER NOT NULL, n_rows INTEGER NOT NULL, file TEXT NOT NULL, kind TEXT NOT NULL,"                    \
	" columns_json TEXT NOT NULL, description_json TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;"            \
	"DROP TABLE idempotency;"                                                                                      \
	"CREATE TABLE idempotency (key TEXT PRIMARY KEY, body_sha256 TEXT NOT NULL, experiment_id TEXT NOT NULL,"      \
	" created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"                                                         \
	"CREATE INDEX idempotency_age ON idempotency (created_at); CREATE INDEX dataset_file ON dataset (file); "      \
	"PRAGMA user_version = 5;"
#define VERSION_4 VERSION_5 "DROP TABLE deletion; DROP INDEX dataset_file; PRAGMA user_version = 4;"
#define VERSION_3                                                                                                      \
	VERSION_4                                                                                                      \
	"DROP TABLE dataset;"                                                                                          \
	"CREATE TABLE dataset (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL,"                  \
	" bytes INTEGER NOT NULL, n_rows INTEGER NOT NULL, columns_json TEXT NOT NULL, has_header INTEGER NOT NULL,"   \
	" created_at INTEGER NOT NULL) STRICT; PRAGMA user_version = 3;"
#define VERSION_2                                                                                                      \
	VERSION_3                                                                                                      \
	"DROP TABLE epoch_metric;"                                                                                     \
	"CREATE TABLE epoch_metric (experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,"         \
	" epoch INTEGER NOT NULL, attempt INTEGER NOT NULL, train_loss REAL NOT NULL, test_loss REAL,"                 \
	" gradient_norm REAL, seconds REAL NOT NULL, PRIMARY KEY (experiment_id, epoch)) STRICT, WITHOUT ROWID;"       \
	"ALTER TABLE experiment DROP COLUMN metrics_json;"                                                             \
	"ALTER TABLE experiment ADD COLUMN train_loss REAL; ALTER TABLE experiment ADD COLUMN test_loss REAL;"         \
	"PRAGMA user_version = 2;"
#define VERSION_1 VERSION_2 "DROP TABLE event; PRAGMA user_version = 1;"

/* Two experiments as version 1 kept them: one resumed and done, one that never started. */
#define HISTORY                                                                                                        \
	"INSERT INTO experiment (id, status, max_attempts, max_seconds, run_at, name, project, tags_json, spec_json,"  \
	" model_json, data_json, engine_json, epochs, created_at, started_at, attempt_started_at) VALUES"              \
	" ('A', 'succeeded', 3, 9, 10, 'a', 'p', '[]', '{}', '{}', '{}', '{}', 2, 10, 20, 40),"                        \
	" ('B', 'running', 3, 9, 11, 'b', 'p', '[]', '{}', '{}', '{}', '{}', 2, 11, 21, NULL),"                        \
	" ('C', 'queued', 3, 9, 12, 'c', 'p', '[]', '{}', '{}', '{}', '{}', 2, 12, NULL, NULL);"                       \
	"INSERT INTO transition (experiment_id, seq, at, attempt, from_status, to_status, reason, message) VALUES"     \
	" ('A', 1, 10, 0, NULL, 'queued', NULL, NULL), ('A', 2, 20, 1, 'queued', 'running', NULL, NULL),"              \
	" ('A', 3, 30, 1, 'running', 'queued', 'worker_crashed', 'it \"died\"'),"                                      \
	" ('A', 4, 40, 2, 'queued', 'running', NULL, NULL), ('A', 5, 50, 2, 'running', 'succeeded', NULL, NULL),"      \
	" ('B', 1, 11, 0, NULL, 'queued', NULL, NULL), ('B', 2, 21, 1, 'queued', 'running', NULL, NULL),"              \
	" ('C', 1, 12, 0, NULL, 'queued', NULL, NULL), ('C', 2, 13, 0, 'queued', 'cancelled', 'cancelled_by_user', "   \
	"NULL);"                                                                                                       \
	"INSERT INTO epoch_metric (experiment_id, epoch, attempt, train_loss, test_loss, gradient_norm, seconds) "     \
	"VALUES"                                                                                                       \
	" ('A', 2, 2, 0.1, NULL, 0.3, 1.5), ('A', 1, 1, 0.67000000000000004, 1e-300, NULL, 2),"                        \
	" ('B', 1, 1, 1, 2, 3, 4), ('C', 1, 1, 5, 6, 7, 8);"

static void assert_events(const char *experiment, int count, const char *const *expected)
{
	struct outbox events;
	outbox_init(&events);
	assert_int_equal(event_list(db, experiment, 0, 100, &events, NULL), 0);
	const struct event *event = events.first;
	for (int i = 0; i < count; i++, event = event->next) {
		char text[512];
		assert_non_null(event);
		snprintf(text, sizeof text, "%d %d %s %s", (int)event->at, event->attempt, event->type, event->body);
		assert_string_equal(text, expected[i]);
	}
	assert_null(event);
	outbox_free(&events);
}

/* Changes of status before the end, then the epochs, then the end: version 1 knew no times of epochs. */
static void test_events_of_version_1(void **state)
{
	(void)state;
	static const char *const of_a[] = {
	    "10 0 status {\"to\":\"queued\"}",
	    "20 1 status {\"from\":\"queued\",\"to\":\"running\"}",
	    "30 1 status {\"from\":\"running\",\"to\":\"queued\",\"reason\":\"worker_crashed\",\"message\":\"it "
	    "\\\"died\\\"\"}",
	    "40 2 status {\"from\":\"queued\",\"to\":\"running\"}",
	    "40 1 epoch {\"epoch\":1,\"train_loss\":0.67000000000000004,\"test_loss\":1.0e-300,"
	    "\"gradient_norm\":null,\"seconds\":2.0}",
	    "40 2 epoch {\"epoch\":2,\"train_loss\":0.10000000000000001,\"test_loss\":null,"
	    "\"gradient_norm\":0.29999999999999999,\"seconds\":1.5}",
	    "50 2 status {\"from\":\"running\",\"to\":\"succeeded\"}"};
	static const char *const of_b[] = {
	    "11 0 status {\"to\":\"queued\"}", "21 1 status {\"from\":\"queued\",\"to\":\"running\"}",
	    "21 1 epoch {\"epoch\":1,\"train_loss\":1.0,\"test_loss\":2.0,\"gradient_norm\":3.0,\"seconds\":4.0}"};
	static const char *const of_c[] = {
	    "12 0 status {\"to\":\"queued\"}",
	    "12 1 epoch {\"epoch\":1,\"train_loss\":5.0,\"test_loss\":6.0,\"gradient_norm\":7.0,\"seconds\":8.0}",
	    "13 0 status {\"from\":\"queued\",\"to\":\"cancelled\",\"reason\":\"cancelled_by_user\"}"};
	make(VERSION_1 HISTORY);
	assert_int_equal(open_database(schema_database_sql), 0);
	assert_int_equal(select_int(db, "PRAGMA user_version"), 9);
	assert_events("A", 7, of_a);
	assert_events("B", 3, of_b);
	assert_events("C", 3, of_c);
	/* In a migrated database as in a new one: an event has an experiment, goes with it, and its id with nobody. */
	assert_int_equal(event_insert(db, "nobody", "log", 1, 1, json_object(), NULL), ERR_CONFLICT);
	assert_int_equal(db_script(db, "DELETE FROM experiment WHERE id = 'C'"), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM event"), 10);
	assert_int_equal(event_insert(db, "B", "log", 1, 1, json_object(), NULL), 0);
	assert_int_equal(select_int(db, "SELECT max(id) FROM event"), 14);
	db_close(db);
}

/* Every number to its last digit; the experiment has those of its last epoch. */
static void test_metrics_of_version_2(void **state)
{
	(void)state;
	make(VERSION_2 HISTORY
	     "UPDATE experiment SET epoch = 2, train_loss = 0.1, best_epoch = 1, best_test_loss = 1e-300"
	     " WHERE id = 'A'");
	assert_int_equal(open_database(schema_database_sql), 0);
	static const char *const expected[] = {
	    "A 1 1 {\"train_loss\":0.67000000000000004,\"test_loss\":1.0e-300,\"gradient_norm\":null} 2.0",
	    "A 2 2 {\"train_loss\":0.10000000000000001,\"test_loss\":null,\"gradient_norm\":0.29999999999999999} 1.5",
	    "B 1 1 {\"train_loss\":1.0,\"test_loss\":2.0,\"gradient_norm\":3.0} 4.0",
	    "C 1 1 {\"train_loss\":5.0,\"test_loss\":6.0,\"gradient_norm\":7.0} 8.0"};
	db_query(db, "SELECT experiment_id || ' ' || epoch || ' ' || attempt || ' ' || metrics_json || ' ' || seconds"
	             " FROM epoch_metric ORDER BY experiment_id, epoch");
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		assert_int_equal(db_step(db), 1);
		assert_string_equal(db_text(db, 0), expected[i]);
	}
	assert_int_equal(db_step(db), 0);
	assert_int_equal(db_finish(db), 0);
	struct experiment_row row;
	assert_int_equal(experiment_get(db, "A", &row, NULL), 0);
	assert_string_equal(row.metrics_json, "{\"train_loss\":0.10000000000000001,\"test_loss\":null,"
	                                      "\"gradient_norm\":0.29999999999999999}");
	assert_true(row.best_epoch == 1 && row.best_test_loss == 1e-300);
	experiment_row_free(&row);
	assert_int_equal(experiment_get(db, "B", &row, NULL), 0);
	assert_string_equal(row.metrics_json, "{}"); /* none was counted as done */
	experiment_row_free(&row);
	assert_int_equal(db_script(db, "DELETE FROM experiment WHERE id = 'C'"), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM epoch_metric"), 3);
	db_close(db);
}

/* Data sets without a kind are CSV, in a file by that name. */
static void test_data_sets_of_version_3(void **state)
{
	(void)state;
	make(VERSION_3
	     "INSERT INTO dataset (id, name, sha256, bytes, n_rows, columns_json, has_header, created_at) VALUES"
	     " ('A', 'a', 'ab', 1, 2, '[]', 1, 3), ('B', 'b', 'cd', 1, 2, '[]', 0, 3)");
	assert_int_equal(open_database(schema_database_sql), 0);
	static const char *const expected[] = {"A csv ab.csv {\"has_header\":true}",
	                                       "B csv cd.csv {\"has_header\":false}"};
	db_query(db, "SELECT id || ' ' || kind || ' ' || file || ' ' || description_json FROM dataset ORDER BY id");
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		assert_int_equal(db_step(db), 1);
		assert_string_equal(db_text(db, 0), expected[i]);
	}
	assert_int_equal(db_step(db), 0);
	assert_int_equal(db_finish(db), 0);
	db_close(db);
}

/* What was made before there were keys has no owner; data sets stay those of their experiments. */
static void test_rows_of_version_5(void **state)
{
	(void)state;
	make(VERSION_5
	     "INSERT INTO dataset (id, name, sha256, bytes, n_rows, file, kind, columns_json, description_json, "
	     "created_at)"
	     " VALUES ('D', 'd', 'ab', 1, 2, 'ab.csv', 'csv', '[]', '{}', 3);"
	     "INSERT INTO experiment (id, status, max_attempts, max_seconds, run_at, name, project, tags_json, "
	     "spec_json,"
	     " model_json, data_json, engine_json, dataset_id, epochs, created_at) VALUES"
	     " ('A', 'queued', 3, 9, 10, 'a', 'p', '[]', '{}', '{}', '{}', '{}', 'D', 2, 10);"
	     "INSERT INTO idempotency (key, body_sha256, experiment_id, created_at) VALUES ('k', 'ab', 'A', 10)");
	assert_int_equal(open_database(schema_database_sql), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment JOIN dataset ON dataset.id = dataset_id"
	                                " WHERE experiment.owner = '' AND dataset.owner = '' AND dataset.name = 'd'"
	                                " AND file = 'ab.csv'"),
	                 1);
	assert_int_equal(select_int(db, "SELECT count(*) FROM idempotency WHERE owner = '' AND key = 'k'"), 1);
	/* Names and keys are an owner's own. */
	assert_int_equal(db_script(db, "INSERT INTO dataset SELECT 'E', name, sha256, bytes, n_rows, file, kind,"
	                               " columns_json, description_json, created_at, 'alice' FROM dataset;"
	                               "INSERT INTO idempotency SELECT 'alice', key, body_sha256, experiment_id,"
	                               " created_at FROM idempotency"),
	                 0);
	assert_int_not_equal(db_script(db, "UPDATE dataset SET owner = ''"), 0);
	assert_int_not_equal(db_script(db, "DELETE FROM dataset WHERE id = 'D'"), 0); /* still a parent */
	db_close(db);
}

/* A back-off that was under way is over; what waits keeps its order, and is found by the new indices. */
static void test_the_queue_of_version_6(void **state)
{
	(void)state;
	make(VERSION_6
	     "INSERT INTO experiment (id, status, max_attempts, max_seconds, run_at, name, project, tags_json, "
	     "spec_json,"
	     " model_json, data_json, engine_json, epochs, created_at) VALUES"
	     " ('A', 'queued', 3, 9, 20, 'a', 'p', '[]', '{}', '{}', '{}', '{}', 2, 10),"
	     " ('B', 'queued', 3, 9, 10, 'b', 'p', '[]', '{}', '{}', '{}', '{\"isa\":\"x\"}', 2, 10);");
	assert_int_equal(open_database(schema_database_sql), 0);
	assert_int_equal(select_int(db, "SELECT count(*) FROM experiment WHERE not_before = 0 AND max_running = 0"), 2);
	struct run_token token;
	int64_t next_due;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(turn_claim(db, 30, (struct turn_room){0, 1}, &token, &next_due, NULL), 0);
		assert_string_equal(token.id, i == 0 ? "B" : "A");
	}
	db_close(db);
}

/* What differs in words only: comments, blanks, and where a line ends. */
static void test_a_migrated_schema_is_the_schema(void **state)
{
	(void)state;
	static const char sql[] = "SELECT group_concat(replace(replace(replace(name || ' ' || sql, char(10), ''), "
	                          "char(9), ''), ' ', ''), ';')"
	                          " FROM (SELECT * FROM sqlite_schema WHERE name LIKE '%event%' ORDER BY name)";
	char migrated[1024], fresh[1024];
	make(VERSION_1);
	assert_int_equal(open_database(schema_database_sql), 0);
	db_query(db, sql);
	assert_int_equal(db_step(db), 1);
	snprintf(migrated, sizeof migrated, "%s", db_text(db, 0));
	assert_int_equal(db_finish(db), 0);
	/* The comments of the schema are a part of what SQLite keeps. */
	assert_int_equal(db_script(db, "DROP TABLE event"), 0);
	const char *start = strstr(schema_database_sql, "CREATE TABLE event"), *end = strstr(start, "CREATE INDEX");
	char text[2048];
	size_t length = 0;
	for (const char *c = start; c < strchr(end, ';') + 1 && length < sizeof text - 1; c++) {
		if (c[0] == '-' && c[1] == '-')
			c = strchr(c, '\n');
		text[length++] = *c;
	}
	text[length] = '\0';
	assert_int_equal(db_script(db, text), 0);
	db_query(db, sql);
	assert_int_equal(db_step(db), 1);
	snprintf(fresh, sizeof fresh, "%s", db_text(db, 0));
	assert_int_equal(db_finish(db), 0);
	assert_string_equal(migrated, fresh);
	db_close(db);
}

static const char *beside(const char *suffix)
{
	static char path[400];
	snprintf(path, sizeof path, "%s%s", database, suffix);
	return path;
}

/* The copy of before a migration: whole, made once, with nothing left beside it. */
static void test_the_copy(void **state)
{
	(void)state;
	make(VERSION_1 HISTORY);
	assert_int_equal(file_write_atomic(folder, "qlstmd.db.v1.tmp", (const unsigned char *)"left over", 9, NULL), 0);
	assert_int_equal(open_database(schema_database_sql), 0);
	db_close(db);
	assert_int_equal(access(beside(".v1.tmp"), F_OK), -1);
	struct db *copy = NULL;
	assert_int_equal(db_open(&copy, beside(".v1"), DB_READER, NULL, NULL), 0);
	assert_int_equal(select_int(copy, "PRAGMA user_version"), 1);
	assert_int_equal(select_int(copy, "SELECT count(*) FROM transition"), 9);
	db_close(copy);
	/* A second try keeps the first one's. */
	assert_int_equal(file_write_atomic(folder, "qlstmd.db.v1", (const unsigned char *)"first", 5, NULL), 0);
	make(VERSION_1);
	assert_int_equal(open_database(schema_database_sql), 0);
	db_close(db);
	struct stat status;
	assert_int_equal(stat(beside(".v1"), &status), 0);
	assert_int_equal(status.st_size, 5);
	/* None is made where nothing is migrated. */
	assert_int_equal(unlink(beside(".v1")), 0);
	assert_int_equal(open_database(schema_database_sql), 0);
	db_close(db);
	assert_int_equal(access(beside(".v1"), F_OK), -1);
}

/* Without a copy there is no migration. */
static void test_a_copy_that_cannot_be_made(void **state)
{
	(void)state;
	make(VERSION_1);
	assert_int_equal(mkdir(beside(".v1.tmp"), 0700), 0);
	assert_int_not_equal(open_database(schema_database_sql), 0);
	assert_null(db);
	assert_int_not_equal(error.code, 0);
	assert_int_equal(open_database(NULL), 0);
	assert_int_equal(select_int(db, "PRAGMA user_version"), 1);
	db_close(db);
}

/* A step is done whole or not at all. */
static void test_a_migration_that_fails(void **state)
{
	(void)state;
	make(VERSION_1 HISTORY "CREATE TABLE event_experiment (x)"); /* in the way of the index */
	assert_int_equal(open_database(schema_database_sql), ERR_INTERNAL);
	assert_null(db);
	assert_non_null(strstr(error.message, "event_experiment"));
	assert_int_equal(open_database(NULL), 0);
	assert_int_equal(select_int(db, "PRAGMA user_version"), 1);
	assert_int_equal(select_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'event'"), 0);
	db_close(db);
}

static void test_files_of_others(void **state)
{
	(void)state;
	static const struct {
		const char *script, *message;
		int code;
	} cases[] = {
	    {"PRAGMA application_id = 7", "the file is a database of another program", ERR_INVALID},
	    {"PRAGMA application_id = 0", "the file is a database of another program", ERR_INVALID},
	    {"PRAGMA user_version = 10",
	     "the database has version 10, this program knows up to 9: it was written by a newer one, which is to be "
	     "used; nothing was changed",
	     ERR_INVALID},
	    {"PRAGMA ignore_check_constraints = ON; INSERT INTO experiment (id, status, max_attempts, max_seconds, "
	     "run_at,"
	     " name, project, tags_json, spec_json, model_json, data_json, engine_json, epochs, created_at)"
	     " VALUES ('A', 'odd', 3, 9, 10, 'a', 'p', '[]', '{}', '{}', '{}', '{}', 2, 10)",
	     "the database is damaged: CHECK constraint failed in experiment", ERR_CORRUPT},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		make(cases[i].script);
		assert_int_equal(open_database(schema_database_sql), cases[i].code);
		assert_null(db);
		assert_int_equal(error.code, cases[i].code);
		assert_string_equal(error.message, cases[i].message);
		assert_int_equal(unlink(database), 0);
	}
}

/* Nobody's: no application, but not empty either. */
static void test_files_of_nobody(void **state)
{
	(void)state;
	static const char *const scripts[] = {"PRAGMA user_version = 1", "CREATE TABLE t (x)"};
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(open_database(NULL), 0);
		assert_int_equal(db_script(db, scripts[i]), 0);
		db_close(db);
		assert_int_equal(open_database(schema_database_sql), ERR_INVALID);
		assert_string_equal(error.message, "the file is a database of another program");
		assert_int_equal(unlink(database), 0);
	}
	/* An empty file is one that was never begun. */
	FILE *file = fopen(database, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(open_database(schema_database_sql), 0);
	assert_int_equal(select_int(db, "PRAGMA user_version"), 9);
	db_close(db);
}

/* A schema that the migrations do not lead to, and one that is none. */
static void test_a_wrong_schema(void **state)
{
	(void)state;
	assert_int_equal(open_database("PRAGMA user_version = 10"), ERR_INTERNAL);
	assert_string_equal(error.message, "the schema has version 10, the migrations lead to 9");
	assert_int_equal(open_database("PRAGMA user_version = 1"), ERR_INTERNAL);
	assert_int_equal(open_database("PRAGMA user_version = 9; SELEKT"), ERR_INTERNAL);
	assert_non_null(strstr(error.message, "SELEKT"));
	assert_null(db);
	struct stat status;
	assert_true(stat(database, &status) != 0 || status.st_size == 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {
	    TEST(test_events_of_version_1),
	    TEST(test_metrics_of_version_2),
	    TEST(test_data_sets_of_version_3),
	    TEST(test_rows_of_version_5),
	    TEST(test_the_queue_of_version_6),
	    TEST(test_a_migrated_schema_is_the_schema),
	    TEST(test_the_copy),
	    TEST(test_a_copy_that_cannot_be_made),
	    TEST(test_a_migration_that_fails),
	    TEST(test_files_of_others),
	    TEST(test_files_of_nobody),
	    TEST(test_a_wrong_schema),
	};
	return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
