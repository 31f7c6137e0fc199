/* Events on their way out: rows inserted in the transaction at hand, kept until its commit, so that nobody hears of
 * what is not durable. One outbox belongs to the writing connection. */
#ifndef QLSTM_STORE_OUTBOX_H
#define QLSTM_STORE_OUTBOX_H

#include <stdint.h>

#include "server/common/status.h"

#define EVENT_TYPE_SIZE 16

/* One event; what the columns of the table `event` mean stands in schema/database.sql. */
struct event {
	struct event *next;
	int64_t id, at;
	int attempt;
	char experiment[RUN_ID_SIZE];
	char type[EVENT_TYPE_SIZE];
	char body[]; /* a JSON object as text */
};

struct outbox {
	struct event *first, **end;
};

void outbox_init(struct outbox *outbox);
void outbox_push(struct outbox *outbox, struct event *event);
/* A place to cut back to, and dropping all that came after it: a write under a savepoint was undone. */
struct event **outbox_mark(const struct outbox *outbox);
void outbox_cut(struct outbox *outbox, struct event **mark);
/* The first one, which is the caller's to free; NULL: it is empty. */
struct event *outbox_take(struct outbox *outbox);
/* Appends all of `from`, which is empty afterwards. */
void outbox_move(struct outbox *to, struct outbox *from);
void outbox_free(struct outbox *outbox); /* the events; the outbox is empty and usable */

/* malloc; NULL when out of memory. */
struct event *event_new(const char *experiment, const char *type, int attempt, int64_t at, const char *body);

#endif
