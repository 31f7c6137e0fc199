/* Large bodies at the HTTP door: they go by the disk, and nobody else waits for that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "tests/unit/door_fixture.h"

enum { MOST = (17 << 20) - 100, SMALLER = 3 << 20 };

/* The disk, which every spool asks for its room (--wrap): it answers when it is not stuck, and may be full. */
static atomic_bool stuck, full;
static atomic_int asked;

int __wrap_fstatvfs(int fd, struct statvfs *out);
int __wrap_fstatvfs(int fd, struct statvfs *out)
{
	(void)fd;
	atomic_fetch_add(&asked, 1);
	for (int i = 0; atomic_load(&stuck) && i < CLIENT_SECONDS * 100; i++)
		pause_ms(10);
	*out = (struct statvfs){.f_frsize = 4096, .f_blocks = 1 << 20, .f_bavail = atomic_load(&full) ? 1 : 1 << 19};
	return 0;
}

static char folder[] = "/tmp/qlstm-door-XXXXXX";

static long most(void *context, const char *method, const char *path)
{
	(void)context;
	(void)path;
	return strcmp(method, "POST") == 0 ? MOST : 0;
}

static bool every_path(void *context, const char *method, const char *path)
{
	(void)context;
	(void)method;
	(void)path;
	return true;
}

static int open_spooling(void **state)
{
	(void)state;
	entered = left = gate_open = asked = 0;
	stuck = full = false;
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	struct http_config config = {.handler = handle, .body_limit = most, .takes_form = every_path, .spool = folder};
	config.lane_limits[LANE_SPOOL] = 1;
	door_open(&door, config);
	return 0;
}

/* How many files without a name there are of the folder. */
static int count_spools(void)
{
	char name[64], target[PATH_MAX];
	int count = 0;
	DIR *files = opendir("/proc/self/fd");
	assert_non_null(files);
	for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
		snprintf(name, sizeof name, "/proc/self/fd/%.20s", entry->d_name);
		ssize_t length = readlink(name, target, sizeof target - 1);
		count += length > 0 && strncmp(target, folder, strlen(folder)) == 0;
	}
	closedir(files);
	return count;
}

static int close_spooling(void **state)
{
	close_door(state);
	assert_int_equal(count_spools(), 0);
	return rmdir(folder);
}

static void wait_until_none_is_spooled(void)
{
	for (int i = 0; count_spools() > 0; i++) {
		assert_true(i < CLIENT_SECONDS * 100);
		pause_ms(10);
	}
}

static int send_in_chunks(int client, const char *text, size_t count, size_t part)
{
	char head[32];
	for (size_t at = 0; at < count; at += part) {
		size_t size = count - at < part ? count - at : part;
		snprintf(head, sizeof head, "%zx\r\n", size);
		if (send_text(client, head) != 0 || send_bytes(client, text + at, size) != 0 ||
		    send_text(client, "\r\n") != 0)
			return -1;
	}
	return send_text(client, "0\r\n\r\n");
}

static void assert_echo(int client, const char *text, size_t count)
{
	struct answer answer = receive(client, 1);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_length, count);
	assert_memory_equal(answer.body, text, count);
	answer_free(&answer);
	close(client);
}

