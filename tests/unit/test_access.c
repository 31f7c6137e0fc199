/* What the room access keeps and says: limits of keys through the file, files that are no keys, the audit log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/access/audit.h"
#include "server/access/keeper.h"
#include "server/common/clock.h"
#include "tests/unit/allocation.h"
#include "tests/unit/experiment_fixture.h"

static struct qlstm_error error;

static const char *path_of(const char *name)
{
	static char path[400];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

/* A file as one text; freed by the caller. */
static char *text_of(const char *name)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	assert_int_equal(file_read(path_of(name), 1 << 20, &bytes, &length, NULL), 0);
	char *text = strndup((const char *)bytes, length);
	assert_non_null(text);
	free(bytes);
	return text;
}

/* The lowest descriptor that is free. */
static int lowest_free(void)
{
	int file = dup(2);
	close(file);
	return file;
}

static struct key limited(const char *name)
{
	struct key key = {.scope = SCOPE_SUBMIT, .quota = {3, 2, 5000000000}, .rate = 2.5};
	snprintf(key.name, sizeof key.name, "%s", name);
	snprintf(key.owner, sizeof key.owner, "of-%s", name);
	key.expires_at = clock_now_ms() + 3600000;
	return key;
}

static void add(const char *name, char text[KEY_TEXT_SIZE])
{
	struct key key = limited(name);
	assert_int_equal(keyring_add(folder, &key, text, NULL), 0);
}

/* Every member comes back from the file as it was added, and is shown. */
static void test_limits_are_kept(void **state)
{
	(void)state;
	struct key made = limited("a");
	struct keyring ring;
	char text[KEY_TEXT_SIZE];
	int64_t before = clock_now_ms();
	assert_int_equal(keyring_add(folder, &made, text, NULL), 0);
	assert_true(made.created_at >= before && made.created_at <= clock_now_ms() && made.revoked_at == 0);
	assert_int_equal(keyring_read(folder, &ring, NULL), 0);
	const struct key *kept = keyring_find(&ring, made.id);
	assert_non_null(kept);
	assert_string_equal(kept->name, "a");
	assert_string_equal(kept->owner, "of-a");
	assert_string_equal(kept->sha256, made.sha256);
	assert_true(kept->scope == SCOPE_SUBMIT && kept->rate == 2.5 && kept->created_at == made.created_at);
	assert_true(kept->expires_at == made.expires_at && kept->revoked_at == 0);
	assert_true(kept->quota.queued == 3 && kept->quota.running == 2 && kept->quota.bytes == 5000000000);
	json_t *shown = key_json(kept, 86400000);
	assert_string_equal(json_string_value(json_object_get(shown, "last_used_at")), "1970-01-02T00:00:00.000Z");
	assert_true(json_is_null(json_object_get(shown, "revoked_at")));
	assert_true(json_is_string(json_object_get(shown, "expires_at")));
	assert_int_equal(json_integer_value(json_object_get(shown, "max_queued")), 3);
	assert_int_equal(json_integer_value(json_object_get(shown, "max_running")), 2);
	assert_int_equal(json_integer_value(json_object_get(shown, "max_bytes")), 5000000000);
	assert_true(json_real_value(json_object_get(shown, "rate")) == 2.5);
	assert_null(json_object_get(shown, "sha256"));
	json_decref(shown);
	shown = key_json(&(struct key){.rate = 4}, 0);
	assert_true(json_is_null(json_object_get(shown, "max_queued")) &&
	            json_is_null(json_object_get(shown, "max_bytes")));
	assert_true(json_is_null(json_object_get(shown, "last_used_at")));
	assert_int_equal(json_integer_value(json_object_get(shown, "rate")), 4);
	json_decref(shown);
	keyring_free(&ring);
}

