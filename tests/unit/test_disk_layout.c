/* Names in the data directory: which are the service's, and which are somebody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/disk/layout.h"
#include "server/disk/reserve.h"
#include "tests/unit/experiment_fixture.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_data_sets(void **state)
{
	(void)state;
	static const char *const ours[] = {HASH ".csv", HASH ".npy", HASH ".csv.gz", HASH ".npy.gz"};
	static const char *const others[] = {
	    "",           HASH,           HASH ".txt",   "x" HASH ".csv", HASH ".csv.bak",
	    HASH "0.csv", HASH ".gz.csv", HASH ".a.csv", "notes.csv",     "." HASH ".csv"};
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		char name[128];
		assert_true(layout_is_dataset(ours[i]));
		snprintf(name, sizeof name, ".%s.0123abcd.tmp", ours[i]);
		assert_true(layout_is_temporary_dataset(name) && layout_is_temporary(name));
		assert_false(layout_is_temporary_own(name));
		name[strlen(name) - 5] = 'X';
		assert_false(layout_is_temporary_dataset(name) || layout_is_temporary(name));
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(layout_is_dataset(others[i]));
	assert_false(layout_is_temporary_dataset(".notes.0123abcd.tmp"));
}

static void test_attempts(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum layout_need need;
	} files[] = {
	    {"worker.log", NEED_ROW},
	    {"spec.json", NEED_NEIGHBOR},
	    {"resolved-spec.json", NEED_NEIGHBOR},
	    {"weights.safetensors", NEED_NAMED},
	    {"weights-best.safetensors", NEED_NAMED},
	    {"state.safetensors", NEED_NAMED},
	    {"weights-last.safetensors", NEED_NAMED},
	    {"checkpoint-12.safetensors", NEED_NAMED},
	    {"data.csv", NEED_LIVE},
	    {"data.npy.gz", NEED_LIVE},
	    {"data", NEED_LIVE},
	    {"data.CSV", NEED_UNKNOWN},
	    {"checkpoint-best.safetensors", NEED_UNKNOWN},
	    {"checkpoint-1.safetensors.bak", NEED_UNKNOWN},
	    {"worker.log.1", NEED_UNKNOWN},
	    {"notes.txt", NEED_UNKNOWN},
	    {"", NEED_UNKNOWN},
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		assert_int_equal(layout_attempt_file(files[i].name), files[i].need);
	assert_int_equal(layout_attempt("attempt-1"), 1);
	assert_int_equal(layout_attempt("attempt-120"), 120);
	static const char *const others[] = {"attempt-0",  "attempt-01",          "attempt-",
	                                     "attempt-1x", "attempt-99999999999", "a"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_int_equal(layout_attempt(others[i]), 0);
}

static void test_the_services_own(void **state)
{
	(void)state;
	static const char *const ours[] = {"qlstmd.db", "qlstmd.db-wal", "qlstmd.reserve", "qlstmd.db.v12",
	                                   "keys.json", "keys.lock",     "keys.used.json"};
	static const char *const others[] = {"qlstmd.db.old", "qlstmd.dbx", "notes", "qlstmd.db.v1.tmp"};
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		assert_true(layout_is_own(ours[i]));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(layout_is_own(others[i]));
	assert_true(layout_is_copy_begun("qlstmd.db.v1.tmp"));
	assert_true(layout_is_temporary_own(".qlstmd.backup.0123abcd.tmp"));
	assert_false(layout_is_temporary_own(".notes.0123abcd.tmp"));
}

static off_t reserved(void)
{
	char path[400];
	struct stat status;
	snprintf(path, sizeof path, "%s/qlstmd.reserve", folder);
	return stat(path, &status) == 0 ? status.st_size : -1;
}

/* Given up in parts, whole again afterwards, and refusing meanwhile. */
static void test_the_reserve(void **state)
{
	(void)state;
	struct reserve *reserve = NULL;
	struct qlstm_error error = {0};
	assert_int_equal(reserve_open(&reserve, folder, 1 << 20, NULL), 0);
	assert_int_equal(reserve_check(reserve, NULL), ERR_DISK_FULL);
	assert_true(reserve_make(reserve));
	assert_int_equal(reserved(), 1 << 20);
	assert_int_equal(reserve_check(reserve, NULL), 0);
	for (int parts = 15; parts > 0; parts--) {
		assert_true(reserve_give_up(reserve));
		assert_int_equal(reserved(), parts << 16);
		assert_int_equal(reserve_check(reserve, &error), ERR_DISK_FULL);
	}
	assert_true(reserve_give_up(reserve));
	assert_int_equal(reserved(), -1);
	assert_false(reserve_give_up(reserve)); /* nothing is left */
	assert_true(reserve_make(reserve));
	assert_int_equal(reserved(), 1 << 20);
	reserve_close(reserve);
	assert_int_equal(reserve_open(&reserve, folder, 0, NULL), 0);
	assert_false(reserve_make(reserve));
	assert_int_equal(reserve_check(reserve, NULL), 0);
	reserve_close(reserve);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_data_sets), cmocka_unit_test(test_attempts),
	                                   cmocka_unit_test(test_the_services_own), TEST(test_the_reserve)};
	return cmocka_run_group_tests_name("disk_layout", tests, NULL, NULL);
}
