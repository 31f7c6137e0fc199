/* One client that waits for the end of an experiment.
 *
 *   asking --(not ended)--> waiting --(its last event, or the time is over)--> asking for the last time --> answered
 *
 * The first question is asked after joining the hub, so that no end falls between the two. */
#include "server/run/events/wait.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/run/events/format.h"

struct event_wait {
	struct watcher watcher; /* first: the hub's callbacks get it */
	struct event_wait_config config;
	struct event_guard guard;
	struct http_stream *out; /* NULL before open and after close */
	uv_timer_t timer;
	bool timing; /* the timer is open */
	struct hub_read work;
	bool asking; /* on a pool thread, which then has `text` and `ended` for itself, or waiting for one */
	bool due;    /* the experiment has ended, or the time is over */
	bool last;   /* it was due when it was asked: the answer is sent, whatever it says */
	char *text;
	bool ended;    /* what the answer says of the experiment */
	bool answered; /* `text` is to be sent; NULL: nothing is, it ends */
	bool refused;  /* who asks may not be told any more */
	size_t read;
};

static void free_if_over(struct event_wait *wait)
{
	if (wait->out != NULL || wait->timing || wait->asking)
		return;
	free(wait->text);
	free(wait);
}

static void ask(struct event_wait *wait);

static struct event_wait *wait_of(struct hub_read *work)
{
	return (struct event_wait *)((char *)work - offsetof(struct event_wait, work));
}

static void work_ask(struct hub_read *work)
{
	struct event_wait *wait = wait_of(work);
	wait->text = wait->config.answer(wait->config.context, wait->watcher.experiment, &wait->ended);
}

static void on_asked(struct hub_read *work)
{
	struct event_wait *wait = wait_of(work);
	bool again = wait->due && !wait->last; /* it became due while this was asked */
	wait->asking = false;
	if (wait->out == NULL) {
		free_if_over(wait);
		return;
	}
	if (wait->text == NULL || wait->ended || wait->last || wait->answered) {
		wait->answered = true;
		http_stream_wake(wait->out);
		return;
	}
	free(wait->text);
	wait->text = NULL;
	if (again)
		ask(wait);
}

static void ask(struct event_wait *wait)
{
	if (wait->asking || wait->answered)
		return;
	wait->last = wait->due;
	wait->asking = true;
	hub_read(wait->config.hub, &wait->work);
}

static void on_happened(struct watcher *watcher, const struct event *event, const char *sse)
{
	(void)sse;
	struct event_wait *wait = (struct event_wait *)watcher;
	if (!event_is_last(event))
		return;
	wait->due = true;
	ask(wait);
}

static void on_time(uv_timer_t *timer)
{
	struct event_wait *wait = timer->data;
	wait->due = true;
	if (wait->out != NULL)
		ask(wait);
}

static void on_tick(struct watcher *watcher)
{
	(void)watcher;
}

/* Whose key is over is told nothing more. */
static void on_look(struct watcher *watcher)
{
	struct event_wait *wait = (struct event_wait *)watcher;
	if (wait->answered || wait->guard.holds == NULL || wait->guard.holds(wait->guard.context, wait->guard.mark))
		return;
	wait->answered = wait->refused = true;
	http_stream_wake(wait->out);
}

static void on_closed(uv_handle_t *handle)
{
	struct event_wait *wait = handle->data;
	wait->timing = false;
	free_if_over(wait);
}

static void wait_open(void *context, struct http_stream *out)
{
	struct event_wait *wait = context;
	wait->out = out;
	hub_join(wait->config.hub, &wait->watcher);
	uv_timer_init(wait->config.loop, &wait->timer);
	wait->timer.data = wait;
	wait->timing = true;
	uv_timer_start(&wait->timer, on_time, (uint64_t)wait->config.seconds * 1000, 0);
	ask(wait);
}

static ssize_t wait_read(void *context, char *buffer, size_t size)
{
	struct event_wait *wait = context;
	if (!wait->answered)
		return 0;
	if (wait->refused)
		return -1;
	size_t left = wait->text != NULL ? strlen(wait->text) - wait->read : 0, count = left < size ? left : size;
	if (count == 0)
		return -1;
	memcpy(buffer, wait->text + wait->read, count);
	wait->read += count;
	return (ssize_t)count;
}

static void wait_close(void *context)
{
	struct event_wait *wait = context;
	if (wait->out != NULL)
		hub_leave(wait->config.hub, &wait->watcher);
	wait->out = NULL;
	if (wait->timing)
		uv_close((uv_handle_t *)&wait->timer, on_closed);
	if (hub_unread(&wait->work))
		wait->asking = false;
	free_if_over(wait);
}

const struct http_source event_wait_source = {wait_open, wait_read, wait_close};

struct event_wait *event_wait_new(const struct event_wait_config *config)
{
	struct event_wait *wait = calloc(1, sizeof *wait);
	if (wait == NULL)
		return NULL;
	wait->config = *config;
	wait->watcher = (struct watcher){.happened = on_happened, .tick = on_tick, .look = on_look};
	snprintf(wait->watcher.experiment, sizeof wait->watcher.experiment, "%s", config->experiment);
	wait->config.experiment = wait->watcher.experiment;
	if (config->guard != NULL)
		wait->guard = *config->guard;
	wait->config.guard = NULL;
	wait->work = (struct hub_read){.read = work_ask, .done = on_asked};
	return wait;
}
