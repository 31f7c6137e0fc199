/* Clients of the HTTP door: deadlines, those that have left, and who goes where there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/mhd/clients.h"

/* A client of the list and its two ends. */
struct watched {
	struct client client;
	int ours, theirs;
};

static struct client_list list;

static int empty_list(void **state)
{
	(void)state;
	list = (struct client_list){.limits = {.total = 1000, .by_address = 1000}};
	return 0;
}

/* From 10.0.0.`host`; host 0: no address at all. */
static void join(struct watched *watched, int host, uint64_t now, uint64_t due)
{
	int pair[2];
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000U + (unsigned)host)};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	watched->ours = pair[0];
	watched->theirs = pair[1];
	const struct sockaddr *generic = host > 0 ? (const struct sockaddr *)&address : NULL;
	assert_int_equal(client_add(&list, &watched->client, pair[0], generic, now), 0);
	if (watched->client.state == CLIENT_WAITS)
		client_set(&watched->client, CLIENT_WAITS, now, due);
}

static void leave(struct watched *watched)
{
	client_remove(&list, &watched->client);
	close(watched->ours);
	close(watched->theirs);
}

static int is_ended(const struct watched *watched)
{
	struct pollfd event = {.fd = watched->theirs, .events = POLLIN};
	int ended = poll(&event, 1, 0) == 1 && (event.revents & POLLHUP) != 0;
	assert_int_equal(ended, watched->client.state == CLIENT_ENDED);
	return ended;
}

static int peers_known(void)
{
	int count = 0;
	for (int i = 0; i < PEER_BUCKETS; i++)
		for (const struct peer *peer = list.peers.buckets[i]; peer != NULL; peer = peer->next)
			count++;
	return count;
}

static void test_those_whose_time_is_over_are_ended(void **state)
{
	(void)state;
	const uint64_t due[] = {999, 1000, 1001, 0};
	struct watched clients[4];
	for (int i = 0; i < 4; i++)
		join(&clients[i], 1, 5, due[i]);
	clients_sweep(&list, 998);
	for (int i = 0; i < 4; i++)
		assert_false(is_ended(&clients[i]));
	clients_sweep(&list, 1000);
	for (int i = 0; i < 4; i++)
		assert_int_equal(is_ended(&clients[i]), i < 2);
	assert_int_equal(list.count, 2);
	client_set(&clients[0].client, CLIENT_WAITS, 1000, 5); /* too late */
	assert_true(is_ended(&clients[0]));
	for (int i = 0; i < 4; i++)
		leave(&clients[i]);
	assert_null(list.first);
	assert_null(list.last);
	assert_int_equal(list.count, 0);
	assert_int_equal(peers_known(), 0);
}

/* Removed from the front, the middle and the end, the others stay. */
static void test_they_are_removed_wherever_they_stand(void **state)
{
	(void)state;
	for (int gone = 0; gone < 3; gone++) {
		struct watched clients[3];
		for (int i = 0; i < 3; i++)
			join(&clients[i], 1, 0, 0);
		leave(&clients[gone]);
		int count = 0;
		struct client *previous = NULL;
		for (struct client *item = list.first; item != NULL; previous = item, item = item->next, count++)
			assert_ptr_equal(item->previous, previous);
		assert_ptr_equal(list.last, previous);
		assert_int_equal(count, 2);
		for (int i = 0; i < 3; i++)
			if (i != gone)
				leave(&clients[i]);
		assert_null(list.first);
	}
}

