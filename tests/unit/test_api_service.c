/* The whole table of routes on a store, over real connections; no scheduler, so nothing is queued over HTTP here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sodium.h>

#include "server/api/catalog.h"
#include "server/api/contract.h"
#include "server/api/cursor.h"
#include "server/api/routes.h"
#include "server/api/submission.h"
#include "server/common/clock.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/store_fixture.h"

static struct api api;
static struct door door;

static int open_service(void **state)
{
	struct qlstm_error error = {0};
	if (setup(state) != 0 || catalog_open(&error) != 0 || contract_open(&error) != 0) {
		print_error("%s\n", error.message);
		return -1;
	}
	api = (struct api){.store = store,
	                   .data_dir = folder,
	                   .max_memory = (size_t)1 << 30,
	                   .threads = 1,
	                   .started = clock_monotonic() - 5};
	if (keeper_open(&api.keeper, folder, false, NULL) != 0)
		return -1;
	uv_mutex_init(&api.datasets);
	door_open(&door,
	          (struct http_config){.handler = routes_handle, .body_limit = routes_body_limit, .context = &api});
	return 0;
}

static int close_service(void **state)
{
	door_close(&door);
	keeper_close(api.keeper);
	uv_mutex_destroy(&api.datasets);
	contract_close();
	return teardown(state);
}

/* The answer to one request has this status and these words in its body. */
static void assert_says(const char *method, const char *path, const char *headers, const char *body, int status,
                        const char *words)
{
	struct answer answer = ask_with(&door, method, path, headers, body);
	if (answer.status != status || strstr(answer.body, words) == NULL)
		fail_msg("%s %s %s: %d %s instead of %d %s", method, path, headers, answer.status, answer.body, status,
		         words);
	answer_free(&answer);
}

static void assert_get(const char *path, int status, const char *words)
{
	assert_says("GET", path, "", NULL, status, words);
}

/* The body of a 200 as JSON, the caller's. */
static json_t *get_json(const char *path)
{
	struct answer answer = ask(&door, "GET", path);
	if (answer.status != 200)
		fail_msg("%s: %d %s", path, answer.status, answer.body);
	json_t *body = json_loadb(answer.body, answer.body_length, 0, NULL);
	assert_non_null(body);
	answer_free(&answer);
	return body;
}

/* --- draining, origins, counters --- */

static void test_draining(void **state)
{
	(void)state;
	assert_get("/readyz", 200, "{\"status\":\"ready\"}");
	atomic_store(&api.draining, true);
	struct answer answer = ask(&door, "GET", "/readyz");
	assert_int_equal(answer.status, 503);
	assert_header(&answer, "Retry-After", "5");
	assert_non_null(strstr(answer.body, "/problems/unavailable"));
	assert_non_null(strstr(answer.body, "the service is shutting down"));
	answer_free(&answer);
	answer = ask_with(&door, "POST", "/experiments", "", "{}");
	assert_int_equal(answer.status, 503);
	assert_header(&answer, "Retry-After", "5");
	answer_free(&answer);
	assert_says("POST", "/experiments?validate_only=true", "", "{}", 200, "\"engine\"");
	assert_get("/healthz", 200, "\"ok\"");
	atomic_store(&api.draining, false);
	assert_get("/readyz", 200, "ready");
	api.data_dir = "/nonexistent";
	assert_get("/readyz", 503, "the disk is nearly full");
	api.data_dir = folder;
}

static void test_uptime(void **state)
{
	(void)state;
	json_t *health = get_json("/healthz");
	double seconds = json_real_value(json_object_get(health, "uptime_seconds"));
	assert_true(seconds >= 5.0 && seconds < 5.0 + CLIENT_SECONDS);
	json_decref(health);
}

static void test_pages_of_other_sites(void **state)
{
	(void)state;
	const char *path = "/experiments?validate_only=true";
	assert_says("POST", path, "Origin: http://a\r\n", "{}", 200, "spec"); /* the Host that the client sends */
	assert_says("POST", path, "Origin: https://a\r\n", "{}", 200, "spec");
	assert_says("POST", path, "Origin: http://b\r\n", "{}", 403, "/problems/cross_origin");
	assert_says("POST", path, "Origin: http://a.b\r\n", "{}", 403, "another origin");
	assert_says("POST", path, "Origin: a\r\n", "{}", 403, "cross_origin");
	assert_says("POST", path, "Origin: null\r\n", "{}", 403, "cross_origin");
	assert_says("DELETE", "/datasets/sine", "Origin: http://b\r\n", NULL, 403, "cross_origin");
	assert_says("GET", "/healthz", "Origin: http://b\r\n", NULL, 200, "ok");
	assert_says("OPTIONS", "/datasets", "Origin: http://b\r\n", NULL, 204, "");
}

