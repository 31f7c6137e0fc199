/* Keys, their file, and who a request comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "server/access/keeper.h"
#include "server/common/clock.h"
#include "tests/unit/experiment_fixture.h"

static struct qlstm_error error;

static struct key wanted(const char *name, enum scope scope)
{
	struct key key = {.scope = scope};
	snprintf(key.name, sizeof key.name, "%s", name);
	snprintf(key.owner, sizeof key.owner, "%s", name);
	return key;
}

static void add(const char *name, enum scope scope, char text[KEY_TEXT_SIZE])
{
	struct key key = wanted(name, scope);
	assert_int_equal(keyring_add(folder, &key, text, NULL), 0);
}

static void test_the_text_of_a_key(void **state)
{
	(void)state;
	char id[KEY_ID_SIZE], other[KEY_ID_SIZE], first[KEY_TEXT_SIZE], second[KEY_TEXT_SIZE];
	struct key key = {0};
	ulid_make(id);
	key_secret_make(id, first, key.sha256);
	assert_int_equal(strlen(first), KEY_TEXT_SIZE - 1);
	assert_true(key_text_id(first, other));
	assert_string_equal(id, other);
	assert_true(key_matches(&key, first));
	char sha256[65];
	key_secret_make(id, second, sha256);
	assert_string_not_equal(first, second);
	assert_false(key_matches(&key, second));
	for (size_t i = 0; i < KEY_TEXT_SIZE - 1; i++) { /* every letter counts */
		char changed[KEY_TEXT_SIZE];
		memcpy(changed, first, sizeof changed);
		changed[i] = changed[i] == 'x' ? 'y' : 'x';
		assert_false(key_text_id(changed, other) && strcmp(id, other) == 0 && key_matches(&key, changed));
		for (const char *odd = "%(+)/=. \xc3"; *odd != '\0'; odd++) {
			changed[i] = *odd;
			assert_false(key_text_id(changed, other));
		}
	}
}