/* What is not read for CLIENT_STALLS sweeps while a body is expected ends the connection; any progress starts anew. */
static void test_a_body_that_is_not_read_on_is_ended(void **state)
{
	(void)state;
	struct watched one;
	char bytes[2];
	join(&one, 1, 0, 0);
	assert_int_equal(send(one.theirs, "ab", 2, 0), 2);
	for (int i = 0; i < 3 * CLIENT_STALLS; i++) /* no body expected */
		clients_sweep(&list, 1);
	assert_false(is_ended(&one));
	client_set(&one.client, CLIENT_SENDS, 1, 0);
	for (int i = 0; i < 3 * CLIENT_STALLS; i++) { /* parts of it come out */
		one.client.progress++;
		clients_sweep(&list, 1);
	}
	assert_false(is_ended(&one));
	for (int i = 1; i < CLIENT_STALLS; i++)
		clients_sweep(&list, 1);
	assert_int_equal(recv(one.ours, bytes, 1, 0), 1); /* one byte is read at last */
	clients_sweep(&list, 1);
	for (int i = 1; i < CLIENT_STALLS; i++)
		clients_sweep(&list, 1);
	assert_false(is_ended(&one));
	clients_sweep(&list, 1);
	assert_true(is_ended(&one));
	leave(&one);
}

/* Nothing to read is the client's silence, not a stall: its time alone ends it. */
static void test_a_silent_client_has_not_stalled(void **state)
{
	(void)state;
	struct watched one;
	join(&one, 1, 0, 0);
	client_set(&one.client, CLIENT_SENDS, 0, 100);
	for (int i = 0; i < 3 * CLIENT_STALLS; i++)
		clients_sweep(&list, 1);
	assert_false(is_ended(&one));
	clients_sweep(&list, 100);
	assert_true(is_ended(&one));
	leave(&one);
}

/* Who has closed its side is ended at once where something is expected of it, but not while its reply is made; nor is
 * one whose last bytes are still to be read. */
static void test_those_that_have_left(void **state)
{
	(void)state;
	for (int way = 0; way < 2; way++) { /* half closed, closed */
		struct watched clients[3];
		for (int i = 0; i < 3; i++) {
			join(&clients[i], 1, 0, 0);
			client_set(&clients[i].client, (enum client_state)i, 0, 0);
			assert_false(client_has_left(clients[i].ours));
			assert_int_equal(send(clients[i].theirs, "a", 1, 0), 1);
			if (way == 0)
				shutdown(clients[i].theirs, SHUT_WR);
			else
				clients[i].theirs = dup2(0, clients[i].theirs);
			assert_false(client_has_left(clients[i].ours));
		}
		clients_sweep(&list, 1);
		for (int i = 0; i < 3; i++) {
			char byte;
			assert_int_equal(clients[i].client.state, i);
			assert_int_equal(recv(clients[i].ours, &byte, 1, 0), 1);
			assert_true(client_has_left(clients[i].ours));
		}
		clients_sweep(&list, 1);
		assert_int_equal(clients[CLIENT_WAITS].client.state, CLIENT_ENDED);
		assert_int_equal(clients[CLIENT_SENDS].client.state, CLIENT_ENDED);
		assert_int_equal(clients[CLIENT_BUSY].client.state, CLIENT_BUSY);
		for (int i = 0; i < 3; i++)
			leave(&clients[i]);
	}
}

