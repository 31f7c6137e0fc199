/* What the service does before it answers: bytes, names and rows are on the disk when the client hears of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "server/api/catalog.h"
#include "server/api/contract.h"
#include "server/api/routes.h"
#include "server/disk/check.h"
#include "tests/unit/disk_trace.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/store_fixture.h"

static struct api api;
static struct door door;
static bool drained;

static void on_drained(void *context)
{
	(void)context;
	drained = true;
	uv_stop(&loop);
}

static int open_service(void **state)
{
	if (setup(state) != 0 || catalog_open(NULL) != 0 || contract_open(NULL) != 0)
		return -1;
	/* Its loop is this thread's, which does not turn it: nothing is claimed. */
	const struct scheduler_config config = {
	    .data_dir = folder, .worker_path = "/nowhere", .slots = 1, .threads = 1, .grace_ms = 1, .hang_ms = 1};
	api = (struct api){.store = store,
	                   .data_dir = folder,
	                   .max_memory = (size_t)1 << 30,
	                   .max_upload = API_MAX_DATASET,
	                   .max_queued = 1000,
	                   .threads = 1,
	                   .speed = 1};
	char datasets[400];
	snprintf(datasets, sizeof datasets, "%s/datasets", folder);
	if (keeper_open(&api.keeper, folder, false, NULL) != 0)
		return -1;
	uv_mutex_init(&api.datasets);
	door_open(&door,
	          (struct http_config){.handler = routes_handle, .body_limit = routes_body_limit, .context = &api});
	return file_make_directory(datasets, NULL) != 0 ? -1
	                                                : scheduler_open(&api.scheduler, &loop, store, &config, NULL);
}

static int close_service(void **state)
{
	disk_stop();
	door_close(&door);
	drained = false;
	scheduler_drain(api.scheduler, on_drained, NULL);
	while (!drained)
		uv_run(&loop, UV_RUN_ONCE);
	scheduler_close(api.scheduler);
	keeper_close(api.keeper);
	uv_mutex_destroy(&api.datasets);
	contract_close();
	return teardown(state);
}

/* 201: the bytes of the data set are on the disk, and their name, and only then the row, and only then the answer. */
static void test_an_upload(void **state)
{
	(void)state;
	static const char csv[] = "a\n1\n2\n3\n";
	char sha256[65], expected[600];
	sha256_hex(csv, sizeof csv - 1, sha256);
	disk_watch(folder);
	struct answer answer = ask_with(&door, "POST", "/datasets?name=d", "Content-Type: text/csv\r\n", csv);
	const char *trace = disk_trace();
	assert_int_equal(answer.status, 201);
	answer_free(&answer);
	snprintf(expected, sizeof expected,
	         "make datasets/.%s.csv.tmp\nwrite datasets/.%s.csv.tmp\nsync datasets/.%s.csv.tmp\n"
	         "rename datasets/.%s.csv.tmp datasets/%s.csv\nsync datasets\nwrite qlstmd.db-wal\n",
	         sha256, sha256, sha256, sha256, sha256);
	assert_non_null(strstr(trace, expected));
	assert_log_is_synced(trace);
}

/* 202: the row is on the disk. */
static void test_a_submission(void **state)
{
	(void)state;
	disk_watch(folder);
	struct answer answer = ask_with(&door, "POST", "/experiments", "", "{}");
	const char *trace = disk_trace();
	assert_int_equal(answer.status, 202);
	answer_free(&answer);
	assert_log_is_synced(trace);
}

static void no_damage(const char *kind, const char *path, const char *what)
{
	if (strcmp(kind, "damaged") == 0)
		fail_msg("%s: %s: %s", kind, path, what);
}

/* Each step of uploads fails in turn: 201 has its file, anything else may be tried again, and no row is without one. */
static void test_uploads_that_fail(void **state)
{
	(void)state;
	static const char *const verbs[] = {"make", "write", "sync", "rename", "truncate"};
	int uploads = 0, refused = 0;
	for (int i = 0; i < 5; i++) {
		int skip = 0;
		for (bool failed = true, full = false; failed; full = !full, uploads++) {
			char path[64], csv[64];
			snprintf(path, sizeof path, "/datasets?name=d%d", uploads);
			snprintf(csv, sizeof csv, "a\n%d\n", uploads);
			disk_watch(folder);
			disk_fail(verbs[i], skip++, full ? ENOSPC : EIO);
			struct answer answer = ask_with(&door, "POST", path, "Content-Type: text/csv\r\n", csv);
			failed = disk.event[0] == '\0';
			disk_stop();
			assert_true(answer.status == 201 || (failed && (answer.status == 500 || answer.status == 507)));
			refused += answer.status != 201;
			answer_free(&answer);
		}
	}
	assert_true(refused >= 6);
	struct check found;
	assert_int_equal(check_directory(folder, no_damage, &found, NULL), 0);
	assert_int_equal(found.damaged, 0);
	assert_int_equal(found.files, uploads - refused);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define SERVICE(test) cmocka_unit_test_setup_teardown(test, open_service, close_service)
	const struct CMUnitTest tests[] = {SERVICE(test_an_upload), SERVICE(test_uploads_that_fail),
	                                   SERVICE(test_a_submission)};
	return cmocka_run_group_tests_name("sync_service", tests, NULL, NULL);
}