static void test_names(void **state)
{
	(void)state;
	char longest[KEY_NAME_SIZE + 1];
	memset(longest, 'a', sizeof longest);
	longest[KEY_NAME_SIZE] = '\0';
	assert_false(key_name_valid(longest));
	longest[KEY_NAME_SIZE - 1] = '\0';
	assert_true(key_name_valid(longest));
	static const char *const good[] = {"a", "7", "a.b_c@d-e", "Zz"};
	static const char *const bad[] = {"", ".", "-a", "_a", "@a", "a b", "a/b", "a\n", "\xc3\xa4"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(key_name_valid(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(key_name_valid(bad[i]));
}

static void test_each_scope_includes_those_below(void **state)
{
	(void)state;
	for (int has = SCOPE_READ; has < SCOPE_COUNT; has++) {
		struct key key = wanted("a", (enum scope)has);
		struct principal who = key_principal(&key);
		for (int needs = SCOPE_NONE; needs < SCOPE_COUNT; needs++)
			assert_int_equal(principal_may(&who, (enum scope)needs), needs <= has);
		assert_int_equal(who.scopes, (2U << has) - (1U << SCOPE_READ));
		assert_int_equal(who.viewer.all, has == SCOPE_ADMIN);
		assert_string_equal(who.viewer.owner, "a");
	}
}

static void test_in_force(void **state)
{
	(void)state;
	assert_true(key_in_force(&(struct key){0}, 1000));
	assert_true(key_in_force(&(struct key){.expires_at = 1001}, 1000));
	assert_false(key_in_force(&(struct key){.expires_at = 1000}, 1000));
	assert_false(key_in_force(&(struct key){.revoked_at = 1}, 1000));
	assert_false(key_in_force(&(struct key){.expires_at = -1}, 1000));
}

static void test_the_file(void **state)
{
	(void)state;
	struct keyring ring;
	char first[KEY_TEXT_SIZE], second[KEY_TEXT_SIZE];
	assert_int_equal(keyring_read(folder, &ring, NULL), 0);
	assert_int_equal(ring.count, 0);
	assert_false(keyring_changed(folder, &ring));
	add("a", SCOPE_READ, first);
	assert_true(keyring_changed(folder, &ring));
	keyring_free(&ring);
	assert_int_equal(keyring_read(folder, &ring, NULL), 0);
	assert_int_equal(ring.count, 1);
	assert_false(keyring_changed(folder, &ring));
	assert_true(key_matches(&ring.keys[0], first));
	assert_int_equal(ring.keys[0].scope, SCOPE_READ);
	assert_ptr_equal(keyring_find(&ring, ring.keys[0].id), &ring.keys[0]);
	assert_null(keyring_find(&ring, "nobody"));

	struct key key;
	assert_int_equal(keyring_rotate(folder, "a", &key, second, NULL), 0);
	assert_string_equal(key.id, ring.keys[0].id);
	assert_true(key_matches(&key, second) && !key_matches(&key, first));
	assert_true(keyring_changed(folder, &ring));
	keyring_free(&ring);
	assert_int_equal(keyring_revoke(folder, key.id, &key, NULL), 0);
	int64_t at = key.revoked_at;
	assert_true(at > 0);
	assert_int_equal(keyring_revoke(folder, key.id, &key, NULL), 0);
	assert_int_equal(key.revoked_at, at);
	assert_int_equal(keyring_revoke(folder, "a", &key, NULL), ERR_NOT_FOUND); /* the name is free again */
	assert_int_equal(keyring_rotate(folder, key.id, &key, second, NULL), ERR_NOT_FOUND);
	add("a", SCOPE_READ, first);
	struct stat status;
	char path[400];
	snprintf(path, sizeof path, "%s/" KEYRING_FILE, folder);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_what_is_refused(void **state)
{
	(void)state;
	char text[KEY_TEXT_SIZE];
	add("taken", SCOPE_READ, text);
	struct key keys[] = {wanted("taken", SCOPE_READ), wanted("a b", SCOPE_READ), wanted("a", SCOPE_READ),
	                     wanted("a", SCOPE_NONE),     wanted("a", SCOPE_COUNT),  wanted("a", SCOPE_READ)};
	static const int codes[] = {ERR_CONFLICT, ERR_INVALID, ERR_INVALID, ERR_INVALID, ERR_INVALID, ERR_OUT_OF_RANGE};
	keys[2].owner[0] = '\0';
	keys[5].expires_at = 1;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		error_clear(&error);
		assert_int_equal(keyring_add(folder, &keys[i], text, &error), codes[i]);
		assert_true(error.message[0] != '\0');
	}
	struct keyring ring;
	assert_int_equal(keyring_read(folder, &ring, NULL), 0);
	assert_int_equal(ring.count, 1);
	keyring_free(&ring);
}

static void write_ring(const char *text)
{
	assert_int_equal(file_write_atomic(folder, KEYRING_FILE, text, strlen(text), NULL), 0);
}

#define KEY(members) "{\"keys\":[{" members "}]}"
#define WHOLE                                                                                                          \
	"\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"name\":\"a\",\"owner\":\"b\",\"sha256\":"                             \
	"\"0123456789012345678901234567890123456789012345678901234567890123\",\"created_at\":1"

static void test_damaged_files(void **state)
{
	(void)state;
	static const char *const damaged[] = {"",
	                                      "{",
	                                      "[]",
	                                      "{}",
	                                      "{\"keys\":{}}",
	                                      KEY(""),
	                                      KEY(WHOLE),
	                                      KEY(WHOLE ",\"scope\":\"none\""),
	                                      KEY(WHOLE ",\"scope\":\"root\""),
	                                      KEY(WHOLE ",\"scope\":\"read\",\"owner\":\"\""),
	                                      KEY(WHOLE ",\"scope\":\"read\",\"sha256\":\"ab\""),
	                                      KEY(WHOLE ",\"scope\":\"read\",\"id\":\"x\"")};
	for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
		struct keyring ring;
		struct keeper *keeper = NULL;
		write_ring(damaged[i]);
		error_clear(&error);
		assert_int_equal(keyring_read(folder, &ring, &error), ERR_CORRUPT);
		assert_non_null(strstr(error.message, KEYRING_FILE));
		keyring_free(&ring);
		assert_int_equal(keeper_open(&keeper, folder, true, NULL), ERR_CORRUPT);
	}
	struct keyring ring;
	write_ring(KEY(WHOLE ",\"scope\":\"read\""));
	assert_int_equal(keyring_read(folder, &ring, NULL), 0);
	assert_int_equal(ring.count, 1);
	keyring_free(&ring);
}

static void add_some(void *argument)
{
	for (int i = 0; i < 20; i++) {
		char name[16], text[KEY_TEXT_SIZE];
		snprintf(name, sizeof name, "k%d.%d", *(int *)argument, i);
		add(name, SCOPE_READ, text);
	}
}

/* Changes wait for one another: none is lost. */
static void test_changes_at_once(void **state)
{
	(void)state;
	uv_thread_t threads[4];
	int numbers[4];
	for (int i = 0; i < 4; i++) {
		numbers[i] = i;
		assert_int_equal(uv_thread_create(&threads[i], add_some, &numbers[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		uv_thread_join(&threads[i]);
	struct keyring ring;
	assert_int_equal(keyring_read(folder, &ring, NULL), 0);
	assert_int_equal(ring.count, 80);
	keyring_free(&ring);
}

static const char *bearer(const char *text)
{
	static char header[KEY_TEXT_SIZE + 16];
	snprintf(header, sizeof header, "Bearer %s", text);
	return header;
}

static void test_the_keeper(void **state)
{
	(void)state;
	struct keeper *keeper, *strict;
	struct caller caller;
	struct key key;
	char text[KEY_TEXT_SIZE];
	assert_int_equal(keeper_open(&keeper, folder, false, NULL), 0);
	assert_int_equal(keeper_open(&strict, folder, true, NULL), 0);
	assert_null(keeper_admit(keeper, NULL, &caller));
	assert_true(principal_may(&caller.principal, SCOPE_ADMIN) && caller.principal.viewer.all);
	assert_non_null(keeper_admit(strict, NULL, &caller));
	assert_true(keeper_may(keeper, NULL) && !keeper_may(strict, NULL) && !keeper_may(strict, "Bearer x"));
	assert_false(keeper_has_keys(strict));

	add("a", SCOPE_SUBMIT, text);
	assert_true(keeper_may(strict, "Bearer x") == keeper_may(strict, bearer(text))); /* not read yet: undecided */
	assert_null(keeper_admit(strict, bearer(text), &caller));
	assert_string_equal(caller.principal.name, "a");
	assert_true(keeper_has_keys(strict) && keeper_may(strict, bearer(text)) && !keeper_may(strict, "Bearer x"));
	assert_int_equal(keyring_revoke(folder, "a", &key, NULL), 0);
	assert_non_null(strstr(keeper_admit(strict, bearer(text), &caller), "revoked"));
	assert_false(keeper_has_keys(strict) || keeper_may(strict, bearer(text)));
	keeper_close(strict);
	keeper_close(keeper);
	keeper_close(NULL);

	json_t *used = keeper_last_used(folder);
	assert_true(json_integer_value(json_object_get(used, key.id)) >= key.created_at);
	json_decref(used);
}

/* Full at first, filled at its rate, never past full; each id has its own. */
static void test_buckets(void **state)
{
	(void)state;
	struct buckets *buckets = buckets_new();
	struct bucket_state taken = {0};
	for (int i = 0; i < 4; i++) {
		taken = bucket_take(buckets, "a", 4, 100);
		assert_true(!taken.empty && taken.limit == 4 && taken.remaining == 3 - i);
	}
	taken = bucket_take(buckets, "a", 4, 100);
	assert_true(taken.empty && taken.remaining == 0 && taken.seconds == 1);
	assert_false(bucket_take(buckets, "b", 4, 100).empty);
	assert_true(bucket_take(buckets, "a", 4, 100.2).empty);
	assert_false(bucket_take(buckets, "a", 4, 100.25).empty);
	assert_true(bucket_take(buckets, "a", 4, 100.25).empty);
	assert_true(bucket_take(buckets, "a", 4, 50).empty); /* time that goes back fills nothing */
	assert_int_equal(bucket_take(buckets, "a", 4, 1e6).remaining, 3);
	assert_int_equal(bucket_take(buckets, "back", 4, 200).remaining, 3);
	assert_int_equal(bucket_take(buckets, "back", 4, 199.5).remaining, 2);
	assert_int_equal(bucket_take(buckets, "id\0x", 4, 200).remaining, 3); /* what stands behind it is not its own */
	assert_int_equal(bucket_take(buckets, "id\0yy", 4, 200).remaining, 2);
	assert_false(bucket_take(buckets, "slow", 0.01, 0).empty);
	taken = bucket_take(buckets, "slow", 0.01, 50);
	assert_true(taken.empty && taken.limit == 1 && taken.seconds == 50);
	assert_false(bucket_take(buckets, "slow", 0.01, 100).empty);
	buckets_free(buckets);
	buckets_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_text_of_a_key),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_each_scope_includes_those_below),
	    cmocka_unit_test(test_in_force),
	    cmocka_unit_test(test_buckets),
	    TEST(test_the_file),
	    TEST(test_what_is_refused),
	    TEST(test_damaged_files),
	    TEST(test_changes_at_once),
	    TEST(test_the_keeper),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
