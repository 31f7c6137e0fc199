/* Data sets over HTTP: names, built-in series, uploads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <zlib.h>

#include "server/common/data_file.h"
#include "tests/unit/api_fixture.h"

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
	             {"a\xc2\x85", ERR_INVALID}, /* U+0085: no experiment could name it */
	             {"a\xc2\x9f", ERR_INVALID},
	             {"a\xc2\xa0", 0},
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
	assert_get("/datasets/up/content", 200, text);
	assert_get("/datasets/sine/content", 200, "value\n");
	assert_says("DELETE", "/datasets/up", "", NULL, 204, "");
	assert_int_equal(access(file, F_OK), -1);
	assert_says("DELETE", "/datasets/up", "", NULL, 404, "/problems/not_found");
	json_t *list = get_json("/datasets"), *items = json_object_get(list, "datasets");
	assert_true(json_is_true(json_object_get(json_array_get(items, json_array_size(items) - 1), "builtin")));
	json_decref(list);
}

/* 34,000 rows of 64 bytes. */
static size_t pack_large(unsigned char *out, size_t room)
{
	enum { ROWS = 34000, WIDTH = 64 };
	static unsigned char plain[ROWS * WIDTH];
	z_stream stream = {.next_in = plain, .avail_in = sizeof plain, .next_out = out, .avail_out = (uInt)room};
	for (size_t i = 0; i < ROWS; i++) {
		memset(plain + i * WIDTH, '0', WIDTH);
		plain[i * WIDTH + 1] = '.';
		plain[i * WIDTH + WIDTH - 3] = ',';
		plain[i * WIDTH + WIDTH - 2] = i % 2 == 0 ? '0' : '1';
		plain[i * WIDTH + WIDTH - 1] = '\n';
	}
	assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	return stream.total_out;
}

static void assert_upload(const char *name, const unsigned char *bytes, size_t length, int status)
{
	char head[200];
	int client = door_connect(&door);
	snprintf(head, sizeof head,
	         "POST /datasets?name=%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", name,
	         length);
	assert_int_equal(send_text(client, head), 0);
	assert_int_equal(send_bytes(client, bytes, length), 0);
	struct answer answer = receive(client, 1);
	if (answer.status != status)
		fail_msg("%s: %d %s", name, answer.status, answer.body);
	if (status == 503)
		assert_header(&answer, "Retry-After", "5");
	answer_free(&answer);
	close(client);
}

/* Whatever reads a large packed data set, also one that was stored before, is one of few. */
static void test_large_packed_data_sets_in_turns(void **state)
{
	(void)state;
	static unsigned char packed[1 << 17];
	char path[400];
	const char *busy = "packed data sets are being read", *json = "Content-Type: application/json\r\n";
	const char *spec = "{\"data\":{\"dataset\":\"large\",\"task\":\"classification\",\"classes\":2,"
	                   "\"inputs\":[0],\"targets\":[1]},\"type\":\"lstm\",\"hidden_size\":1}";
	size_t length = pack_large(packed, sizeof packed);
	snprintf(path, sizeof path, "%s/datasets", folder);
	assert_int_equal(file_make_directory(path, NULL), 0);
	assert_int_equal(labels_seen_open(&api.labels, NULL), 0);
	assert_upload("large", packed, length, 201);
	assert_says("POST", "/experiments?validate_only=true", json, spec, 200, "");
	labels_seen_close(api.labels);
	assert_int_equal(labels_seen_open(&api.labels, NULL), 0);
	assessments_close(api.assessments);
	assert_int_equal(assessments_open(&api.assessments, NULL), 0);
	atomic_store(&api.unpacking, DATA_MAX_UNPACKING);
	assert_upload("again", packed, length, 503);
	assert_get("/datasets/large/export", 503, busy);
	assert_says("POST", "/experiments?validate_only=true", json, spec, 503, busy);
	assert_says("POST", "/datasets?name=bad", "", "\x1f\x8b", 400,
	            "the gzip data end too early"); /* small ones are read */
	assert_int_equal(atomic_exchange(&api.unpacking, 0), DATA_MAX_UNPACKING);
	assert_says("POST", "/experiments?validate_only=true", json, spec, 200, "");
	labels_seen_close(api.labels);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_names_of_data_sets),
	    TEST(test_data_sets_are_found_by_id_and_name),
	    TEST(test_built_in_series),
	    TEST(test_uploads),
	    TEST(test_large_packed_data_sets_in_turns),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