/* The longest without a request goes: of the same address where that has too many, else of all. */
static void test_room_of_an_address(void **state)
{
	(void)state;
	struct watched clients[6];
	list.limits.by_address = 2;
	join(&clients[0], 2, 1, 0); /* another address */
	join(&clients[1], 1, 5, 0);
	join(&clients[2], 1, 3, 0);
	join(&clients[3], 1, 6, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(is_ended(&clients[i]), i == 2);
	assert_int_equal(list.count, 3);
	client_set(&clients[1].client, CLIENT_BUSY, 7, 0);
	assert_int_equal(send(clients[3].theirs, "a", 1, 0), 1); /* a request that was not read yet */
	join(&clients[4], 1, 8, 0);
	assert_true(clients[4].client.surplus);
	for (int i = 0; i < 5; i++)
		assert_int_equal(is_ended(&clients[i]), i == 2);
	client_set(&clients[1].client, CLIENT_WAITS, 9, 0);
	join(&clients[5], 1, 10, 0);
	assert_false(clients[5].client.surplus);
	assert_true(is_ended(&clients[4])); /* since 8: it waits for a request, the other's has come */
	for (int i = 0; i < 6; i++)
		leave(&clients[i]);
	assert_int_equal(peers_known(), 0);
}

static void test_room_of_all(void **state)
{
	(void)state;
	struct watched clients[4];
	list.limits.total = 3;
	for (int i = 0; i < 4; i++)
		join(&clients[i], i, (uint64_t)(i == 1 ? 1 : 5), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(is_ended(&clients[i]), i == 1);
	for (int i = 0; i < 4; i++)
		leave(&clients[i]);
}

/* One descriptor in four at most is spared, so that a small limit leaves some for connections. */
static void test_room_of_files(void **state)
{
	(void)state;
	struct rlimit before, limit;
	struct watched clients[2];
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	join(&clients[0], 1, 0, 0);
	limit.rlim_cur = (rlim_t)clients[0].ours + 7;
	list.limits.spare_files = 1000;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	join(&clients[1], 2, 0, 0); /* the second pair of sockets: 2 descriptors on */
	setrlimit(RLIMIT_NOFILE, &before);
	rlim_t spare = limit.rlim_cur / 4;
	assert_int_equal(is_ended(&clients[0]), (rlim_t)clients[1].ours + spare >= limit.rlim_cur);
	leave(&clients[0]);
	leave(&clients[1]);
	join(&clients[0], 1, 0, 0);
	limit.rlim_cur = (rlim_t)clients[0].ours + 4;
	list.limits.spare_files = 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	join(&clients[1], 2, 0, 0);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(is_ended(&clients[0]), limit.rlim_cur >= 8);
	leave(&clients[0]);
	leave(&clients[1]);
}

static void test_peers(void **state)
{
	(void)state;
	static struct peers peers;
	struct sockaddr_in6 six[3] = {{.sin6_family = AF_INET6}, {.sin6_family = AF_INET6}, {.sin6_family = AF_INET6}};
	six[0].sin6_addr.s6_addr[7] = six[1].sin6_addr.s6_addr[7] = 1;
	six[1].sin6_addr.s6_addr[15] = 9; /* the same network */
	six[2].sin6_addr.s6_addr[7] = 2;
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct peer *found[5];
	for (int i = 0; i < 3; i++)
		found[i] = peer_enter(&peers, (const struct sockaddr *)&six[i]);
	found[3] = peer_enter(&peers, (const struct sockaddr *)&four);
	found[4] = peer_enter(&peers, NULL);
	assert_ptr_equal(found[0], found[1]);
	assert_int_equal(found[0]->connections, 2);
	assert_ptr_not_equal(found[0], found[2]);
	assert_ptr_not_equal(found[3], found[4]);
	for (int i = 4; i >= 0; i--)
		peer_leave(&peers, found[i]);
	for (int i = 0; i < PEER_BUCKETS; i++)
		assert_null(peers.buckets[i]);
	/* Many at once, of which some share a bucket. */
	static struct peer *many[3000];
	for (unsigned i = 0; i < 3000; i++) {
		four.sin_addr.s_addr = i + 1;
		many[i] = peer_enter(&peers, (const struct sockaddr *)&four);
		assert_int_equal(many[i]->connections, 1);
	}
	for (int i = 0; i < 3000; i++)
		peer_leave(&peers, many[(i * 7) % 3000]);
	for (int i = 0; i < PEER_BUCKETS; i++)
		assert_null(peers.buckets[i]);
}

#define TEST(function) cmocka_unit_test_setup(function, empty_list)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_those_whose_time_is_over_are_ended),
	    TEST(test_they_are_removed_wherever_they_stand),
	    TEST(test_a_body_that_is_not_read_on_is_ended),
	    TEST(test_a_silent_client_has_not_stalled),
	    TEST(test_those_that_have_left),
	    TEST(test_room_of_an_address),
	    TEST(test_room_of_all),
	    TEST(test_room_of_files),
	    TEST(test_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
