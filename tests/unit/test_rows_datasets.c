/* Rows of data sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/store/datasets.h"
#include "tests/unit/rows_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_datasets),
	    TEST(test_deleting_datasets),
	};
	return cmocka_run_group_tests_name("rows_datasets", tests, NULL, NULL);
}