static void test_replies_are_counted_by_class(void **state)
{
	(void)state;
	assert_get("/healthz", 200, "");
	assert_get("/nothing", 404, "there is nothing at this path");
	assert_get("/datasets?x=1", 400, "");
	assert_says("OPTIONS", "/datasets", "", NULL, 204, "");
	atomic_store(&api.draining, true);
	assert_get("/readyz", 503, "");
	const unsigned long long expected[] = {0, 0, 2, 0, 2, 1};
	for (int i = 0; i < 6; i++)
		assert_int_equal(atomic_load(&api.replies[i]), expected[i]);
}

/* --- query parameters and headers --- */

/* What is slow, and what must not wait for it. */
static void test_lanes(void **state)
{
	(void)state;
	static const struct {
		const char *method, *path;
		enum http_lane lane;
	} cases[] = {
	    {"GET", "/healthz", LANE_SHORT},
	    {"GET", "/experiments/x", LANE_SHORT},
	    {"GET", "/metrics", LANE_SHORT},
	    {"GET", "/experiments", LANE_LIST},
	    {"GET", "/datasets", LANE_LIST},
	    {"GET", "/experiments/x/events", LANE_LIST},
	    {"POST", "/experiments", LANE_SUBMIT},
	    {"POST", "/experiments/x/cancel", LANE_WRITE},
	    {"DELETE", "/datasets/x", LANE_WRITE},
	    {"POST", "/datasets", LANE_BULK},
	    {"POST", "/experiments/x/predict", LANE_PREDICT},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(routes_lane(&api, cases[i].method, cases[i].path), cases[i].lane);
}

static void test_integers_in_the_query(void **state)
{
	(void)state;
	const struct {
		const char *value;
		int status;
		const char *words;
	} cases[] = {{"1", 200, "experiments"},
	             {"200", 200, "experiments"},
	             {"0", 400, "limit is 0; allowed are 1 to 200"},
	             {"201", 400, "out_of_range"},
	             {"-1", 400, "out_of_range"},
	             {"99999999999999999999", 400, "out_of_range"},
	             {"4294967297", 400, "out_of_range"}, /* not 1 */
	             {"5x", 400, "limit is '5x'; an integer is expected"},
	             {"", 400, "wrong_type"},
	             {"x", 400, "wrong_type"},
	             {"1.5", 400, "wrong_type"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char path[100];
		snprintf(path, sizeof path, "/experiments?limit=%s", cases[i].value);
		assert_get(path, cases[i].status, cases[i].words);
	}
}

static void test_words_in_the_query(void **state)
{
	(void)state;
	assert_get("/experiments?status=cancelled", 200, "[]");
	assert_get("/experiments?status=queud", 400,
	           "status is 'queud'; did you mean 'queued'? Allowed are queued, running, ");
	assert_get("/experiments?status=QUEUED", 400, "/problems/invalid");
	assert_get("/experiments?status=", 400,
	           "allowed are queued, running, paused, cancelling, succeeded, failed, cancelled\"");
	assert_says("POST", "/experiments?validate_only=true", "", "{}", 200, "");
	assert_says("POST", "/experiments?validate_only=maybe", "", "{}", 400, "allowed are false, true");
	atomic_store(&api.draining, true);
	assert_says("POST", "/experiments?validate_only=false", "", "{}", 503, "");
	assert_says("POST", "/experiments?validate_only=true", "", "{}", 200, "");
}

static void test_types_of_bodies(void **state)
{
	(void)state;
	const struct {
		const char *type;
		int status;
	} cases[] = {{"application/json", 200},
	             {"application/json; charset=utf-8", 200},
	             {"application/json;charset=utf-8", 200},
	             {"Application/JSON", 200},
	             {"application/x-www-form-urlencoded", 200},
	             {"", 200},
	             {"application/jsonx", 415},
	             {"application/jso", 415},
	             {"text/plain", 415},
	             {";application/json", 415}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char header[100];
		snprintf(header, sizeof header, "Content-Type: %s\r\n", cases[i].type);
		assert_says("POST", "/experiments?validate_only=true", header, "{}", cases[i].status,
		            cases[i].status == 200 ? "" : "application/json is expected");
	}
	assert_says("POST", "/datasets?name=x", "Content-Type: application/json\r\n", "{}", 415,
	            "text/csv is expected");
}

static void test_idempotency_keys_have_a_form(void **state)
{
	(void)state;
	char header[400], key[260];
	memset(key, '~', sizeof key);
	for (int length = 254; length <= 256; length++) {
		snprintf(header, sizeof header, "Idempotency-Key: %.*s\r\n", length, key);
		assert_says("POST", "/experiments?validate_only=true", header, "{}", length <= 255 ? 200 : 400, "");
	}
	assert_says("POST", "/experiments?validate_only=true", "Idempotency-Key: !\r\n", "{}", 200, "");
	assert_says("POST", "/experiments?validate_only=true", "Idempotency-Key: a b\r\n", "{}", 400, "without blanks");
	assert_says("POST", "/experiments?validate_only=true", "Idempotency-Key: a\x7f\r\n", "{}", 400,
	            "/problems/syntax");
	assert_says("POST", "/experiments?validate_only=true", "Idempotency-Key: \xc3\xa9\r\n", "{}", 400, "");
}

/* --- experiments --- */

static void insert_number(int number)
{
	assert_int_equal(store_write(store, insert_numbered, &number, NULL), 0);
}

static int execute(struct db *db, void *argument, struct qlstm_error *error)
{
	db_query(db, *(const char **)argument);
	return db_run(db) == 0 ? 0 : db_error(db, error);
}

/* A literal: the database knows statements by their address. */
static void write_sql(const char *sql)
{
	struct qlstm_error error = {0};
	if (store_write(store, execute, &sql, &error) != 0)
		fail_msg("%s", error.message);
}

static void test_lists_in_pages(void **state)
{
	(void)state;
	for (int i = 1; i <= 5; i++)
		insert_number(i);
	char path[200] = "/experiments?limit=2", seen[200] = "";
	for (int page = 0; page < 3; page++) {
		json_t *list = get_json(path), *items = json_object_get(list, "experiments"), *item;
		size_t index;
		assert_int_equal(json_array_size(items), page < 2 ? 2 : 1);
		json_array_foreach(items, index, item)
		{
			strncat(seen, json_string_value(json_object_get(item, "id")) + 25, 1);
		}
		bool more = json_is_true(json_object_get(list, "has_more"));
		const char *cursor = json_string_value(json_object_get(list, "next_cursor"));
		assert_int_equal(more, page < 2);
		assert_int_equal(cursor != NULL, page < 2);
		if (cursor != NULL)
			snprintf(path, sizeof path, "/experiments?limit=2&cursor=%s", cursor);
		json_decref(list);
	}
	assert_string_equal(seen, "54321");
	assert_get("/experiments?limit=5", 200, "\"next_cursor\":null,\"has_more\":false");
	assert_get("/experiments?cursor=xyz", 400, "the cursor is not one that a list gave out");
	assert_get("/experiments?status=running", 200, "{\"experiments\":[]");
	assert_get("/experiments?project=default&status=queued", 200, "\"queue_position\":5");
	assert_get("/experiments?project=other", 200, "{\"experiments\":[]");
}

static void test_etag_follows_the_row(void **state)
{
	(void)state;
	char path[100], old[256], header[300];
	insert_number(1);
	snprintf(path, sizeof path, "/experiments/%s", numbered_id(1));
	const char *const changes[] = {
	    "UPDATE experiment SET status = 'running', attempt = 1, started_at = 5, version = version + 1",
	    "UPDATE experiment SET epoch = 1, metrics_json = '{\"train_loss\":0.5}', version = version + 1",
	    "UPDATE experiment SET status = 'succeeded', finished_at = 9, version = version + 1"};
	for (size_t i = 0; i <= sizeof changes / sizeof changes[0]; i++) {
		struct answer answer = ask(&door, "GET", path);
		assert_int_equal(answer.status, 200);
		assert_true(answer_header(&answer, "ETag", old));
		answer_free(&answer);
		snprintf(header, sizeof header, "If-None-Match: %s\r\n", old);
		answer = ask_with(&door, "GET", path, header, NULL);
		assert_int_equal(answer.status, 304);
		assert_header(&answer, "ETag", old);
		assert_int_equal(answer.body_length, 0);
		answer_free(&answer);
		if (i == sizeof changes / sizeof changes[0])
			break;
		write_sql(changes[i]);
		assert_says("GET", path, header, NULL, 200, "\"status\"");
	}
}

/* The place in the queue is part of the resource: it moves without a change of the row. */
static void test_etag_follows_the_place_in_the_queue(void **state)
{
	(void)state;
	char path[100], header[300], etag[256];
	insert_number(1);
	insert_number(2);
	snprintf(path, sizeof path, "/experiments/%s", numbered_id(2));
	struct answer answer = ask(&door, "GET", path);
	assert_non_null(strstr(answer.body, "\"queue_position\":2"));
	assert_true(answer_header(&answer, "ETag", etag));
	answer_free(&answer);
	write_sql("UPDATE experiment SET status = 'cancelled' WHERE id LIKE '%1'");
	snprintf(header, sizeof header, "If-None-Match: %s\r\n", etag);
	assert_says("GET", path, header, NULL, 200, "\"queue_position\":1");
}

static void test_histories(void **state)
{
	(void)state;
	char path[200];
	insert_number(1);
	snprintf(path, sizeof path, "/experiments/%s/metrics", numbered_id(1));
	assert_get(path, 200, "\"metrics\":[]}");
	write_sql("INSERT INTO epoch_metric SELECT id, 1, 1, '{\"train_loss\":0.1,\"test_loss\":null,"
	          "\"gradient_norm\":0.30000000000000004}', 2.5 FROM experiment");
	write_sql("INSERT INTO epoch_metric SELECT id, 2, 1, '{\"train_loss\":0.05,\"test_loss\":0.25,"
	          "\"gradient_norm\":null}', 1.0 FROM experiment");
	const char *first = "{\"epoch\":1,\"train_loss\":0.1,\"test_loss\":null,\"gradient_norm\":0.30000000000000004,"
	                    "\"seconds\":2.5}",
	           *second =
	               "{\"epoch\":2,\"train_loss\":0.05,\"test_loss\":0.25,\"gradient_norm\":null,\"seconds\":1.0}",
	           *header = "epoch,train_loss,test_loss,gradient_norm,seconds\n";
	char json[400], csv[400];
	snprintf(json, sizeof json, "{\"experiment\":\"%s\",\"metrics\":[%s,%s]}\n", numbered_id(1), first, second);
	snprintf(csv, sizeof csv, "%s1,%.17g,,%.17g,2.5\n2,%.17g,0.25,,1\n", header, 0.1, 0.1 + 0.2, 0.05);
	struct answer answer = ask(&door, "GET", path);
	assert_string_equal(answer.body, json);
	assert_header(&answer, "Vary", "Accept");
	assert_header(&answer, "Content-Type", "application/json");
	answer_free(&answer);
	answer = ask_with(&door, "GET", path, "Accept: text/csv\r\n", NULL);
	assert_string_equal(answer.body, csv);
	assert_header(&answer, "Vary", "Accept");
	assert_header(&answer, "Content-Type", "text/csv; charset=utf-8");
	answer_free(&answer);
	snprintf(path, sizeof path, "/experiments/%s/metrics?after=1&format=csv", numbered_id(1));
	assert_get(path, 200, "seconds\n2,");
	snprintf(path, sizeof path, "/experiments/%s/metrics?after=2147483647", numbered_id(1));
	assert_get(path, 200, "\"metrics\":[]}");
	snprintf(path, sizeof path, "/experiments/%s/metrics?after=0", numbered_id(1));
	assert_get(path, 200, "\"epoch\":1,");
	snprintf(path, sizeof path, "/experiments/%s/metrics", numbered_id(2));
	assert_get(path, 404, "there is no experiment");
	/* Metrics that only some epochs have are columns too, before the seconds. */
	write_sql(
	    "UPDATE epoch_metric SET metrics_json = '{\"train_loss\":0.05,\"test_accuracy\":0.5}' WHERE epoch = 2");
	snprintf(path, sizeof path, "/experiments/%s/metrics?format=csv", numbered_id(1));
	assert_get(path, 200, "epoch,train_loss,test_loss,gradient_norm,test_accuracy,seconds\n1,");
	assert_get(path, 200, ",,2.5\n2,0.050000000000000003,,,0.5,1\n");
}

static void test_what_the_client_accepts(void **state)
{
	(void)state;
	char path[200];
	insert_number(1);
	snprintf(path, sizeof path, "/experiments/%s/metrics", numbered_id(1));
	const struct {
		const char *accept;
		bool csv;
	} cases[] = {{"text/csv", true},
	             {"TEXT/CSV", true},
	             {"application/json, text/csv;q=0.5", true},
	             {"application/json,text/csv", true},
	             {"a/b , \ttext/csv", true},
	             {"text/csvx", false},
	             {"text/cs", false},
	             {"text/*", false},
	             {"*/*", false},
	             {"", false},
	             {"application/json", false},
	             {"a/b;x=text/csv", false}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char header[100];
		snprintf(header, sizeof header, "Accept: %s\r\n", cases[i].accept);
		assert_says("GET", path, header, NULL, 200, cases[i].csv ? "epoch,train_loss" : "{\"experiment\"");
	}
	snprintf(path, sizeof path, "/experiments/%s/metrics?format=json", numbered_id(1));
	assert_says("GET", path, "Accept: text/csv\r\n", NULL, 200, "{\"experiment\"");
}

/* --- data sets --- */

static json_int_t integer_at(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);
	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void test_names_of_data_sets(void **state)
{
	(void)state;
	char name[300];
	const struct {
		const char *name;
		int code;
	} cases[] = {{"a", 0},
	             {" !~", 0},
	             {"\xc3\xa9", 0},
	             {"sine x", 0},
	             {"", ERR_OUT_OF_RANGE},
	             {"a/b", ERR_INVALID},
	             {"a\x1f", ERR_INVALID},
	             {"\x7f", ERR_INVALID},
	             {"a\xff", ERR_INVALID},
	             {"\xc3", ERR_INVALID},
	             {"01ARZ3NDEKTSV4RRFFQ69G5FAV", ERR_INVALID},
	             {"sine", ERR_CONFLICT},
	             {"damped_shm", ERR_CONFLICT}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (catalog_name_check(cases[i].name, NULL) != cases[i].code)
			fail_msg("'%s': %d", cases[i].name, catalog_name_check(cases[i].name, NULL));
	for (int length = 199; length <= 201; length++) {
		memset(name, 'x', sizeof name);
		name[length] = '\0';
		assert_int_equal(catalog_name_check(name, NULL), length <= 200 ? 0 : ERR_OUT_OF_RANGE);
	}
}

static int insert_dataset(struct db *db, void *argument, struct qlstm_error *error)
{
	bool existed = false;
	return dataset_insert(db, argument, &existed, error);
}

/* One of thirty rows with a header: t (no numbers), value. */
static void upload(const char *id, const char *name, const char *columns)
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

#define UPLOAD "01ARZ3NDEKTSV4RRFFQ69G5FAV"
#define COLUMNS                                                                                                        \
	"[{\"name\":\"t\",\"numeric\":false,\"bad_line\":2,\"bad_text\":\"x\"},{\"name\":\"value\",\"numeric\":true}]"

static void test_data_sets_are_found_by_id_and_name(void **state)
{
	(void)state;
	upload(UPLOAD, "wave", COLUMNS);
	const char *const keys[] = {UPLOAD, "wave"};
	for (int i = 0; i < 2; i++) {
		struct catalog_entry entry;
		assert_int_equal(catalog_find(&api, &everybody, keys[i], &entry, NULL), 0);
		assert_null(entry.series);
		assert_string_equal(catalog_id(&entry), UPLOAD);
		assert_string_equal(entry.row.name, "wave");
		catalog_entry_free(&entry);
	}
	struct answer answer = ask(&door, "GET", "/datasets/wave");
	assert_string_equal(
	    answer.body,
	    "{\"id\":\"" UPLOAD "\",\"name\":\"wave\",\"builtin\":false,\"owner\":null,\"summary\":null,"
	    "\"kind\":\"csv\",\"description\":{\"has_header\":true},\"sha256\":"
	    "\"0000000000000000000000000000000000000000000000000000000000000007\",\"bytes\":300,\"rows\":30,"
	    "\"columns\":" COLUMNS
	    ",\"has_header\":true,\"created_at\":\"1970-01-02T00:00:00.000Z\",\"links\":{\"self\":\"/datasets/" UPLOAD
	    "\",\"content\":\"/datasets/" UPLOAD "/content\"}}\n");
	answer_free(&answer);
	assert_get("/datasets/wav", 404, "there is no data set 'wav'; did you mean 'wave'?");
	assert_get("/datasets/sinee", 404, "did you mean 'sine'?");
	assert_get("/datasets/somethingelse", 404, "there is no data set 'somethingelse'\"");
	assert_get("/datasets/wave/content", 500, "/problems/io"); /* a row without its file */
	char longer[4096];
	memset(longer, 'd', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	api.data_dir = longer;
	assert_get("/datasets/wave/content", 500, "/problems/io");
	api.data_dir = folder;
}

static void test_built_in_series(void **state)
{
	(void)state;
	struct catalog_entry entry;
	struct table table = {0};
	char sha256[65];
	unsigned char hash[crypto_hash_sha256_BYTES];
	assert_int_equal(catalog_find(&api, &everybody, "sine", &entry, NULL), 0);
	assert_non_null(entry.series);
	assert_string_equal(catalog_id(&entry), "sine");
	assert_int_equal(series_table(entry.series, &table, NULL), 0);
	assert_int_equal(entry.row.n_rows, table.n_rows);
	assert_int_equal(entry.row.bytes, 8 * table.n_rows);
	crypto_hash_sha256(hash, (const unsigned char *)table.columns[0].values, 8 * table.n_rows);
	sodium_bin2hex(sha256, sizeof sha256, hash, sizeof hash);
	assert_string_equal(entry.row.sha256, sha256);
	table_free(&table);
	catalog_entry_free(&entry);
	json_t *sine = get_json("/datasets/sine");
	assert_true(json_is_true(json_object_get(sine, "builtin")));
	assert_string_equal(json_string_value(json_object_get(sine, "summary")), series_find("sine")->summary);
	assert_true(json_is_null(json_object_get(sine, "created_at")));
	json_decref(sine);
	int count = 0;
	for (json_t *item; (item = catalog_builtin_json(count)) != NULL; count++) {
		assert_string_equal(json_string_value(json_object_get(item, "name")), series_at(count)->name);
		json_decref(item);
	}
	assert_null(series_at(count));
	assert_true(count > 3);
	upload(UPLOAD, "wave", COLUMNS);
	json_t *list = get_json("/datasets"), *items = json_object_get(list, "datasets");
	assert_int_equal(json_array_size(items), count + 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, (size_t)count), "name")), "wave");
	json_decref(list);
	assert_says("DELETE", "/datasets/sine", "", NULL, 409, "'sine' is built in");
}

/* Stored, found again, read back, deleted; what cannot be used leaves nothing behind. */
static void test_uploads(void **state)
{
	(void)state;
	char path[400], file[500], sha256[65];
	const char *text = "a,b\n1,2\n3,4\n", *type = "Content-Type: text/csv\r\n";
	snprintf(path, sizeof path, "%s/datasets", folder);
	assert_int_equal(file_make_directory(path, NULL), 0);
	sha256_hex(text, strlen(text), sha256);
	snprintf(file, sizeof file, "%s/%s.csv", path, sha256);
	struct answer answer = ask_with(&door, "POST", "/datasets?name=up", type, text);
	assert_int_equal(answer.status, 201);
	json_t *made = json_loadb(answer.body, answer.body_length, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(made, "sha256")), sha256);
	assert_int_equal(integer_at(made, "rows"), 2);
	assert_int_equal(integer_at(made, "bytes"), strlen(text));
	json_decref(made);
	answer_free(&answer);
	assert_int_equal(access(file, F_OK), 0);
	assert_says("POST", "/datasets?name=up", type, text, 200, sha256);
	assert_says("POST", "/datasets?name=up", type, "1\n2\n", 409, "the name 'up' is taken by other data");
	assert_says("POST", "/datasets?name=bad", type, "a,b\n1,2\n3\n", 400, "line 3");
	assert_says("POST", "/datasets?name=bad", type, "a,b\nx,y\n", 422, "no numeric column");
	assert_says("POST", "/datasets", type, text, 400, "/problems/missing");
	assert_says("POST", "/datasets?name=sine", type, text, 409, "/problems/conflict");
	assert_says("POST", "/datasets?name=bad", "", "\x1f\x8b", 400, "the gzip data end too early");
	atomic_store(&api.unpacking, API_MAX_UNPACKING);
	assert_says("POST", "/datasets?name=bad", "", "\x1f\x8b", 503, "packed data sets are being read");
	assert_says("POST", "/datasets?name=up", type, text, 200, sha256);
	assert_int_equal(atomic_exchange(&api.unpacking, 0), API_MAX_UNPACKING);
	assert_get("/datasets/up/content", 200, text);
	assert_get("/datasets/sine/content", 200, "value\n");
	assert_says("DELETE", "/datasets/up", "", NULL, 204, "");
	assert_int_equal(access(file, F_OK), -1);
	assert_says("DELETE", "/datasets/up", "", NULL, 404, "/problems/not_found");
	json_t *list = get_json("/datasets"), *items = json_object_get(list, "datasets");
	assert_true(json_is_true(json_object_get(json_array_get(items, json_array_size(items) - 1), "builtin")));
	json_decref(list);
}

