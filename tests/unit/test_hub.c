/* The hub: events of a real store reach the watchers of their experiment, whoever comes and goes meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <sodium.h>
#include <stdatomic.h>

#include "server/run/events/hub.h"
#include "server/store/events.h"
#include "tests/unit/store_fixture.h"

/* libuv's own function is met here in its place, so that fifteen seconds are a hundredth of one. */
static uint64_t timeout_asked, repeat_asked;

int uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat)
{
	int (*start)(uv_timer_t *, uv_timer_cb, uint64_t, uint64_t);
	void *symbol = dlsym(RTLD_NEXT, "uv_timer_start");
	assert_non_null(symbol);
	memcpy(&start, &symbol, sizeof start);
	timeout_asked = timeout;
	repeat_asked = repeat;
	if (timeout == repeat && (repeat == HUB_IDLE_MS || repeat == HUB_LOOK_MS))
		timeout = repeat = 10;
	return start(timer, callback, timeout, repeat);
}

/* And here: how much work was given to the pool. */
static int queued;

int uv_queue_work(uv_loop_t *on, uv_work_t *work, uv_work_cb run, uv_after_work_cb after)
{
	int (*queue)(uv_loop_t *, uv_work_t *, uv_work_cb, uv_after_work_cb);
	void *symbol = dlsym(RTLD_NEXT, "uv_queue_work");
	assert_non_null(symbol);
	memcpy(&queue, &symbol, sizeof queue);
	queued++;
	return queue(on, work, run, after);
}

static struct hub *hub;

/* One who writes down what it sees, and leaves after so much. */
struct witness {
	struct watcher watcher; /* first: the hub's callbacks get it */
	char seen[256];         /* attempts of the events, one after the other */
	int leaves_after, ticks, looks;
};

static void on_happened(struct watcher *watcher, const struct event *event, const char *sse)
{
	struct witness *witness = (struct witness *)watcher;
	size_t used = strlen(witness->seen);
	assert_string_equal(event->experiment, watcher->experiment);
	assert_memory_equal(sse, "id: ", 4);
	snprintf(witness->seen + used, sizeof witness->seen - used, "%d ", event->attempt);
	if (witness->leaves_after > 0 && --witness->leaves_after == 0)
		hub_leave(hub, watcher);
}

static void on_tick(struct watcher *watcher)
{
	((struct witness *)watcher)->ticks++;
}

static void on_look(struct watcher *watcher)
{
	((struct witness *)watcher)->looks++;
}

static struct witness *join(struct witness *witness, const char *experiment)
{
	*witness = (struct witness){.watcher = {.happened = on_happened, .tick = on_tick, .look = on_look}};
	snprintf(witness->watcher.experiment, sizeof witness->watcher.experiment, "%s", experiment);
	hub_join(hub, &witness->watcher);
	return witness;
}

struct happening {
	const char *experiment;
	int first, count;
};

static int make_events(struct db *db, void *argument, struct qlstm_error *error)
{
	const struct happening *happening = argument;
	int rc = 0;
	for (int i = 0; rc == 0 && i < happening->count; i++)
		rc = event_insert(db, happening->experiment, "log", happening->first + i, 1, json_object(), error);
	return rc;
}

static bool delivered;

static void on_done(void *argument, const struct qlstm_error *error)
{
	(void)argument;
	assert_int_equal(error->code, 0);
	delivered = true;
	uv_stop(&loop);
}

/* Events with the attempts first, first + 1, ...; back when they have been handed over. */
static void happen(const char *experiment, int first, int count)
{
	struct happening happening = {experiment, first, count};
	delivered = false;
	assert_int_equal(store_submit(store, make_events, on_done, &happening), 0);
	while (!delivered)
		uv_run(&loop, UV_RUN_DEFAULT);
}

static int open_hub(void **state)
{
	if (setup(state) != 0)
		return -1;
	for (int number = 1; number <= 3; number++)
		if (store_write(store, insert_numbered, &number, NULL) != 0)
			return -1;
	happen(numbered_id(1), 0, 1); /* and all that came before: nobody listens yet */
	return hub_open(&hub, &loop, store, NULL);
}

static int close_hub(void **state)
{
	hub_close(hub);
	return teardown(state);
}

static void test_watchers_see_their_own(void **state)
{
	(void)state;
	struct witness one, two, both[2];
	assert_int_equal(timeout_asked, HUB_IDLE_MS);
	assert_int_equal(repeat_asked, HUB_IDLE_MS);
	assert_int_equal(HUB_IDLE_MS, 15000); /* below the minute after which proxies end a silent connection */
	join(&one, numbered_id(1));
	join(&two, numbered_id(2));
	happen(numbered_id(1), 1, 2);
	happen(numbered_id(2), 5, 1);
	happen(numbered_id(3), 7, 1);
	for (int i = 0; i < 2; i++)
		join(&both[i], numbered_id(1));
	happen(numbered_id(1), 3, 1);
	assert_string_equal(one.seen, "1 2 3 ");
	assert_string_equal(two.seen, "5 ");
	assert_string_equal(both[0].seen, "3 ");
	assert_string_equal(both[1].seen, "3 ");
	hub_leave(hub, &one.watcher);
	hub_leave(hub, &two.watcher);
	for (int i = 0; i < 2; i++)
		hub_leave(hub, &both[i].watcher);
	happen(numbered_id(1), 9, 1);
	assert_string_equal(one.seen, "1 2 3 ");
}

