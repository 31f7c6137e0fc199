/* One client that watches one experiment.
 *
 *   reading a page --> (more there?) --> reading the next
 *        ^                  | no
 *        |                  v
 *        `-- too slow --- live: events are appended as they happen
 *
 * While a page is read on a pool thread, that thread has `page` for itself. It also writes the page's text: for a
 * thousand clients that is too much for the loop. */
#include "server/run/events/stream.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "server/run/events/format.h"
#include "server/store/events.h"

/* MAX_WAITING, an event and SPARE is what is held for a client that takes nothing. */
enum { PAGE_EVENTS = 128, MAX_WAITING = 64 << 10, SPARE = 16 << 10 };

/* Events of the store as text: as many as there is room for, what is left of them is read again later. */
struct page {
	struct outbox events;
	struct text text;
	size_t room;
	int64_t last; /* id of the last event in the text */
	bool over;    /* that one was the end of the experiment */
	bool more;    /* there may be more behind it */
	bool failed;  /* there is an event behind it that cannot be had */
};

struct event_stream {
	struct watcher watcher; /* first: the hub's callbacks get it */
	struct event_guard guard;
	struct hub *hub;
	struct store *store;
	struct http_stream *out; /* NULL before open and after close */
	int64_t last;            /* id of the last event that was appended */
	char *text;              /* appended and not yet read: [read, used) */
	size_t read, used, room;
	bool live;    /* the store has nothing that was not appended */
	bool behind;  /* something happened while it was not live */
	bool reading; /* a page is under way, or waits for its turn */
	bool over;    /* the event appended last was the end of the experiment, unless a retry follows */
	bool ended;   /* the last event, or the end of all memory, was appended */
	struct hub_read work;
	struct page page;
};

static void append(struct event_stream *stream, const char *text, size_t length)
{
	if (stream->read > 0) {
		memmove(stream->text, stream->text + stream->read, stream->used - stream->read);
		stream->used -= stream->read;
		stream->read = 0;
	}
	if (stream->used + length > stream->room) {
		size_t room = stream->used + length + SPARE;
		char *larger = realloc(stream->text, room);
		if (larger == NULL) { /* the client comes back and goes on from what it has seen */
			stream->ended = true;
			return;
		}
		stream->text = larger;
		stream->room = room;
	}
	memcpy(stream->text + stream->used, text, length);
	stream->used += length;
}

/* Its client will be asked for by id alone, so an event that cannot be shown (`sse` is NULL) must not be passed over.
 */
static void append_event(struct event_stream *stream, const struct event *event, const char *sse)
{
	if (sse == NULL) {
		stream->ended = true;
		return;
	}
	append(stream, sse, strlen(sse));
	stream->last = event->id;
	stream->over = event_is_last(event);
}

/* Everything that happened has been appended. */
static void end_if_over(struct event_stream *stream)
{
	if (!stream->over || stream->ended)
		return;
	static const char end[] = "event: end\ndata: {}\n\n";
	append(stream, end, sizeof end - 1);
	stream->ended = true;
}

static struct event_stream *stream_of(struct hub_read *work)
{
	return (struct event_stream *)((char *)work - offsetof(struct event_stream, work));
}

static int read_page(struct db *db, void *argument, struct qlstm_error *error)
{
	struct event_stream *stream = argument;
	return event_list(db, stream->watcher.experiment, stream->last, PAGE_EVENTS, &stream->page.events, error);
}

static void write_page(struct page *page)
{
	int count = 0;
	const struct event *event = page->events.first;
	for (; event != NULL && page->text.length < page->room; event = event->next, count++) {
		char *sse = event_sse(event);
		if (sse != NULL)
			text_write(&page->text, sse, strlen(sse));
		page->failed = sse == NULL || page->text.failed;
		free(sse);
		if (page->failed)
			return;
		page->last = event->id;
		page->over = event_is_last(event);
	}
	page->more = event != NULL || count == PAGE_EVENTS;
}

static void work_read(struct hub_read *work)
{
	struct event_stream *stream = stream_of(work);
	struct page *page = &stream->page;
	struct qlstm_error error = {0};
	page->failed = store_read(stream->store, read_page, stream, &error) != 0;
	if (!page->failed)
		write_page(page);
	outbox_free(&page->events);
}

static void read_next_page(struct event_stream *stream);

static void free_page(struct page *page)
{
	outbox_free(&page->events);
	free(page->text.bytes);
	*page = (struct page){0};
}

static void free_stream(struct event_stream *stream)
{
	free_page(&stream->page);
	free(stream->text);
	free(stream);
}