static void test_large_bodies_arrive_whole(void **state)
{
	(void)state;
	const size_t counts[] = {(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20, SMALLER + 12345, MOST};
	char *text = letters(MOST);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		int before = asked;
		int client = send_head("POST", "/echo", counts[i], "");
		assert_int_equal(send_bytes(client, text, counts[i]), 0);
		assert_echo(client, text, counts[i]);
		assert_int_equal(asked > before, counts[i] > 1 << 20); /* what fits in a block never sees the disk */
		client = door_connect(&door);
		send_text(client, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
		assert_int_equal(send_in_chunks(client, text, counts[i], 99991), 0);
		assert_echo(client, text, counts[i]);
	}
	free(text);
	wait_until_none_is_spooled();
}

/* Past the limit just before a block is full. */
static void test_bodies_past_their_limit(void **state)
{
	(void)state;
	char *text = letters(MOST + 200000);
	for (size_t part = 99991; part > 90000; part -= 1111) {
		int client = door_connect(&door);
		send_text(client, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
		assert_int_equal(send_in_chunks(client, text, MOST + 200000, part), 0);
		assert_told(receive(client, 1), 413, "too_large");
		close(client);
	}
	assert_int_equal(entered, 0);
	free(text);
}

/* The file in a form, around the size of a block; what stands behind it is no part of it. */
static void test_large_files_in_forms(void **state)
{
	(void)state;
	static const char head[] = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n",
	                  tail[] = "\r\n--edge\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n1\r\n--edge--\r\n";
	const size_t counts[] = {(1 << 20) - 8192 - 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, SMALLER + 12345};
	char *text = letters(SMALLER + 12345);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		int client = send_head("POST", "/echo", counts[i] + strlen(head) + strlen(tail),
		                       "Content-Type: multipart/form-data; boundary=edge\r\n");
		send_text(client, head);
		assert_int_equal(send_bytes(client, text, counts[i]), 0);
		send_text(client, tail);
		assert_echo(client, text, counts[i]);
	}
	assert_true(asked > 0);
	free(text);
}

/* Longer than after which a client that is not read from is taken for stuck (clients.h). */
static void test_nobody_waits_for_the_disk_of_another(void **state)
{
	(void)state;
	char *text = letters(SMALLER);
	stuck = true;
	int first = send_head("POST", "/echo", SMALLER, ""), second = send_head("POST", "/echo", SMALLER, "");
	send_bytes(first, text, SMALLER / 2);
	wait_for(&asked, 1);
	send_bytes(second, text, SMALLER / 2); /* its turn at the disk comes after that of the first */
	for (int i = 0; i < WORK_MS / 50; i++) {
		assert_told(ask(&door, "GET", "/x"), 200, "GET /x");
		pause_ms(50);
	}
	assert_int_equal(asked, 1);
	stuck = false;
	assert_int_equal(send_bytes(first, text + SMALLER / 2, SMALLER - SMALLER / 2), 0);
	assert_int_equal(send_bytes(second, text + SMALLER / 2, SMALLER - SMALLER / 2), 0);
	assert_echo(first, text, SMALLER);
	assert_echo(second, text, SMALLER);
	free(text);
}

static void test_a_full_disk(void **state)
{
	(void)state;
	char *text = letters(SMALLER);
	full = true;
	int client = send_head("POST", "/echo", SMALLER, "");
	assert_int_equal(send_bytes(client, text, SMALLER), 0); /* it is read, so that the answer is seen */
	assert_told(receive(client, 1), 507, "disk_full");
	close(client);
	assert_int_equal(entered, 0);
	full = false;
	client = send_head("POST", "/echo", SMALLER, "");
	assert_int_equal(send_bytes(client, text, SMALLER), 0);
	assert_echo(client, text, SMALLER);
	free(text);
}

/* In the midst of a body, and while a part of it is on its way to the disk. */
static void test_what_a_client_leaves_is_given_back(void **state)
{
	(void)state;
	char *text = letters(SMALLER);
	int client = send_head("POST", "/echo", MOST, "");
	send_bytes(client, text, SMALLER);
	for (int i = 0; count_spools() == 0; i++) {
		assert_true(i < CLIENT_SECONDS * 100);
		pause_ms(10);
	}
	close(client);
	wait_until_none_is_spooled();
	stuck = true;
	int before = asked;
	client = send_head("POST", "/echo", MOST, "");
	send_bytes(client, text, SMALLER / 2);
	wait_for(&asked, before + 1);
	close(client);
	stuck = false;
	wait_until_none_is_spooled();
	assert_int_equal(entered, 0);
	free(text);
}

/* The door is closed while one body is on its way to the disk, one waits for its turn there, one waits for its client.
 */
static void test_the_door_closes_in_the_midst_of_it(void **state)
{
	(void)state;
	char *text = letters(SMALLER);
	int clients[3];
	for (int i = 0; i < 3; i++) {
		stuck = i > 0;
		int before = asked;
		clients[i] = send_head("POST", "/echo", MOST, "");
		send_bytes(clients[i], text, SMALLER / 2);
		for (int k = 0; i == 0 && count_spools() == 0; k++) {
			assert_true(k < CLIENT_SECONDS * 100);
			pause_ms(10);
		}
		if (i == 1)
			wait_for(&asked, before + 1);
	}
	assert_told(ask(&door, "GET", "/x"), 200, "GET /x"); /* what came before has been read */
	door_halt(&door);
	stuck = false;
	for (int i = 0; i < 3; i++)
		close(clients[i]);
	free(text);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_spooling, close_spooling)
	const struct CMUnitTest tests[] = {
	    TEST(test_large_bodies_arrive_whole),
	    TEST(test_bodies_past_their_limit),
	    TEST(test_large_files_in_forms),
	    TEST(test_nobody_waits_for_the_disk_of_another),
	    TEST(test_a_full_disk),
	    TEST(test_what_a_client_leaves_is_given_back),
	    TEST(test_the_door_closes_in_the_midst_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
