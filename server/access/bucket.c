/* Token buckets, in a hash table by id. */
#include "server/access/bucket.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/access/key.h"

enum { CHAINS = 1024 };

struct bucket {
	struct bucket *next;
	char id[KEY_ID_SIZE];
	double tokens, at; /* how many there were at that time */
};

struct buckets {
	struct bucket *chains[CHAINS];
};

struct buckets *buckets_new(void)
{
	return calloc(1, sizeof(struct buckets));
}

void buckets_free(struct buckets *buckets)
{
	for (int i = 0; buckets != NULL && i < CHAINS; i++)
		for (struct bucket *bucket = buckets->chains[i], *next; bucket != NULL; bucket = next) {
			next = bucket->next;
			free(bucket);
		}
	free(buckets);
}

/* A new one is full. */
static struct bucket *find(struct buckets *buckets, const char *id, double full, double now)
{
	unsigned hash = 0;
	for (const char *letter = id; *letter != '\0'; letter++)
		hash = hash * 31 + (unsigned char)*letter;
	struct bucket **chain = &buckets->chains[hash % CHAINS];
	for (struct bucket *bucket = *chain; bucket != NULL; bucket = bucket->next)
		if (strcmp(bucket->id, id) == 0)
			return bucket;
	struct bucket *bucket = calloc(1, sizeof *bucket);
	if (bucket == NULL)
		return NULL;
	memcpy(bucket->id, id, strnlen(id, sizeof bucket->id - 1));
	bucket->tokens = full;
	bucket->at = now;
	bucket->next = *chain;
	*chain = bucket;
	return bucket;
}

static int whole_seconds(double seconds)
{
	return seconds < 1 ? 1 : seconds > 1e6 ? 1000000 : (int)ceil(seconds);
}

struct bucket_state bucket_take(struct buckets *buckets, const char *id, double rate, double now)
{
	double full = rate > 1 ? rate : 1;
	struct bucket *bucket = find(buckets, id, full, now);
	if (bucket == NULL)
		return (struct bucket_state){false, (int)full, 0, 1};
	bucket->tokens = fmin(full, bucket->tokens + fmax(0, now - bucket->at) * rate);
	bucket->at = now;
	if (bucket->tokens < 1)
		return (struct bucket_state){true, (int)full, 0, whole_seconds((1 - bucket->tokens) / rate)};
	bucket->tokens -= 1;
	return (struct bucket_state){false, (int)full, (int)bucket->tokens,
	                             whole_seconds((full - bucket->tokens) / rate)};
}