static void append_page(struct event_stream *stream)
{
	const struct page *page = &stream->page;
	if (page->text.length > 0)
		append(stream, page->text.bytes, page->text.length);
	stream->last = page->last;
	stream->over = page->over;
	stream->ended = stream->ended || page->failed;
	stream->behind = stream->behind || page->more;
}

static void on_read(struct hub_read *work)
{
	struct event_stream *stream = stream_of(work);
	stream->reading = false;
	if (stream->out == NULL) {
		free_stream(stream);
		return;
	}
	if (!stream->ended) /* while it was read: who watches may not any more */
		append_page(stream);
	free_page(&stream->page);
	if (!stream->ended && !stream->behind) {
		stream->live = true;
		end_if_over(stream);
	}
	http_stream_wake(stream->out);
	read_next_page(stream);
}

/* If there is something to read and the client has taken the half of what there was: a page for each small piece that
 * it takes would be read mostly in vain. */
static void read_next_page(struct event_stream *stream)
{
	if (!stream->behind || stream->reading || stream->ended || stream->used - stream->read > MAX_WAITING / 2)
		return;
	stream->behind = false;
	stream->reading = true;
	stream->page.room = MAX_WAITING - (stream->used - stream->read);
	stream->page.last = stream->last;
	stream->page.over = stream->over;
	outbox_init(&stream->page.events);
	hub_read(stream->hub, &stream->work);
}

static void on_happened(struct watcher *watcher, const struct event *event, const char *sse)
{
	struct event_stream *stream = (struct event_stream *)watcher;
	if (stream->ended)
		return;
	if (stream->live && stream->used - stream->read >= MAX_WAITING)
		stream->live = false;
	if (stream->live && event->id > stream->last) {
		append_event(stream, event, sse);
		end_if_over(stream);
	} else if (!stream->live) {
		stream->behind = true;
	}
	http_stream_wake(stream->out);
}

static void on_tick(struct watcher *watcher)
{
	struct event_stream *stream = (struct event_stream *)watcher;
	static const char sign[] = ": still here\n\n";
	if (stream->used == stream->read)
		append(stream, sign, sizeof sign - 1);
	http_stream_wake(stream->out);
}

/* Its client comes back and is told why it may not. */
static void on_look(struct watcher *watcher)
{
	struct event_stream *stream = (struct event_stream *)watcher;
	if (stream->ended || stream->guard.holds == NULL ||
	    stream->guard.holds(stream->guard.context, stream->guard.mark))
		return;
	stream->used = stream->read; /* nor does it get what was not taken */
	stream->ended = true;
	http_stream_wake(stream->out);
}

static void stream_open(void *context, struct http_stream *out)
{
	static const char retry[] = "retry: 1000\n\n";
	struct event_stream *stream = context;
	stream->out = out;
	hub_join(stream->hub, &stream->watcher);
	append(stream, retry, sizeof retry - 1);
	stream->behind = true;
	read_next_page(stream);
}

static ssize_t stream_read(void *context, char *buffer, size_t size)
{
	struct event_stream *stream = context;
	size_t count = stream->used - stream->read;
	if (count > size)
		count = size;
	if (count > 0) /* else there may be no text */
		memcpy(buffer, stream->text + stream->read, count);
	stream->read += count;
	if (stream->read == stream->used && stream->room > MAX_WAITING) { /* it was slow for a while */
		free(stream->text);
		stream->text = NULL;
		stream->read = stream->used = stream->room = 0;
	}
	if (!stream->live)
		read_next_page(stream);
	if (count > 0)
		return (ssize_t)count;
	return stream->ended ? -1 : 0;
}

static void stream_close(void *context)
{
	struct event_stream *stream = context;
	if (stream->out != NULL)
		hub_leave(stream->hub, &stream->watcher);
	stream->out = NULL;
	if (!stream->reading || hub_unread(&stream->work))
		free_stream(stream);
}

const struct http_source event_stream_source = {stream_open, stream_read, stream_close};

struct event_stream *event_stream_new(struct hub *hub, struct store *store, const char *experiment, int64_t after,
                                      const struct event_guard *guard)
{
	struct event_stream *stream = calloc(1, sizeof *stream);
	if (stream == NULL)
		return NULL;
	*stream = (struct event_stream){.watcher = {.happened = on_happened, .tick = on_tick, .look = on_look},
	                                .hub = hub,
	                                .store = store,
	                                .work = {.read = work_read, .done = on_read},
	                                .last = after};
	snprintf(stream->watcher.experiment, sizeof stream->watcher.experiment, "%s", experiment);
	if (guard != NULL)
		stream->guard = *guard;
	return stream;
}
