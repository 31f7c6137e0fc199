/* The HTTP door on its way down, and what it logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/door_fixture.h"

/* --- the way down --- */

static void turn_until(int client, struct door *halted)
{
	struct pollfd event = {.fd = client, .events = POLLIN};
	for (int i = 0; poll(&event, 1, 10) == 0; i++) {
		assert_true(i < CLIENT_SECONDS * 100);
		uv_run(&halted->loop, UV_RUN_NOWAIT);
	}
}

static void test_quiesce_lets_requests_in_hand_finish(void **state)
{
	(void)state;
	int kept = door_connect(&door), busy = door_connect(&door);
	send_text(kept, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	struct answer answer = receive(kept, 1);
	assert_header(&answer, "Connection", NULL);
	answer_free(&answer);
	send_text(busy, "GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 2);
	door_halt(&door);
	assert_false(http_idle(door.server));
	http_quiesce(door.server);
	http_quiesce(door.server);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)door.port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int late = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(late, (struct sockaddr *)&address, sizeof address), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(late);
	send_text(kept, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	turn_until(kept, &door);
	answer = receive(kept, 1);
	assert_header(&answer, "Connection", "close");
	assert_told(answer, 200, "GET /x");
	assert_false(http_idle(door.server));
	atomic_store(&gate_open, 1);
	turn_until(busy, &door);
	answer = receive(busy, 1);
	assert_header(&answer, "Connection", "close");
	assert_told(answer, 200, "GET /gate");
	for (int i = 0; !http_idle(door.server); i++) {
		assert_true(i < CLIENT_SECONDS * 100);
		uv_run(&door.loop, UV_RUN_NOWAIT);
		pause_ms(10);
	}
	close(kept);
	close(busy);
}

/* Closing waits for handlers, since what they work with may go afterwards; nothing is answered or begun any more. */
static void test_close_waits_for_handlers(void **state)
{
	(void)state;
	int busy = door_connect(&door), kept = door_connect(&door);
	send_text(kept, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_told(receive(kept, 1), 200, "GET /x");
	send_text(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 2);
	door_halt(&door);
	send_text(kept, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	door_close(&door);
	assert_int_equal(entered, 2);
	assert_int_equal(left, 2);
	assert_closed(busy);
	assert_closed(kept);
	close(busy);
	close(kept);
	assert_int_equal(open_door(state), 0); /* for the teardown */
}

static atomic_int in_lane;

static enum http_lane narrow(void *context, const char *method, const char *path)
{
	(void)context;
	(void)method;
	(void)path;
	atomic_fetch_add(&in_lane, 1);
	return LANE_PREDICT;
}

/* What waits in a lane when the server closes has no turn: a stop must not take as long as all of it. */
static void test_close_drops_what_waits_in_a_lane(void **state)
{
	enum { WAITING = 3 };
	int busy, waiting[WAITING];
	struct http_config config = usual;
	config.lane = narrow;
	config.lane_limits[LANE_PREDICT] = 1;
	door_close(&door);
	in_lane = 0;
	door_open(&door, config);
	busy = door_connect(&door);
	send_text(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 1);
	for (int i = 0; i < WAITING; i++) {
		waiting[i] = door_connect(&door);
		send_text(waiting[i], "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	wait_for(&in_lane, 1 + WAITING);
	door_close(&door);
	assert_int_equal(entered, 1);
	assert_int_equal(left, 1);
	assert_closed(busy);
	for (int i = 0; i < WAITING; i++) {
		assert_closed(waiting[i]);
		close(waiting[i]);
	}
	close(busy);
	assert_int_equal(open_door(state), 0); /* for the teardown */
}

/* Two wait behind a long one, and one of them leaves: its turn is nobody's. */
static void test_who_leaves_a_lane_loses_its_turn(void **state)
{
	(void)state;
	int busy, leaving, staying;
	struct http_config config = usual;
	config.lane = narrow;
	config.lane_limits[LANE_PREDICT] = 1;
	door_close(&door);
	in_lane = 0;
	door_open(&door, config);
	busy = door_connect(&door);
	send_text(busy, "GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&entered, 1);
	leaving = door_connect(&door);
	send_text(leaving, "GET /leaves HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&in_lane, 2);
	staying = door_connect(&door);
	send_text(staying, "GET /stays HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_for(&in_lane, 3);
	close(leaving);
	pause_ms(150); /* longer than a wait after which a client may be missed */
	atomic_store(&gate_open, 1);
	assert_told(receive(busy, 1), 200, "GET /gate");
	assert_told(receive(staying, 1), 200, "GET /stays");
	assert_int_equal(entered, 2);
	close(busy);
	close(staying);
}

static void test_addresses_that_cannot_be_listened_on(void **state)
{
	(void)state;
	struct http_config config = usual;
	struct http_server *server = NULL;
	uv_loop_t loop;
	assert_int_equal(uv_loop_init(&loop), 0);
	struct qlstm_error error = {0};
	config.address = "nowhere";
	assert_int_equal(http_open(&server, &loop, &config, &error), ERR_INVALID);
	assert_non_null(strstr(error.message, "'nowhere' is not an IP address"));
	error_clear(&error);
	config.address = "127.0.0.1";
	config.port = door.port;
	config.max_connections = 10;
	FILE *caught = catch_log();
	int rc = http_open(&server, &loop, &config, &error);
	release_log();
	assert_int_equal(rc, ERR_IO);
	assert_non_null(strstr(error.message, "cannot listen on 127.0.0.1 port"));
	assert_non_null(strstr(error.message, strerror(EADDRINUSE)));
	char line[1024] = "";
	rewind(caught);
	assert_non_null(fgets(line, sizeof line, caught)); /* what the library says itself */
	assert_non_null(strstr(line, "\"level\":\"warning\",\"message\":\"http: Failed to bind"));
	fclose(caught);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* --- the log --- */

/* Until that many requests have ended. */
static void wait_for_lines(FILE *caught, int lines)
{
	for (int i = 0, found = 0; found < lines; i++) {
		char line[1024];
		assert_true(i < CLIENT_SECONDS * 100);
		pause_ms(10);
		rewind(caught);
		for (found = 0; fgets(line, sizeof line, caught) != NULL;)
			found += strstr(line, "\"access\"") != NULL;
	}
}

static void test_one_line_a_request(void **state)
{
	(void)state;
	FILE *caught = catch_log();
	struct answer answers[4];
	const char *const methods[] = {"GET", "HEAD", "GET", "GET"}, *const paths[] = {"/x", "/file", "/file",
	                                                                               "/x?secret=1"};
	for (int i = 0; i < 4; i++) {
		answers[i] = ask_with(&door, methods[i], paths[i], "", i == 3 ? "1" : NULL);
		wait_for_lines(caught, i + 1);
	}
	int client = send_head("POST", "/echo", 100, "Expect: 100-continue\r\n");
	assert_told(receive(client, 1), 100, ""); /* it has begun, and never ends */
	close(client);
	door_close(&door);
	release_log();
	assert_int_equal(open_door(state), 0);
	const struct {
		const char *method, *path;
		int status;
		size_t bytes;
	} expected[] = {{"GET", "/x", 200, answers[0].body_length},
	                {"HEAD", "/file", 200, 0},
	                {"GET", "/file", 200, BIG - 251 * 3},
	                {"GET", "/x", 413, answers[3].body_length},
	                {"POST", "/echo", 0, 0}};
	rewind(caught);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		char line[1024] = "";
		const char *level, *method, *path, *remote;
		int status, bytes;
		double ms;
		do
			assert_non_null(fgets(line, sizeof line, caught));
		while (strstr(line, "\"access\"") == NULL); /* the library says a word of its own about the last */
		json_t *entry = json_loads(line, 0, NULL);
		assert_int_equal(json_unpack(entry, "{ss, ss, ss, si, si, sF, ss}", "level", &level, "method", &method,
		                             "path", &path, "status", &status, "bytes", &bytes, "ms", &ms, "remote",
		                             &remote),
		                 0);
		assert_string_equal(level, "access");
		assert_string_equal(method, expected[i].method);
		assert_string_equal(path, expected[i].path);
		assert_string_equal(remote, "127.0.0.1");
		assert_int_equal(status, expected[i].status);
		assert_int_equal(bytes, expected[i].bytes);
		assert_true(ms > 0 && ms < 1000 * CLIENT_SECONDS);
		json_decref(entry);
	}
	fclose(caught);
	for (int i = 0; i < 4; i++)
		answer_free(&answers[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_quiesce_lets_requests_in_hand_finish), TEST(test_close_waits_for_handlers),
	    TEST(test_close_drops_what_waits_in_a_lane),     TEST(test_who_leaves_a_lane_loses_its_turn),
	    TEST(test_addresses_that_cannot_be_listened_on), TEST(test_one_line_a_request),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