/* Whoever of three leaves, the others stay. */
static void test_leaving_in_any_order(void **state)
{
	(void)state;
	static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	for (int k = 0; k < 6; k++) {
		struct witness witnesses[3];
		for (int i = 0; i < 3; i++)
			join(&witnesses[i], numbered_id(1));
		for (int i = 0; i < 3; i++) {
			happen(numbered_id(1), i + 1, 1);
			hub_leave(hub, &witnesses[orders[k][i]].watcher);
		}
		happen(numbered_id(1), 4, 1);
		static const char *const seen[] = {"1 ", "1 2 ", "1 2 3 "};
		for (int i = 0; i < 3; i++)
			assert_string_equal(witnesses[orders[k][i]].seen, seen[i]);
	}
}

/* They leave while they are told, in the middle of many events. */
static void test_leaving_while_it_happens(void **state)
{
	(void)state;
	struct witness witnesses[3];
	for (int i = 0; i < 3; i++) {
		join(&witnesses[i], numbered_id(1));
		witnesses[i].leaves_after = i + 1;
	}
	happen(numbered_id(1), 1, 5);
	assert_string_equal(witnesses[0].seen, "1 ");
	assert_string_equal(witnesses[1].seen, "1 2 ");
	assert_string_equal(witnesses[2].seen, "1 2 3 ");
}

/* More experiments than the table has places: some share one. */
static void test_many_experiments(void **state)
{
	(void)state;
	enum { MANY = 3000 };
	struct witness *witnesses = calloc(MANY, sizeof *witnesses);
	assert_non_null(witnesses);
	for (int i = 0; i < MANY; i++)
		join(&witnesses[i], numbered_id(i));
	happen(numbered_id(1), 1, 1);
	happen(numbered_id(2), 2, 1);
	for (int i = 0; i < MANY; i++)
		assert_string_equal(witnesses[i].seen, i == 1 ? "1 " : i == 2 ? "2 " : "");
	for (int i = 0; i < MANY; i++)
		hub_leave(hub, &witnesses[i].watcher);
	free(witnesses);
}

static int told, told_before;

static void on_counted(struct watcher *watcher, const struct event *event, const char *sse)
{
	on_happened(watcher, event, sse);
	told++;
}

enum { MANY_WATCHERS = 1000 };

/* Once a turn, in which the hub has one of its own, and one when events come. */
static void on_prepare(uv_prepare_t *prepare)
{
	(void)prepare;
	assert_true(told - told_before <= 2 * (HUB_TOLD_A_TURN + MANY_WATCHERS));
	told_before = told;
}

