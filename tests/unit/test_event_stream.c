/* A stream of events over real HTTP, from a real store: every client has every event once and in order, then the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <sodium.h>
#include <stdatomic.h>

#include "server/http/reply.h"
#include "server/run/events/format.h"
#include "server/run/events/stream.h"
#include "server/store/events.h"
#include "tests/unit/experiment_fixture.h"
#include "tests/unit/heap.h"
#include "tests/unit/http_fixture.h"

/* libuv's own function is met here in its place: while `hasty`, the hub's fifteen seconds are a fiftieth of one. */
static atomic_bool hasty;

int uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat)
{
	int (*start)(uv_timer_t *, uv_timer_cb, uint64_t, uint64_t);
	void *symbol = dlsym(RTLD_NEXT, "uv_timer_start");
	assert_non_null(symbol);
	memcpy(&start, &symbol, sizeof start);
	if (atomic_load(&hasty) && timeout == HUB_IDLE_MS && repeat == HUB_IDLE_MS)
		timeout = repeat = 20;
	return start(timer, callback, timeout, repeat);
}

static struct door door;
static struct store *store;
static struct hub *hub;

/* The path is an experiment's id and, behind another slash, the id of the last event that the client has. */
static void handle(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	char id[RUN_ID_SIZE] = "";
	long long after = 0;
	sscanf(request->path, "/%26[0-9A-Z]/%lld", id, &after);
	struct event_stream *stream = event_stream_new(hub, store, id, after, NULL);
	assert_non_null(stream);
	reply_stream(reply, "text/event-stream", &event_stream_source, stream);
}

static long no_body(void *context, const char *method, const char *path)
{
	(void)context, (void)method, (void)path;
	return 0;
}

static int insert_three(struct db *db, void *argument, struct qlstm_error *error)
{
	(void)argument;
	int rc = 0;
	for (int i = 1; rc == 0 && i <= 3; i++) {
		struct experiment_new new = new_experiment(numbered_id(i));
		rc = experiment_insert(db, &new, 100, error);
	}
	return rc;
}

static int open_all(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	door_open(&door, (struct http_config){.handler = handle, .body_limit = no_body});
	door_halt(&door); /* the loop is ours until it runs again */
	if (store_open(&store, database, &door.loop, NULL) != 0 || hub_open(&hub, &door.loop, store, NULL) != 0)
		return -1;
	door.thread_runs = 1;
	return pthread_create(&door.thread, NULL, door_run, &door) != 0 ? -1
	                                                                : store_write(store, insert_three, NULL, NULL);
}

static int open_hasty(void **state)
{
	atomic_store(&hasty, true);
	return open_all(state);
}

static int close_all(void **state)
{
	atomic_store(&hasty, false);
	door_halt(&door);
	http_close(door.server);
	hub_close(hub);
	store_close(store);
	uv_close((uv_handle_t *)&door.stop, NULL);
	uv_run(&door.loop, UV_RUN_DEFAULT);
	return uv_loop_close(&door.loop) != 0 ? -1 : drop_folder(state);
}

/* Logs of so many letters. */
struct logs {
	const char *experiment;
	int count, length;
};

static int write_logs(struct db *db, void *argument, struct qlstm_error *error)
{
	const struct logs *logs = argument;
	char *text = calloc(1, (size_t)logs->length + 1);
	int rc = text != NULL ? 0 : ERR_OUT_OF_MEMORY;
	if (text != NULL)
		memset(text, 'x', (size_t)logs->length);
	for (int i = 0; rc == 0 && i < logs->count; i++)
		rc = event_insert(db, logs->experiment, "log", i, i, json_pack("{s:s}", "message", text), error);
	free(text);
	return rc;
}

static void happen(const char *experiment, int count, int length)
{
	struct logs logs = {experiment, count, length};
	assert_int_equal(store_write(store, write_logs, &logs, NULL), 0);
}

static int write_end(struct db *db, void *argument, struct qlstm_error *error)
{
	const struct transition_row row = {.at = 9, .attempt = 1, .from_status = "running", .to_status = "succeeded"};
	return transition_insert(db, argument, &row, error);
}