/* --- submissions --- */

static int make(const char *text, struct submission *out, struct qlstm_error *error)
{
	*error = (struct qlstm_error){0};
	return submission_make(&api, &everybody, text, strlen(text), out, error);
}

static void test_what_a_submission_holds(void **state)
{
	(void)state;
	struct submission made;
	struct qlstm_error error;
	upload(UPLOAD, "wave", COLUMNS);
	assert_int_equal(make("{\"name\":\"mine\",\"project\":\"p\",\"tags\":[\"a\"],\"hidden_size\":3,\"n_qubits\":3,"
	                      "\"data\":{\"dataset\":\"wave\",\"window\":4,\"split\":{\"train\":0.5}},"
	                      "\"training\":{\"epochs\":7},\"limits\":{\"max_attempts\":2,\"max_seconds\":900}}",
	                      &made, &error),
	                 0);
	assert_string_equal(submission_name(&made), "mine");
	assert_string_equal(submission_project(&made), "p");
	assert_string_equal(made.tags_json, "[\"a\"]");
	assert_string_equal(made.dataset_id, UPLOAD);
	assert_int_equal(made.epochs, 7);
	assert_int_equal(made.max_attempts, 2);
	assert_true(made.max_seconds == 900.0);
	json_t *data = json_object_get(made.spec, "data");
	assert_string_equal(json_string_value(json_object_get(data, "dataset")), UPLOAD);
	assert_string_equal(json_string_value(json_array_get(json_object_get(data, "inputs"), 0)), "value");
	assert_string_equal(json_string_value(json_object_get(made.data, "dataset")), "wave");
	assert_int_equal(integer_at(made.data, "rows"), 30);
	assert_int_equal(integer_at(made.data, "train"), 12);
	assert_int_equal(integer_at(made.data, "test"), 13);
	assert_true(integer_at(made.model, "quantum") > 0 && integer_at(made.model, "classical") > 0);
	assert_int_equal(integer_at(made.model, "parameters"),
	                 integer_at(made.model, "quantum") + integer_at(made.model, "classical"));
	assert_true(json_real_value(json_object_get(made.engine, "estimated_seconds")) > 0.0);
	const struct {
		const char *text;
		json_t *value;
	} texts[] = {{made.spec_json, made.spec},
	             {made.model_json, made.model},
	             {made.data_json, made.data},
	             {made.engine_json, made.engine}};
	for (size_t i = 0; i < 4; i++) {
		json_t *read = json_loads(texts[i].text, 0, NULL);
		assert_true(json_equal(read, texts[i].value));
		json_decref(read);
	}
	submission_free(&made);
	assert_null(made.spec);

	assert_int_equal(make("{}", &made, &error), 0);
	assert_string_equal(submission_name(&made), "");
	assert_string_equal(submission_project(&made), "default");
	assert_string_equal(made.dataset_id, "");
	assert_string_equal(made.tags_json, "[]");
	submission_free(&made);
}