static void test_limits_that_cannot_be(void **state)
{
	(void)state;
	char text[KEY_TEXT_SIZE];
	for (int i = 0; i < 6; i++) {
		struct key key = limited("a");
		key.rate = i == 0 ? -1 : i == 1 ? KEY_MAX_RATE * 1.01 : i == 2 ? 0.0 / 0.0 : 1;
		key.quota.queued = i == 3 ? -1 : 0;
		key.quota.running = i == 4 ? -1 : 0;
		key.quota.bytes = i == 5 ? -1 : 0;
		error_clear(&error);
		assert_int_equal(keyring_add(folder, &key, text, &error), ERR_OUT_OF_RANGE);
	}
	struct key key = limited("a");
	key.rate = KEY_MAX_RATE;
	assert_int_equal(keyring_add(folder, &key, text, NULL), 0);
	struct key other = limited("b");
	error_clear(&error);
	snprintf(other.owner, sizeof other.owner, "not good");
	assert_int_equal(keyring_add(folder, &other, text, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/owner");
	error_clear(&error);
	snprintf(other.name, sizeof other.name, "-b");
	assert_int_equal(keyring_add(folder, &other, text, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/name");
	assert_non_null(strstr(error.message, "1 to 64 letters"));
}

/* A folder, and a link to a file of keys, are none. */
static void test_what_is_no_file_of_keys(void **state)
{
	(void)state;
	struct keyring ring;
	char text[KEY_TEXT_SIZE], target[400];
	assert_int_equal(mkdir(path_of(KEYRING_FILE), 0700), 0);
	assert_int_equal(keyring_read(folder, &ring, &error), ERR_CORRUPT);
	keyring_free(&ring);
	assert_int_equal(rmdir(path_of(KEYRING_FILE)), 0);
	add("a", text);
	snprintf(target, sizeof target, "%s/elsewhere", folder);
	assert_int_equal(rename(path_of(KEYRING_FILE), target), 0);
	assert_int_equal(symlink(target, path_of(KEYRING_FILE)), 0);
	error_clear(&error);
	assert_int_equal(keyring_read(folder, &ring, &error), ERR_IO);
	assert_non_null(strstr(error.message, "cannot open /"));
	keyring_free(&ring);
	struct key key = limited("b");
	assert_int_equal(keyring_add(folder, &key, text, NULL), ERR_IO);
}

/* Bytes put in its place, as a whole. */
static void replace(const char *content)
{
	assert_int_equal(file_write_atomic(folder, KEYRING_FILE, content, strlen(content), NULL), 0);
}

/* Keys that cannot be read while the daemon runs let nobody in by one; put right, they hold again. */
static void test_the_keeper_of_broken_keys(void **state)
{
	(void)state;
	struct keeper *keeper;
	struct caller caller;
	char text[KEY_TEXT_SIZE], header[KEY_TEXT_SIZE + 16];
	add("a", text);
	snprintf(header, sizeof header, "bEARER   %s", text);
	assert_int_equal(keeper_open(&keeper, folder, true, NULL), 0);
	assert_null(keeper_admit(keeper, header, &caller));
	assert_true(caller.rate.limit == 2 && caller.rate.remaining == 1 && !caller.rate.empty);
	assert_int_equal(caller.principal.quota.running, 2);
	assert_string_equal(caller.principal.viewer.owner, "of-a");
	assert_null(keeper_admit(keeper, header, &caller));
	assert_null(keeper_admit(keeper, header, &caller));
	assert_true(caller.rate.empty);
	char *content = text_of(KEYRING_FILE);
	replace("{");
	assert_non_null(strstr(keeper_admit(keeper, header, &caller), "cannot be read"));
	assert_false(keeper_may(keeper, header) || keeper_has_keys(keeper));
	replace(content);
	free(content);
	assert_null(keeper_admit(keeper, header, &caller));
	for (const char *const *wrong = (const char *const[]){"Bearer", "Basic x", "Bearerx", "Bearer qlstmd_", NULL};
	     *wrong != NULL; wrong++)
		assert_non_null(strstr(keeper_admit(keeper, *wrong, &caller), "does not hold a key"));
	json_t *list = keeper_list(keeper);
	assert_int_equal(json_array_size(list), 1);
	assert_true(json_is_string(json_object_get(json_array_get(list, 0), "last_used_at")));
	json_decref(list);
	keeper_close(keeper);
}

/* Each allocation fails once: said, and at the next try everything is as it was. */
static void test_without_memory(void **state)
{
	(void)state;
	char text[KEY_TEXT_SIZE], header[KEY_TEXT_SIZE + 16];
	add("a", text);
	snprintf(header, sizeof header, "Bearer %s", text);
	for (long n = 0; ALLOCATIONS_FAIL && n < 1000; n++) {
		struct keeper *keeper = NULL;
		struct audit *audit = NULL;
		struct caller caller;
		error_clear(&error);
		allocation_failed = false;
		allocations_until_failure = n;
		int rc = keeper_open(&keeper, folder, true, &error);
		int opened = rc == 0 ? audit_open(&audit, folder, &error) : 0;
		allocations_until_failure = -1;
		assert_true(rc == 0 || rc == ERR_OUT_OF_MEMORY || rc == ERR_CORRUPT); /* so to the parser */
		assert_true(opened == 0 || opened == ERR_OUT_OF_MEMORY);
		assert_true((rc == 0 && opened == 0) || error.message[0] != '\0');
		bool failed = allocation_failed;
		if (rc == 0)
			assert_null(keeper_admit(keeper, header, &caller));
		keeper_close(keeper);
		audit_close(audit);
		if (!failed) {
			assert_true(n > 3);
			return;
		}
	}
	assert_false(ALLOCATIONS_FAIL);
}

/* As above, of a keeper that reads keys which have just changed, and of a change. */
static void test_changed_keys_without_memory(void **state)
{
	(void)state;
	struct keeper *keeper;
	struct caller caller;
	struct key key;
	char text[KEY_TEXT_SIZE], header[KEY_TEXT_SIZE + 16], other[KEY_TEXT_SIZE];
	struct key unlimited = limited("a");
	unlimited.rate = 0;
	assert_int_equal(keyring_add(folder, &unlimited, text, NULL), 0);
	assert_int_equal(keeper_open(&keeper, folder, true, NULL), 0);
	bool failed = ALLOCATIONS_FAIL;
	int free_before = lowest_free();
	for (long n = 0; failed; n++) {
		assert_true(n < 1000);
		error_clear(&error);
		allocations_until_failure = n;
		int rc = keyring_rotate(folder, "a", &key, other, &error);
		allocations_until_failure = -1;
		assert_true(rc == 0 || ((rc == ERR_OUT_OF_MEMORY || rc == ERR_CORRUPT) && error.message[0] != '\0'));
		assert_int_equal(keyring_rotate(folder, "a", &key, text, NULL), 0);
		snprintf(header, sizeof header, "Bearer %s", text);
		allocation_failed = false;
		allocations_until_failure = n;
		keeper_admit(keeper, header, &caller);
		allocations_until_failure = -1;
		failed = allocation_failed;
		assert_null(keeper_admit(keeper, header, &caller));
	}
	assert_int_equal(lowest_free(), free_before);
	keeper_close(keeper);
}

/* Newest first, those that are over too. */
static void test_the_list(void **state)
{
	(void)state;
	struct keeper *keeper;
	struct key key;
	char text[KEY_TEXT_SIZE];
	assert_int_equal(keeper_open(&keeper, folder, false, NULL), 0);
	add("first", text);
	add("second", text);
	assert_int_equal(keyring_revoke(folder, "first", &key, NULL), 0);
	json_t *list = keeper_list(keeper);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "name")), "second");
	assert_true(json_is_string(json_object_get(json_array_get(list, 1), "revoked_at")));
	json_decref(list);
	keeper_close(keeper);
}

static void test_the_audit_log(void **state)
{
	(void)state;
	struct audit *audit;
	struct caller caller = {.key = {.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV", .name = "laptop", .owner = "alice"}};
	char longest[2000];
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(audit_open(&audit, folder, NULL), 0);
	audit_write(audit, &caller, "POST", "/experiments", 202, "/experiments/1");
	audit_write(audit, NULL, "DELETE", "/a\xff\"\n", 401, NULL);
	audit_write(audit, &(struct caller){0}, "GET", longest, 403, "");
	audit_write(NULL, &caller, "GET", "/", 200, NULL);
	audit_close(audit);
	audit_close(NULL);
	struct stat status;
	assert_int_equal(stat(path_of("audit.log"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	char *text = text_of("audit.log"), *rest = text;
	static const int statuses[] = {202, 401, 403};
	const char *const expected[3][4] = {
	    {"laptop", "alice", "/experiments", "/experiments/1"}, {NULL, NULL, NULL, NULL}, {NULL, NULL, NULL, NULL}};
	for (int i = 0; i < 3; i++) {
		char *line = strtok_r(rest, "\n", &rest);
		assert_non_null(line);
		json_t *found = json_loads(line, 0, NULL);
		static const char *const names[] = {"name", "owner", "path", "location"};
		for (int k = 0; k < 4; k++) {
			const char *value = json_string_value(json_object_get(found, names[k]));
			if (expected[i][k] != NULL)
				assert_string_equal(value, expected[i][k]);
			else if (k != 2)
				assert_null(value);
			else
				assert_true(value != NULL && strlen(value) < 512);
		}
		assert_int_equal(json_integer_value(json_object_get(found, "status")), statuses[i]);
		assert_int_equal(strlen(json_string_value(json_object_get(found, "time"))), 24);
		assert_int_equal(json_is_null(json_object_get(found, "key")), i > 0);
		json_decref(found);
	}
	assert_null(strtok_r(NULL, "\n", &rest));
	free(text);
}

/* At 64 MiB it is renamed, and begun anew; what was there is kept. */
static void test_the_audit_log_is_renamed(void **state)
{
	(void)state;
	struct audit *audit;
	struct stat status;
	assert_int_equal(audit_open(&audit, folder, NULL), 0);
	assert_int_equal(truncate(path_of("audit.log"), (64 << 20) - 1), 0);
	audit_write(audit, NULL, "GET", "/a", 401, NULL);
	assert_int_not_equal(stat(path_of("audit.log.1"), &status), 0);
	assert_int_equal(stat(path_of("audit.log"), &status), 0);
	assert_true(status.st_size > 64 << 20);
	audit_write(audit, NULL, "GET", "/b", 401, NULL);
	assert_int_equal(stat(path_of("audit.log.1"), &status), 0);
	assert_true(status.st_size > 64 << 20);
	audit_write(audit, NULL, "GET", "/c", 401, NULL);
	char *text = text_of("audit.log");
	assert_true(strstr(text, "/a") == NULL && strstr(text, "/b") != NULL && strstr(text, "/c") != NULL);
	free(text);
	audit_close(audit);
}

/* Standard input's number is a descriptor like any other; what is closed gives its own back. */
static void test_descriptor_0(void **state)
{
	(void)state;
	struct audit *audit;
	struct keyring ring;
	char text[KEY_TEXT_SIZE];
	add("a", text);
	int kept = dup(0);
	close(0);
	assert_int_equal(audit_open(&audit, folder, NULL), 0);
	assert_int_not_equal(lowest_free(), 0);
	audit_close(audit);
	assert_int_equal(lowest_free(), 0);
	assert_int_equal(keyring_read(folder, &ring, NULL), 0);
	assert_true(ring.file == 0 && ring.count == 1);
	keyring_free(&ring);
	assert_int_equal(lowest_free(), 0);
	if (kept >= 0) {
		dup2(kept, 0);
		close(kept);
	}
}

/* No link is followed, and no folder is a log. */
static void test_an_audit_log_that_cannot_be(void **state)
{
	(void)state;
	struct audit *audit;
	error_clear(&error);
	assert_int_equal(symlink("/dev/null", path_of("audit.log")), 0);
	assert_int_equal(audit_open(&audit, folder, &error), ERR_IO);
	assert_non_null(strstr(error.message, "audit.log"));
	assert_int_equal(unlink(path_of("audit.log")), 0);
	assert_int_equal(mkdir(path_of("audit.log"), 0700), 0);
	assert_int_equal(audit_open(&audit, folder, &error), ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_limits_are_kept),
	    TEST(test_limits_that_cannot_be),
	    TEST(test_what_is_no_file_of_keys),
	    TEST(test_the_keeper_of_broken_keys),
	    TEST(test_the_list),
	    TEST(test_descriptor_0),
	    TEST(test_without_memory),
	    TEST(test_changed_keys_without_memory),
	    TEST(test_the_audit_log),
	    TEST(test_the_audit_log_is_renamed),
	    TEST(test_an_audit_log_that_cannot_be),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