static void end(const char *experiment)
{
	assert_int_equal(store_write(store, write_end, (void *)(uintptr_t)experiment, NULL), 0);
}

struct history {
	const char *experiment;
	int64_t after;
	char *text;
	size_t length;
};

static int write_history(struct db *db, void *argument, struct qlstm_error *error)
{
	struct history *history = argument;
	struct outbox events;
	outbox_init(&events);
	FILE *file = open_memstream(&history->text, &history->length);
	if (file == NULL)
		return ERR_OUT_OF_MEMORY;
	fputs("retry: 1000\n\n", file);
	int rc = event_list(db, history->experiment, history->after, 1000000, &events, error);
	for (const struct event *event = events.first; event != NULL; event = event->next) {
		char *text = event_sse(event);
		fputs(text, file);
		free(text);
	}
	fputs("event: end\ndata: {}\n\n", file);
	fclose(file);
	outbox_free(&events);
	return rc;
}

/* A client: what has come of the body, its chunks put together. */
struct client {
	int socket;
	char *raw, *text; /* NUL-ended */
	size_t raw_length, length;
	size_t decoded; /* of raw; 0: the head is not yet whole */
	bool ended;     /* the chunk of length 0 has come */
};

static struct client ask_for(const char *experiment, int64_t after, int buffer)
{
	char request[128];
	struct client client = {.socket = door_connect(&door), .raw = calloc(1, 1), .text = calloc(1, 1)};
	if (buffer > 0)
		assert_int_equal(setsockopt(client.socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer), 0);
	snprintf(request, sizeof request, "GET /%s/%lld HTTP/1.1\r\nHost: a\r\n\r\n", experiment, (long long)after);
	assert_int_equal(send_text(client.socket, request), 0);
	return client;
}

/* Decodes the chunks that are whole by now. */
static void put_together(struct client *client)
{
	const char *end = client->raw + client->raw_length, *head = strstr(client->raw, "\r\n\r\n");
	if (client->decoded == 0 && head != NULL)
		client->decoded = (size_t)(head + 4 - client->raw);
	while (client->decoded > 0 && client->raw + client->decoded < end) {
		char *data;
		size_t size = strtoul(client->raw + client->decoded, &data, 16);
		if (strncmp(data, "\r\n", 2) != 0 || data + 2 + size + 2 > end)
			break;
		client->ended = size == 0;
		memcpy(client->text + client->length, data + 2, size);
		client->length += size;
		client->decoded = (size_t)(data + 2 + size + 2 - client->raw);
	}
	client->text[client->length] = '\0';
}

/* Reads until `mark` has come, or where it is NULL the end. */
static void read_until(struct client *client, const char *mark)
{
	enum { PART = 1 << 16 };
	size_t seen = 0;
	while (!client->ended && (mark == NULL || strstr(client->text + seen, mark) == NULL)) {
		seen = mark != NULL && client->length > strlen(mark) ? client->length - strlen(mark) : 0;
		client->raw = realloc(client->raw, client->raw_length + PART + 1);
		client->text = realloc(client->text, client->raw_length + PART + 1);
		assert_true(client->raw != NULL && client->text != NULL);
		ssize_t count = recv(client->socket, client->raw + client->raw_length, PART, 0);
		if (count <= 0)
			fail_msg("nothing more comes behind '%.200s'", client->text);
		client->raw_length += (size_t)count;
		client->raw[client->raw_length] = '\0';
		put_together(client);
	}
	assert_true(mark == NULL || strstr(client->text, mark) != NULL);
}

static void leave(struct client *client)
{
	close(client->socket);
	free(client->raw);
	free(client->text);
}

/* On a slow machine there is a sign of life where nothing else was to be said for a while. */
static void drop_signs(struct client *client)
{
	static const char sign[] = ": still here\n\n";
	enum { LENGTH = sizeof sign - 1 };
	for (char *at = client->text; (at = strstr(at, sign)) != NULL; client->length -= LENGTH)
		memmove(at, at + LENGTH, strlen(at + LENGTH) + 1);
}

