/* The files of attempts: checkpoints that are gone on from, data sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "server/store/datasets.h"
#include "tests/unit/scheduler_fixture.h"

static void test_resume(void **state)
{
	(void)state;
	submit(1,
	       "if first; then checkpoint 10; checkpoint 20; kill -9 $$; fi\n"
	       "case \"$all\" in *'--resume '*attempt-2/checkpoint-20*) ;; *) error internal;; esac\n"
	       "[ $(cat checkpoint-20) = 20 ] || error internal\n"
	       "finish",
	       3, 60);
	submit(2,
	       "if first; then checkpoint 10; checkpoint 20; printf x > checkpoint-20; kill -9 $$; fi\n"
	       "case \"$all\" in *'--resume '*attempt-2/checkpoint-10*) finish;; *) error internal;; esac",
	       3, 60);
	submit(3,
	       "if first; then checkpoint 10; rm checkpoint-10; kill -9 $$; fi\n"
	       "case \"$all\" in *--resume*) error internal;; *) finish;; esac",
	       3, 60);
	for (int i = 1; i <= 3; i++) {
		wait_until(has_ended, i);
		assert_end(i, "succeeded", "", NULL);
		struct experiment_row row = get(i);
		assert_int_equal(row.attempt, 2);
		experiment_row_free(&row);
	}
}

/* What the store names is on disk, what it no longer names is not, and what it never heard of goes with the next
 * attempt. */
static void test_checkpoints_stay_while_the_store_names_them(void **state)
{
	(void)state;
	submit(1,
	       "if first; then\n"
	       "  for i in 10 20 30 40; do checkpoint $i; done\n"
	       "  while [ -e checkpoint-10 ] || [ -e checkpoint-20 ]; do sleep 0.02; done\n"
	       "  [ -e checkpoint-30 ] && [ -e checkpoint-40 ] || error internal\n"
	       "  printf x > checkpoint-50; printf x > .checkpoint-60.tmp; kill -9 $$\n"
	       "fi\n"
	       "cd ../attempt-1\n"
	       "[ -e checkpoint-30 ] && [ -e checkpoint-40 ] || error internal\n"
	       "[ -e checkpoint-50 ] || [ -e .checkpoint-60.tmp ] && error internal\n"
	       "cd ../attempt-2; finish",
	       3, 60);
	wait_until(has_ended, 1);
	assert_end(1, "succeeded", "", NULL);
}

/* Those of the attempt before go once there are newer ones, and the link to the one it went on from with its end. */
static void test_checkpoints_of_the_attempt_before_go(void **state)
{
	(void)state;
	submit(1,
	       "if first; then checkpoint 10; checkpoint 20; kill -9 $$; fi\n"
	       "[ -e checkpoint-20 ] || error internal\n"
	       "checkpoint 30\n"
	       "while [ -e ../attempt-1/checkpoint-10 ]; do sleep 0.02; done\n"
	       "[ -e ../attempt-1/checkpoint-20 ] || error internal\n"
	       "checkpoint 40\n"
	       "while [ -e ../attempt-1/checkpoint-20 ]; do sleep 0.02; done\n"
	       "[ -e checkpoint-30 ] && [ -e checkpoint-40 ] || error internal\n"
	       "finish",
	       3, 60);
	wait_until(has_ended, 1);
	assert_end(1, "succeeded", "", NULL);
	static const struct {
		const char *name;
		bool there;
	} files[] = {{"20", false}, {"30", true}, {"40", true}};
	for (int i = 0; i < 3; i++) {
		char path[100];
		snprintf(path, sizeof path, "runs/%s/attempt-2/checkpoint-%s", numbered_id(1), files[i].name);
		assert_int_equal(exists(path), files[i].there);
	}
}

static int insert_data(struct db *db, void *argument, struct qlstm_error *error)
{
	bool existed;
	return dataset_insert(db, argument, &existed, error);
}

static void test_data_sets(void **state)
{
	(void)state;
	static const char csv[] = "a\n1\n2\n";
	static const char script[] = "case \"$all\" in *'--data '*attempt-1/data.csv*) ;; *) error internal;; esac\n"
	                             "[ \"$(head -n 1 data.csv)\" = a ] || error internal\n"
	                             "finish";
	char datasets[300], name[80];
	struct dataset_row row = {.name = (char[]){"d"},
	                          .file = name,
	                          .kind = (char[]){"csv"},
	                          .columns_json = (char[]){"[]"},
	                          .description_json = (char[]){"{}"}};
	memcpy(row.id, numbered_id(9), sizeof row.id);
	sha256_hex(csv, sizeof csv - 1, row.sha256);
	snprintf(datasets, sizeof datasets, "%s/datasets", folder);
	snprintf(name, sizeof name, "%s.csv", row.sha256);
	assert_int_equal(file_make_directory(datasets, NULL), 0);
	assert_int_equal(file_write_atomic(datasets, name, csv, sizeof csv - 1, NULL), 0);
	assert_int_equal(store_write(store, insert_data, &row, NULL), 0);
	for (int i = 1; i <= 2; i++) {
		struct experiment_new new = new_experiment(numbered_id(i));
		new.spec_json = script;
		new.dataset_id = row.id;
		assert_int_equal(store_write(store, insert_new, &new, NULL), 0);
		scheduler_notify(scheduler);
		wait_until(has_ended, i);
		assert_end(i, i == 1 ? "succeeded" : "failed", i == 1 ? "" : "invalid_data", NULL);
		assert_int_equal(file_write_atomic(datasets, name, "b\n", 2, NULL), 0); /* it rots */
	}
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
	    TEST(test_resume),
	    TEST(test_checkpoints_stay_while_the_store_names_them),
	    TEST(test_checkpoints_of_the_attempt_before_go),
	    TEST(test_data_sets),
	};
	return cmocka_run_group_tests_name("scheduler_files", tests, NULL, NULL);
}