/* Many events for many watchers: the loop has its turn between them, and each watcher sees all in order. */
static void test_turns(void **state)
{
	(void)state;
	enum { EVENTS = 30 };
	uv_prepare_t prepare;
	struct witness *witnesses = calloc(MANY_WATCHERS, sizeof *witnesses);
	assert_non_null(witnesses);
	for (int i = 0; i < MANY_WATCHERS; i++)
		join(&witnesses[i], numbered_id(1))->watcher.happened = on_counted;
	char all[256] = "";
	for (int i = 1, used = 0; i <= EVENTS + 1; i++)
		used += snprintf(all + used, sizeof all - (size_t)used, "%d ", i);
	told = told_before = 0;
	uv_prepare_init(&loop, &prepare);
	uv_prepare_start(&prepare, on_prepare);
	happen(numbered_id(1), 1, EVENTS);
	happen(numbered_id(1), EVENTS + 1, 1); /* behind those that wait */
	while (told < MANY_WATCHERS * (EVENTS + 1))
		uv_run(&loop, UV_RUN_ONCE);
	for (int i = 0; i < MANY_WATCHERS; i++) {
		assert_string_equal(witnesses[i].seen, all);
		hub_leave(hub, &witnesses[i].watcher);
	}
	uv_close((uv_handle_t *)&prepare, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	free(witnesses);
}

static bool all_ticked(const struct witness *witnesses, int count)
{
	for (int i = 0; i < count; i++)
		if (witnesses[i].ticks < 2)
			return false;
	return true;
}

/* Everybody has a moment for a sign of life, again and again. */
static void test_ticks(void **state)
{
	(void)state;
	struct witness witnesses[4];
	for (int i = 0; i < 4; i++)
		join(&witnesses[i], numbered_id(i / 2));
	while (!all_ticked(witnesses, 4))
		uv_run(&loop, UV_RUN_ONCE);
	for (int i = 0; i < 4; i++) {
		assert_string_equal(witnesses[i].seen, "");
		hub_leave(hub, &witnesses[i].watcher);
	}
}

static atomic_int looks;

static bool look(void *context)
{
	assert_ptr_equal(context, &looks);
	return atomic_fetch_add(&looks, 1) % 2 == 0;
}

/* While somebody watches the hub looks, on another thread, and, where it found something, each watcher. */
static void test_looks(void **state)
{
	(void)state;
	struct witness witnesses[2];
	join(&witnesses[0], numbered_id(1));
	for (int i = 0; i < 10; i++)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(witnesses[0].looks, 0); /* nobody asked for it */
	hub_on_look(hub, look, &looks);
	join(&witnesses[1], numbered_id(2));
	while (witnesses[0].looks < 3 || witnesses[1].looks < 3)
		uv_run(&loop, UV_RUN_ONCE);
	assert_true(atomic_load(&looks) >= 5); /* each second one finds something */
	for (int i = 0; i < 2; i++)
		hub_leave(hub, &witnesses[i].watcher);
	for (int i = 0; i < 10; i++)
		uv_run(&loop, UV_RUN_ONCE);
	int before = atomic_load(&looks); /* one that was under way has ended */
	for (int i = 0; i < 10; i++)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(atomic_load(&looks), before);
}

/* One that a watcher reads: how often, and how often more it is asked for when it is done. */
struct reading {
	struct hub_read read; /* first: the hub's callbacks get it */
	atomic_int reads;
	int done, again;
};

static int done;

static void on_pool(struct hub_read *read)
{
	atomic_fetch_add(&((struct reading *)read)->reads, 1);
}

static void on_read(struct hub_read *read)
{
	struct reading *reading = (struct reading *)read;
	assert_int_equal(atomic_load(&reading->reads), ++reading->done);
	done++;
	if (reading->again-- > 0)
		hub_read(hub, read);
	assert_true(queued - done <= HUB_READS);
}

/* However many there are, so many are with the pool; the others wait, and may be taken back. */
static void test_reads_take_turns(void **state)
{
	(void)state;
	enum { MANY = 30 };
	struct reading readings[MANY];
	queued = done = 0;
	for (int i = 0; i < MANY; i++) {
		readings[i] = (struct reading){.read = {.read = on_pool, .done = on_read}, .again = i == 3 ? 2 : 0};
		hub_read(hub, &readings[i].read);
		assert_int_equal(queued, i < HUB_READS ? i + 1 : HUB_READS);
	}
	assert_false(hub_unread(&readings[0].read));
	assert_true(hub_unread(&readings[10].read) && hub_unread(&readings[MANY - 1].read));
	assert_true(hub_unread(&readings[HUB_READS].read));
	assert_false(hub_unread(&readings[10].read));
	while (done < MANY - 3 + 2)
		uv_run(&loop, UV_RUN_ONCE);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(readings[i].done, i == 3 ? 3 : i == 10 || i == MANY - 1 || i == HUB_READS ? 0 : 1);
	hub_read(hub, &readings[10].read); /* one that was taken back may come again */
	hub_close(hub);                    /* waits for it */
	assert_int_equal(readings[10].done, 1);
	assert_int_equal(hub_open(&hub, &loop, store, NULL), 0);
}

/* Closing waits for work that holds the hub, and tells nobody of anything afterwards. */
static int releases;

static void work(uv_work_t *request)
{
	(void)request;
}

static void on_worked(uv_work_t *request, int status)
{
	(void)request;
	assert_int_equal(status, 0);
	releases++;
	hub_release(hub);
}

static void test_closing_waits(void **state)
{
	uv_work_t requests[8];
	releases = 0;
	for (int i = 0; i < 8; i++) {
		hub_hold(hub);
		assert_int_equal(uv_queue_work(&loop, &requests[i], work, on_worked), 0);
	}
	hub_close(hub);
	assert_int_equal(releases, 8);
	happen(numbered_id(1), 1, 1); /* nobody listens any more */
	assert_int_equal(hub_open(&hub, &loop, store, NULL), 0);
	(void)state;
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
#define HUB(test) cmocka_unit_test_setup_teardown(test, open_hub, close_hub)
	const struct CMUnitTest tests[] = {
	    HUB(test_watchers_see_their_own),
	    HUB(test_leaving_in_any_order),
	    HUB(test_leaving_while_it_happens),
	    HUB(test_many_experiments),
	    HUB(test_turns),
	    HUB(test_ticks),
	    HUB(test_looks),
	    HUB(test_reads_take_turns),
	    HUB(test_closing_waits),
	};
	return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}