/* Reads to the end: all events behind `after`, once and in order. */
static void assert_all(struct client *client, const char *experiment, int64_t after)
{
	struct history history = {.experiment = experiment, .after = after};
	read_until(client, NULL);
	drop_signs(client);
	assert_int_equal(store_read(store, write_history, &history, NULL), 0);
	assert_int_equal(client->length, history.length);
	assert_memory_equal(client->text, history.text, history.length);
	free(history.text);
	leave(client);
}

static void test_what_was_and_what_happens(void **state)
{
	(void)state;
	happen(numbered_id(1), 2, 5);
	struct client client = ask_for(numbered_id(1), 0, 0);
	read_until(&client, "\"attempt\":1,\"message\":\"xxxxx\"}\n\n");
	assert_non_null(strstr(client.raw, "Content-Type: text/event-stream\r\n"));
	assert_int_equal(strncmp(client.text, "retry: 1000\n\nid: 1\nevent: status\n", 33), 0);
	happen(numbered_id(2), 1, 4); /* another one's */
	happen(numbered_id(1), 1, 3);
	read_until(&client, "\"message\":\"xxx\"}\n\n"); /* at once, not with the next one */
	happen(numbered_id(1), 1, 2);
	read_until(&client, "\"message\":\"xx\"}\n\n");
	end(numbered_id(1));
	assert_all(&client, numbered_id(1), 0);
	/* All of it was there before anybody asked. */
	client = ask_for(numbered_id(1), 0, 0);
	assert_all(&client, numbered_id(1), 0);
	client = ask_for(numbered_id(1), 5, 0);
	assert_all(&client, numbered_id(1), 5);
}

/* Around the size of a page, 128 events. */
static void test_pages(void **state)
{
	(void)state;
	static const int counts[] = {125, 1, 1, 127, 1, 127, 1}; /* with the first: 126, 127, 128, 255, 256, 383, 384 */
	for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
		struct client client = ask_for(numbered_id(1), 0, 0);
		happen(numbered_id(1), counts[k], 1);
		struct client late = ask_for(numbered_id(1), 0, 0);
		char last[64];
		happen(numbered_id(1), 1, (int)k + 10);
		snprintf(last, sizeof last, "\"%.*s\"}\n\n", (int)k + 10, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		read_until(&client, last);
		read_until(&late, last);
		assert_int_equal(late.length, client.length);
		assert_memory_equal(late.text, client.text, client.length);
		leave(&client);
		leave(&late);
	}
	end(numbered_id(1));
	struct client client = ask_for(numbered_id(1), 0, 0);
	assert_all(&client, numbered_id(1), 0);
}

/* More than anybody keeps for a client that does not read, while it happens and before. */
static void test_slow_clients(void **state)
{
	(void)state;
	struct client slow[2], quick = ask_for(numbered_id(1), 0, 0);
	slow[0] = ask_for(numbered_id(1), 0, 256 << 10);
	for (int k = 0; k < 10; k++)
		happen(numbered_id(1), 10, 60000); /* 6 MB */
	slow[1] = ask_for(numbered_id(1), 0, 256 << 10);
	read_until(&slow[0], "\nid: 20\n");
	happen(numbered_id(1), 300, 10);
	for (int k = 0; k < 10; k++)
		happen(numbered_id(1), 10, 60000);
	read_until(&quick, "\nid: 300\n");
	end(numbered_id(1));
	for (int i = 0; i < 2; i++)
		assert_all(&slow[i], numbered_id(1), 0);
	assert_all(&quick, numbered_id(1), 0);
}

