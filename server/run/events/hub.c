/* Watchers by experiment, in a table of lists. */
#include "server/run/events/hub.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/run/events/format.h"

enum { BUCKETS = 1024 };

struct hub {
	struct store *store;
	uv_timer_t timer, look_timer;
	uv_idle_t turn;       /* while some are left of `events` */
	struct outbox events; /* that nobody was told of yet */
	int open_handles;
	int held, n_watchers;
	bool (*look)(void *context); /* NULL: nobody asks */
	void *look_context;
	uv_work_t work;
	bool looking, changed;
	int reading;
	struct hub_read *first_read, *last_read; /* that wait */
	struct watcher *buckets[BUCKETS];
};

/* The last letters of an id are random. */
static size_t bucket_of(const char *experiment)
{
	size_t hash = 0;
	for (const char *at = experiment; *at != '\0'; at++)
		hash = hash * 31 + (unsigned char)*at;
	return hash % BUCKETS;
}

/* How many were told. */
static int publish(struct hub *hub, const struct event *event)
{
	int told = 0;
	struct watcher *watcher = hub->buckets[bucket_of(event->experiment)];
	char *sse = watcher != NULL ? event_sse(event) : NULL;
	for (struct watcher *next; watcher != NULL; watcher = next) {
		next = watcher->next;
		if (strcmp(watcher->experiment, event->experiment) != 0)
			continue;
		watcher->happened(watcher, event, sse);
		told++;
	}
	free(sse);
	return told;
}

static void on_turn(uv_idle_t *turn)
{
	struct hub *hub = turn->data;
	struct event *event = NULL;
	for (int told = 0; told < HUB_TOLD_A_TURN && (event = outbox_take(&hub->events)) != NULL;) {
		told += 1 + publish(hub, event);
		free(event);
	}
	if (hub->events.first != NULL)
		uv_idle_start(turn, on_turn);
	else
		uv_idle_stop(turn);
}

static void on_events(void *context, struct outbox *events)
{
	struct hub *hub = context;
	outbox_move(&hub->events, events);
	if (!uv_is_active((uv_handle_t *)&hub->turn))
		on_turn(&hub->turn);
}

static void on_timer(uv_timer_t *timer)
{
	struct hub *hub = timer->data;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct watcher *watcher = hub->buckets[i]; watcher != NULL; watcher = watcher->next)
			watcher->tick(watcher);
}

static void work_look(uv_work_t *work)
{
	struct hub *hub = work->data;
	hub->changed = hub->look(hub->look_context);
}

static void on_looked(uv_work_t *work, int status)
{
	(void)status;
	struct hub *hub = work->data;
	hub->looking = false;
	hub_release(hub);
	for (size_t i = 0; hub->changed && i < BUCKETS; i++)
		for (struct watcher *watcher = hub->buckets[i]; watcher != NULL; watcher = watcher->next)
			watcher->look(watcher);
}

static void on_look_timer(uv_timer_t *timer)
{
	struct hub *hub = timer->data;
	if (hub->look == NULL || hub->n_watchers == 0 || hub->looking)
		return;
	hub->looking = uv_queue_work(timer->loop, &hub->work, work_look, on_looked) == 0;
	if (hub->looking)
		hub_hold(hub);
}

void hub_on_look(struct hub *hub, bool (*look)(void *context), void *context)
{
	hub->look = look;
	hub->look_context = context;
}

int hub_open(struct hub **out, uv_loop_t *loop, struct store *store, struct qlstm_error *error)
{
	struct hub *hub = calloc(1, sizeof *hub);
	if (hub == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the hub of events");
	hub->store = store;
	uv_timer_init(loop, &hub->timer);
	uv_timer_init(loop, &hub->look_timer);
	uv_idle_init(loop, &hub->turn);
	outbox_init(&hub->events);
	hub->open_handles = 3;
	hub->timer.data = hub->look_timer.data = hub->turn.data = hub->work.data = hub;
	uv_timer_start(&hub->look_timer, on_look_timer, HUB_LOOK_MS, HUB_LOOK_MS);
	uv_timer_start(&hub->timer, on_timer, HUB_IDLE_MS, HUB_IDLE_MS);
	store_on_events(store, on_events, hub);
	*out = hub;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct hub *hub = handle->data;
	if (--hub->open_handles == 0)
		free(hub);
}

void hub_close(struct hub *hub)
{
	uv_timer_stop(&hub->look_timer);
	while (hub->held > 0)
		uv_run(hub->timer.loop, UV_RUN_ONCE);
	store_on_events(hub->store, NULL, NULL);
	outbox_free(&hub->events);
	uv_close((uv_handle_t *)&hub->turn, on_closed);
	uv_close((uv_handle_t *)&hub->timer, on_closed);
	uv_close((uv_handle_t *)&hub->look_timer, on_closed);
}

void hub_join(struct hub *hub, struct watcher *watcher)
{
	struct watcher **bucket = &hub->buckets[bucket_of(watcher->experiment)];
	watcher->previous = NULL;
	watcher->next = *bucket;
	if (watcher->next != NULL)
		watcher->next->previous = watcher;
	*bucket = watcher;
	hub->n_watchers++;
}

void hub_leave(struct hub *hub, struct watcher *watcher)
{
	hub->n_watchers--;
	if (watcher->next != NULL)
		watcher->next->previous = watcher->previous;
	if (watcher->previous != NULL)
		watcher->previous->next = watcher->next;
	else
		hub->buckets[bucket_of(watcher->experiment)] = watcher->next;
}

void hub_hold(struct hub *hub)
{
	hub->held++;
}

void hub_release(struct hub *hub)
{
	hub->held--;
}

static void work_read(uv_work_t *work)
{
	struct hub_read *read = work->data;
	read->read(read);
}

static void on_read(uv_work_t *work, int status);

/* uv_queue_work refuses only work without a function. */
static void start_reads(struct hub *hub)
{
	for (struct hub_read *read; hub->reading < HUB_READS && (read = hub->first_read) != NULL;) {
		hub_unread(read);
		hub->reading++;
		hub_hold(hub);
		uv_queue_work(hub->timer.loop, &read->work, work_read, on_read);
	}
}

/* What is done may be gone after that. */
static void on_read(uv_work_t *work, int status)
{
	(void)status;
	struct hub_read *read = work->data;
	struct hub *hub = read->hub;
	hub->reading--;
	hub_release(hub);
	read->done(read);
	start_reads(hub);
}

void hub_read(struct hub *hub, struct hub_read *read)
{
	read->hub = hub;
	read->work.data = read;
	read->waits = true;
	read->next = NULL;
	read->previous = hub->last_read;
	if (hub->last_read != NULL)
		hub->last_read->next = read;
	else
		hub->first_read = read;
	hub->last_read = read;
	start_reads(hub);
}

bool hub_unread(struct hub_read *read)
{
	struct hub *hub = read->hub;
	if (!read->waits)
		return false;
	read->waits = false;
	if (read->next != NULL)
		read->next->previous = read->previous;
	else
		hub->last_read = read->previous;
	if (read->previous != NULL)
		read->previous->next = read->next;
	else
		hub->first_read = read->next;
	return true;
}
