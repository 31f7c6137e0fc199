/* Events: the outbox of a transaction, and how an event looks on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/run/events/format.h"
#include "server/store/outbox.h"

static void push(struct outbox *outbox, int64_t id)
{
	struct event *event = event_new("01ARZ3NDEKTSV4RRFFQ69G5FAV", "epoch", 2, 1795858168438, "{\"epoch\":3}");
	assert_non_null(event);
	event->id = id;
	outbox_push(outbox, event);
}

static void assert_ids(const struct outbox *outbox, const char *expected)
{
	char text[64] = "";
	for (const struct event *event = outbox->first; event != NULL; event = event->next)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%d ", (int)event->id);
	assert_string_equal(text, expected);
}

static void undone_writes_take_their_events_along(void **state)
{
	(void)state;
	struct outbox outbox, other;
	outbox_init(&outbox);
	outbox_init(&other);
	struct event **start = outbox_mark(&outbox);
	push(&outbox, 1);
	outbox_cut(&outbox, start);
	assert_ids(&outbox, "");
	push(&outbox, 2);
	struct event **mark = outbox_mark(&outbox);
	push(&outbox, 3);
	push(&outbox, 4);
	outbox_cut(&outbox, mark);
	push(&outbox, 5);
	assert_ids(&outbox, "2 5 ");
	push(&other, 1);
	outbox_move(&other, &outbox);
	assert_ids(&outbox, "");
	push(&outbox, 9);
	outbox_move(&other, &outbox);
	outbox_move(&other, &outbox);
	assert_ids(&other, "1 2 5 9 ");
	outbox_free(&other);
	push(&other, 7);
	assert_ids(&other, "7 ");
	outbox_free(&other);
}

static void assert_sse(const char *type, const char *body, const char *expected, bool last)
{
	struct event *event = event_new("01ARZ3NDEKTSV4RRFFQ69G5FAV", type, 2, 1795858168438, body);
	event->id = 41;
	char *text = event_sse(event);
	assert_string_equal(text, expected);
	assert_int_equal(event_is_last(event), last);
	free(text);
	free(event);
}

static void events_on_the_wire(void **state)
{
	(void)state;
	assert_sse("epoch", "{\"epoch\":3}",
	           "id: 41\nevent: epoch\ndata: {\"id\":41,\"type\":\"epoch\",\"at\":\"2026-11-28T09:29:28.438Z\","
	           "\"attempt\":2,\"epoch\":3}\n\n",
	           false);
	assert_sse("log", "{}",
	           "id: 41\nevent: log\ndata: {\"id\":41,\"type\":\"log\",\"at\":\"2026-11-28T09:29:28.438Z\","
	           "\"attempt\":2}\n\n",
	           false);
	static const struct {
		const char *body;
		bool last;
	} ends[] = {{"{\"to\":\"succeeded\"}", true}, {"{\"to\":\"failed\"}", true},
	            {"{\"to\":\"cancelled\"}", true}, {"{\"to\":\"queued\"}", false},
	            {"{\"to\":\"running\"}", false},  {"{\"to\":\"cancelling\"}", false}};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		struct event *event = event_new("x", "status", 1, 1, ends[i].body);
		assert_int_equal(event_is_last(event), ends[i].last);
		free(event);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(undone_writes_take_their_events_along),
	    cmocka_unit_test(events_on_the_wire),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
