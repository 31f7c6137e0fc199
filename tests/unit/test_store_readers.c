/* Readers of the store: their connections, what they see, what they may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sodium.h>

#include "schema/embed.h"
#include "server/store/readers.h"
#include "tests/unit/store_fixture.h"

static int write_by_reader(struct db *db, void *argument, struct qlstm_error *error)
{
	return insert_numbered(db, argument, error);
}

static void test_readers_cannot_write(void **state)
{
	(void)state;
	int number = 1;
	assert_int_not_equal(store_read(store, write_by_reader, &number, NULL), 0);
	assert_int_equal(rows_seen(), 0);
}

struct pair {
	int64_t before, after;
};

static int count_twice(struct db *db, void *argument, struct qlstm_error *error)
{
	struct pair *pair = argument;
	int number = 5;
	pair->before = select_int(db, "SELECT count(*) FROM experiment");
	int rc = store_write(store, insert_numbered, &number, error);
	pair->after = select_int(db, "SELECT count(*) FROM experiment");
	return rc;
}

static void test_a_read_sees_one_state(void **state)
{
	(void)state;
	struct pair pair = {-1, -1};
	assert_int_equal(store_read(store, count_twice, &pair, NULL), 0);
	assert_int_equal(pair.before, 0);
	assert_int_equal(pair.after, 0);
	assert_int_equal(rows_seen(), 1); /* and the next one the next */
}

/* More at once than there are connections: the others wait for theirs. */
enum { AT_ONCE = 20 };
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int inside, most;
	bool open;
} hall = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, false};

static int stay_inside(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)argument, (void)error;
	pthread_mutex_lock(&hall.lock);
	hall.inside++;
	hall.most = hall.inside > hall.most ? hall.inside : hall.most;
	pthread_cond_broadcast(&hall.changed);
	while (!hall.open)
		pthread_cond_wait(&hall.changed, &hall.lock);
	hall.inside--;
	pthread_mutex_unlock(&hall.lock);
	return select_int(db, "SELECT 1") == 1 ? 0 : ERR_IO;
}

static void *read_once(void *argument)
{
	*(int *)argument = store_read(store, stay_inside, NULL, NULL);
	return NULL;
}

static void test_readers_wait_for_a_connection(void **state)
{
	(void)state;
	pthread_t threads[AT_ONCE];
	int codes[AT_ONCE];
	hall.open = false;
	hall.inside = hall.most = 0;
	for (int i = 0; i < AT_ONCE; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_once, &codes[i]), 0);
	pthread_mutex_lock(&hall.lock);
	while (hall.inside < 8)
		pthread_cond_wait(&hall.changed, &hall.lock);
	pthread_mutex_unlock(&hall.lock);
	poll(NULL, 0, 100); /* time for a ninth, if there is room for one */
	pthread_mutex_lock(&hall.lock);
	hall.open = true;
	pthread_cond_broadcast(&hall.changed);
	pthread_mutex_unlock(&hall.lock);
	for (int i = 0; i < AT_ONCE; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(codes[i], 0);
	}
	assert_int_equal(hall.most, 8);
}

/* Connections that cannot be opened do not use up the places. */
static void test_readers_without_a_database(void **state)
{
	(void)state;
	struct readers *readers = NULL;
	int64_t count = -1;
	assert_int_equal(readers_open(&readers, database, NULL, NULL), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(readers_run(readers, count_rows, &count, NULL), ERR_IO);
	struct db *db = NULL;
	assert_int_equal(db_open(&db, database, DB_WRITER, schema_database_sql, NULL), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(readers_run(readers, count_rows, &count, NULL), 0);
	assert_int_equal(count, 0);
	readers_close(readers);
	readers_close(NULL);
	db_close(db);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define STORE(test)  cmocka_unit_test_setup_teardown(test, setup, teardown)
#define FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {
	    STORE(test_readers_cannot_write),
	    STORE(test_a_read_sees_one_state),
	    STORE(test_readers_wait_for_a_connection),
	    FOLDER(test_readers_without_a_database),
	};
	return cmocka_run_group_tests_name("store_readers", tests, NULL, NULL);
}
