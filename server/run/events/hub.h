/* The hub: everybody who watches experiments, and what happens to these. Events come from the store after their commit
 * and go to the watchers of their experiment, in order. Loop thread. */
#ifndef QLSTM_RUN_EVENTS_HUB_H
#define QLSTM_RUN_EVENTS_HUB_H

#include <stdbool.h>
#include <uv.h>

#include "server/store/store.h"

struct hub;

/* One who watches one experiment; embedded in what it is a part of. */
struct watcher {
	struct watcher *next, *previous; /* the hub's */
	char experiment[RUN_ID_SIZE];
	/* Borrowed `event` and its server-sent form, made once for all watchers; NULL when there was no memory for it.
	 * May leave the hub. */
	void (*happened)(struct watcher *watcher, const struct event *event, const char *sse);
	/* Every HUB_IDLE_MS: time for a sign of life. Must not leave the hub. */
	void (*tick)(struct watcher *watcher);
	/* Every HUB_LOOK_MS, after the hub's own look (hub_on_look): whether it may still watch. Must not leave the
	 * hub. */
	void (*look)(struct watcher *watcher);
};

/* So many watchers are told in one turn of the loop, and those of one event more; the others in the next ones. */
#define HUB_TOLD_A_TURN 4096

#define HUB_IDLE_MS 15000
#define HUB_LOOK_MS 1000

/* Takes the store's events from now on. */
int hub_open(struct hub **out, uv_loop_t *loop, struct store *store, struct qlstm_error *error);
/* With no watcher left; runs the loop until nothing is held. The memory goes when the loop has run its close callbacks.
 * Call it outside of callbacks. */
void hub_close(struct hub *hub);

/* `look` runs on a pool thread while somebody watches; where it says so the watchers are asked. Before the first one.
 */
void hub_on_look(struct hub *hub, bool (*look)(void *context), void *context);

void hub_join(struct hub *hub, struct watcher *watcher);
void hub_leave(struct hub *hub, struct watcher *watcher);

/* What a watcher reads from the store: `read` on a pool thread, then `done` on the loop's. HUB_READS of them at once,
 * the others wait in order: however many watchers fall behind, the pool, the connections to the database and the loop
 * have time for requests. Embedded in what it is a part of; `hub_read` is called with both functions set, and again
 * when it is done. */
struct hub_read {
	void (*read)(struct hub_read *read);
	void (*done)(struct hub_read *read);
	/* the hub's: */
	struct hub *hub;
	struct hub_read *next, *previous; /* that wait */
	bool waits;
	uv_work_t work;
};

#define HUB_READS 4

void hub_read(struct hub *hub, struct hub_read *read);
/* Whether it still waited: then it is not read, nor done. */
bool hub_unread(struct hub_read *read);

/* Around other work on a pool thread that reads from the store: hub_close waits for it. */
void hub_hold(struct hub *hub);
void hub_release(struct hub *hub);

#endif
