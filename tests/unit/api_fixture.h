/* For tests of resources: the whole table of routes on a store, over real connections; the scheduler is never
 * woken. Include behind cmocka.h. */
#ifndef QLSTM_TESTS_API_FIXTURE_H
#define QLSTM_TESTS_API_FIXTURE_H

#include <jansson.h>

#include "server/api/catalog.h"
#include "server/api/contract.h"
#include "server/api/routes.h"
#include "server/common/clock.h"
#include "server/store/datasets.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/store_fixture.h"

#define UPLOAD "01ARZ3NDEKTSV4RRFFQ69G5FAV"
#define COLUMNS                                                                                                        \
	"[{\"name\":\"t\",\"numeric\":false,\"bad_line\":2,\"bad_text\":\"x\"},{\"name\":\"value\",\"numeric\":true}]"

static struct api api;
static struct door door;

static inline int open_service(void **state)
{
	struct qlstm_error error = {0};
	if (setup(state) != 0 || catalog_open(&error) != 0 || contract_open(&error) != 0) {
		print_error("%s\n", error.message);
		return -1;
	}
	api = (struct api){.store = store,
	                   .data_dir = folder,
	                   .max_memory = (size_t)1 << 30,
	                   .max_upload = API_MAX_DATASET,
	                   .threads = 1,
	                   .speed = 1,
	                   .started = clock_monotonic() - 5};
	const struct scheduler_config config = {
	    .data_dir = folder, .worker_path = "/nowhere", .slots = 1, .threads = 1};
	if (keeper_open(&api.keeper, folder, false, NULL) != 0 || assessments_open(&api.assessments, NULL) != 0 ||
	    scheduler_open(&api.scheduler, &loop, store, &config, NULL) != 0)
		return -1;
	uv_mutex_init(&api.datasets);
	door_open(&door,
	          (struct http_config){.handler = routes_handle, .body_limit = routes_body_limit, .context = &api});
	return 0;
}

static inline int close_service(void **state)
{
	door_close(&door);
	scheduler_close(api.scheduler); /* it was never woken */
	assessments_close(api.assessments);
	keeper_close(api.keeper);
	uv_mutex_destroy(&api.datasets);
	contract_close();
	return teardown(state);
}

/* The answer to one request has this status and these words in its body. */
static inline void assert_says(const char *method, const char *path, const char *headers, const char *body, int status,
                               const char *words)
{
	struct answer answer = ask_with(&door, method, path, headers, body);
	if (answer.status != status || strstr(answer.body, words) == NULL)
		fail_msg("%s %s %s: %d %s instead of %d %s", method, path, headers, answer.status, answer.body, status,
		         words);
	answer_free(&answer);
}

static inline void assert_get(const char *path, int status, const char *words)
{
	assert_says("GET", path, "", NULL, status, words);
}

/* The body of a 200 as JSON, the caller's. */
static inline json_t *get_json(const char *path)
{
	struct answer answer = ask(&door, "GET", path);
	if (answer.status != 200)
		fail_msg("%s: %d %s", path, answer.status, answer.body);
	json_t *body = json_loadb(answer.body, answer.body_length, 0, NULL);
	assert_non_null(body);
	answer_free(&answer);
	return body;
}

static inline void insert_number(int number)
{
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
}

static inline int insert_dataset(struct db *db, void *argument, struct qlstm_error *error)
{
	bool existed = false;
	return dataset_insert(db, argument, &existed, error);
}

/* One of thirty rows with a header: t (no numbers), value. */
static inline void upload(const char *id, const char *name, const char *columns)
{
	struct dataset_row row = {.name = (char *)name,
	                          .file = (char[]){"0007.csv"},
	                          .kind = (char[]){"csv"},
	                          .columns_json = (char *)columns,
	                          .description_json = (char[]){"{\"has_header\":true}"},
	                          .bytes = 300,
	                          .n_rows = 30,
	                          .created_at = 86400000};
	snprintf(row.id, sizeof row.id, "%s", id);
	snprintf(row.sha256, sizeof row.sha256, "%064d", 7);
	assert_int_equal(store_write(store, insert_dataset, &row, NULL), 0);
}

static inline json_int_t integer_at(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);
	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_service, close_service)

#endif