/* Whoever takes nothing is kept little for, while it happens and when it has to be read again. */
static void test_what_is_kept_for_slow_clients(void **state)
{
	(void)state;
	enum { CLIENTS = 40, EVENTS = 6000, LENGTH = 1000 };
	const size_t each = 130 << 10, beside = 10 << 20; /* the caches of connections */
	struct client slow[CLIENTS], quick = ask_for(numbered_id(1), 0, 0);
	for (int i = 0; i < CLIENTS / 2; i++)
		slow[i] = ask_for(numbered_id(1), 0, 256 << 10);
	size_t before = heap_in_use();
	happen(numbered_id(1), EVENTS, LENGTH);
	for (int i = CLIENTS / 2; i < CLIENTS; i++)
		slow[i] = ask_for(numbered_id(1), 0, 256 << 10);
	read_until(&quick, "\nid: 6000\n");
	size_t read = quick.raw_length + 2 * (64 << 10); /* the client's own two texts grow with what it has read */
	assert_true(heap_in_use() <= before + 2 * read + CLIENTS * each + beside);
	end(numbered_id(1));
	for (int i = 1; i < CLIENTS - 1; i++)
		leave(&slow[i]);
	read_until(&slow[0], "event: end\n"); /* not compared: there is a sign of life where this took long */
	read_until(&slow[CLIENTS - 1], "event: end\n");
	leave(&slow[0]);
	leave(&slow[CLIENTS - 1]);
	assert_all(&quick, numbered_id(1), 0);
}

/* Many at once, for several experiments, some of which leave. */
static void test_clients_that_leave(void **state)
{
	(void)state;
	enum { CLIENTS = 30 };
	struct client clients[CLIENTS];
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = ask_for(numbered_id(1 + i % 3), 0, 0);
	for (int i = 0; i < CLIENTS; i++) {
		happen(numbered_id(1 + i % 3), 3, 1000);
		if (i % 4 == 1)
			leave(&clients[i]);
		if (i % 4 == 2)
			read_until(&clients[i], "xxx");
	}
	for (int i = 1; i <= 3; i++)
		end(numbered_id(i));
	for (int i = 0; i < CLIENTS; i++)
		if (i % 4 != 1)
			assert_all(&clients[i], numbered_id(1 + i % 3), 0);
}

/* Where nothing happens, a comment now and then: none while there is something else to say. */
static void test_signs_of_life(void **state)
{
	(void)state;
	struct client client = ask_for(numbered_id(1), 0, 0);
	read_until(&client, ": still here\n\n: still here\n\n: still here\n\n");
	happen(numbered_id(1), 1, 5);
	read_until(&client, "\"message\":\"xxxxx\"}\n\n: still here\n\n");
	end(numbered_id(1));
	read_until(&client, NULL);
	size_t length = strlen("event: end\ndata: {}\n\n");
	assert_true(client.length > length);
	assert_string_equal(client.text + client.length - length, "event: end\ndata: {}\n\n"); /* and nothing behind */
	leave(&client);
}

/* An experiment that is not there has no events, and never an end. */
static void test_closing_under_clients(void **state)
{
	(void)state;
	struct client clients[4];
	for (int i = 0; i < 4; i++)
		clients[i] = ask_for(numbered_id(i), 0, i == 2 ? 256 << 10 : 0);
	happen(numbered_id(2), 50, 60000);
	read_until(&clients[1], "queued");
	read_until(&clients[0], "retry: 1000\n\n");
	assert_string_equal(clients[0].text, "retry: 1000\n\n");
	assert_int_equal(close_all(state), 0); /* with them connected */
	for (int i = 0; i < 4; i++)
		leave(&clients[i]);
	assert_int_equal(open_all(state), 0);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define STREAM(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)
#define HASTY(test)  cmocka_unit_test_setup_teardown(test, open_hasty, close_all)
	const struct CMUnitTest tests[] = {
	    STREAM(test_what_was_and_what_happens),
	    STREAM(test_pages),
	    STREAM(test_slow_clients),
	    STREAM(test_what_is_kept_for_slow_clients),
	    STREAM(test_clients_that_leave),
	    HASTY(test_signs_of_life),
	    STREAM(test_closing_under_clients),
	};
	return cmocka_run_group_tests_name("event_stream", tests, NULL, NULL);
}