static void assert_refused(const char *text, int code, const char *pointer, const char *words)
{
	struct submission made;
	struct qlstm_error error;
	int rc = make(text, &made, &error);
	if (rc != code || strcmp(error.pointer, pointer) != 0 || strstr(error.message, words) == NULL)
		fail_msg("%s: %d %s %s", text, rc, error.pointer, error.message);
	assert_null(made.spec);
	assert_null(made.spec_json);
}

static void test_submissions_that_are_refused(void **state)
{
	(void)state;
	upload(UPLOAD, "wave", COLUMNS);
	upload("01ARZ3NDEKTSV4RRFFQ69G5FAW", "odd", "[{\"numeric\":true}]");
	assert_refused("{", ERR_SYNTAX, "", "line 1");
	assert_refused("{\"data\":{\"dataset\":\"nobody\"}}", ERR_NOT_FOUND, "/data/dataset", "'nobody'");
	assert_refused("{\"data\":{\"dataset\":\"wave\",\"inputs\":[\"t\"]}}", ERR_INVALID, "/data/inputs/0",
	               "column 't' is not numeric: line 2 holds 'x'");
	assert_refused("{\"data\":{\"dataset\":\"wave\",\"window\":29}}", ERR_INVALID, "/data/window", "30");
	assert_refused("{\"data\":{\"dataset\":\"odd\"}}", ERR_CORRUPT, "", "the columns of data set 'odd'");
	api.max_memory = 1 << 20;
	assert_refused("{\"model\":{\"type\":\"lstm\",\"hidden_size\":1000}}", ERR_TOO_LARGE, "/training/batch_size",
	               "1 MiB");
	assert_says("POST", "/experiments", "", "{\"model\":{\"type\":\"lstm\",\"hidden_size\":1000}}", 422,
	            "too_large");
	assert_says("POST", "/experiments", "", "{\"data\":{\"dataset\":\"nobody\"}}", 422, "not_found");
	assert_says("POST", "/experiments", "", "", 400, "syntax");
	assert_says("POST", "/experiments", "", "{\"data\":{\"dataset\":\"odd\"}}", 500, "/problems/corrupt");
}

