/* A token bucket for each key that has a rate: it holds as many tokens as may be taken in a second, at least one, fills
 * at that rate, and a request takes one. Not thread-safe. */
#ifndef QLSTM_ACCESS_BUCKET_H
#define QLSTM_ACCESS_BUCKET_H

#include <stdbool.h>

struct buckets;

struct buckets *buckets_new(void); /* NULL: out of memory */
void buckets_free(struct buckets *buckets);

/* What a client is told. */
struct bucket_state {
	bool empty;    /* none was left */
	int limit;     /* tokens of a full bucket */
	int remaining; /* whole ones that are left */
	int seconds;   /* until there is one again, or, where none was missing, until it is full; at least 1 */
};
/* Takes a token of this id's bucket at a time in seconds; `rate` a second, > 0, may change. Where there is no memory
 * for a new bucket nothing is counted. */
struct bucket_state bucket_take(struct buckets *buckets, const char *id, double rate, double now);

#endif