/* --- the contract --- */

static void test_the_contract(void **state)
{
	(void)state;
	struct answer answer = ask(&door, "GET", "/openapi.json");
	assert_header(&answer, "Content-Type", "application/json");
	assert_null(strstr(answer.body, "#/$defs/"));
	json_t *whole = json_loadb(answer.body, answer.body_length, 0, NULL);
	json_t *schemas = json_object_get(json_object_get(whole, "components"), "schemas");
	json_t *request = json_object_get(schemas, "ExperimentRequest");
	assert_null(json_object_get(request, "$defs"));
	assert_null(json_object_get(request, "$schema"));
	assert_non_null(json_object_get(json_object_get(request, "properties"), "training"));
	assert_non_null(json_object_get(schemas, "Experiment.training"));
	json_decref(whole);
	answer_free(&answer);
	json_t *problem = get_json("/problems/disk_full");
	assert_string_equal(json_string_value(json_object_get(problem, "name")), "disk_full");
	assert_int_equal(integer_at(problem, "status"), 507);
	assert_string_equal(json_string_value(json_object_get(problem, "title")), "The disk is full");
	assert_non_null(json_object_get(problem, "meaning"));
	json_decref(problem);
	assert_get("/problems/nonsense", 404, "not_found");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_service, close_service)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_draining),
	    TEST(test_uptime),
	    TEST(test_pages_of_other_sites),
	    TEST(test_replies_are_counted_by_class),
	    TEST(test_lanes),
	    TEST(test_integers_in_the_query),
	    TEST(test_words_in_the_query),
	    TEST(test_types_of_bodies),
	    TEST(test_idempotency_keys_have_a_form),
	    TEST(test_lists_in_pages),
	    TEST(test_etag_follows_the_row),
	    TEST(test_etag_follows_the_place_in_the_queue),
	    TEST(test_histories),
	    TEST(test_what_the_client_accepts),
	    TEST(test_names_of_data_sets),
	    TEST(test_data_sets_are_found_by_id_and_name),
	    TEST(test_built_in_series),
	    TEST(test_uploads),
	    TEST(test_what_a_submission_holds),
	    TEST(test_submissions_that_are_refused),
	    TEST(test_the_contract),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
