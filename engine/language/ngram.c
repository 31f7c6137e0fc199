/* Counts of one, two and three tokens in a row, by sorting. */
#include "engine/language/ngram.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* 21 bits a token: a vocabulary has 65,536 at most. */
enum { TOKEN_BITS = 21 };
/* In the place of the token behind the last pair, which no triple begins with. */
#define NO_TOKEN (((uint64_t)1 << TOKEN_BITS) - 1)

/* Different pairs or triples of tokens, in the order of their keys. */
struct entries {
	size_t n;
	uint64_t *keys;
	uint32_t *counts; /* occurrences */
};

struct ngram {
	size_t n, vocabulary;
	uint32_t *counts;  /* [vocabulary]: c(w) */
	uint32_t *leads;   /* c(v) as the first of a pair */
	uint32_t *before;  /* N(. w) */
	uint32_t *behind;  /* N(v .) */
	uint64_t *through; /* N(. v .): sum over w of N(. v w) */
	uint32_t *kinds;   /* how many w those are */
	uint64_t pairs;    /* N(. .) */
	size_t preceded;   /* |{w : N(. w) > 0}| */
	struct entries two, three;
	uint32_t *pairs_before;          /* [two.n]: different tokens before it, N(. v w) */
	double discount[NGRAM_MOST + 1]; /* of pairs' occurrences at 2, of triples' at 3 */
	double of_before, of_two;        /* of N(. w), of N(. v w) */
	uint64_t last;                   /* the pair at the end of the text */
};

static uint64_t key_of(const int32_t *tokens, int n)
{
	uint64_t key = 0;
	for (int k = 0; k < n; k++)
		key = key << TOKEN_BITS | (uint64_t)(uint32_t)tokens[k];
	return key;
}

/* By bits from `bit` down, in place: those with it clear come first. */
static void sort(uint64_t *keys, size_t n, int bit)
{
	size_t low = 0, high = n;
	if (n < 2 || bit < 0)
		return;
	while (low < high) {
		uint64_t key = keys[low];
		if ((key >> bit & 1) == 0) {
			low++;
		} else {
			keys[low] = keys[--high];
			keys[high] = key;
		}
	}
	sort(keys, low, bit - 1);
	sort(keys + low, n - low, bit - 1);
}

/* How many keys are below `key`. */
static size_t below(const struct entries *e, uint64_t key)
{
	size_t low = 0, high = e->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (e->keys[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Its place, or n where it was not met. */
static size_t find(const struct entries *e, uint64_t key)
{
	size_t at = below(e, key);
	return at < e->n && e->keys[at] == key ? at : e->n;
}

static uint32_t count_of(const struct entries *e, uint64_t key)
{
	size_t at = find(e, key);
	return at < e->n ? e->counts[at] : 0;
}

/* Different triples that begin with a pair. */
static size_t behind_pair(const struct ngram *g, uint64_t pair)
{
	return below(&g->three, (pair + 1) << TOKEN_BITS) - below(&g->three, pair << TOKEN_BITS);
}

/* Sorted keys, of which equal ones become one with a count. Takes them over. */
static int compact(struct entries *e, uint64_t *keys, size_t n)
{
	size_t different = n > 0;
	for (size_t k = 1; k < n; k++)
		different += keys[k] != keys[k - 1];
	*e = (struct entries){.keys = keys, .counts = calloc(different + 1, sizeof *e->counts)};
	if (e->counts == NULL)
		return ERR_OUT_OF_MEMORY;
	for (size_t k = 0; k < n; k++) {
		if (e->n == 0 || keys[k] != e->keys[e->n - 1])
			e->keys[e->n++] = keys[k];
		e->counts[e->n - 1]++;
	}
	uint64_t *fewer = realloc(keys, (e->n + 1) * sizeof *keys);
	e->keys = fewer != NULL ? fewer : keys;
	return 0;
}

/* Every pair with what is behind it. */
static int count_triples(struct ngram *g, const int32_t *tokens)
{
	size_t n = g->n > 0 ? g->n - 1 : 0;
	uint64_t *keys = malloc((n + 1) * sizeof *keys);
	if (keys == NULL)
		return ERR_OUT_OF_MEMORY;
	for (size_t k = 0; k < n; k++)
		keys[k] =
		    key_of(tokens + k, 2) << TOKEN_BITS | (k + 2 < g->n ? (uint64_t)(uint32_t)tokens[k + 2] : NO_TOKEN);
	sort(keys, n, 3 * TOKEN_BITS - 1);
	return compact(&g->three, keys, n);
}

/* Pairs are what triples begin with. */
static int count_pairs(struct ngram *g)
{
	struct entries *two = &g->two;
	size_t n = 0;
	for (size_t k = 0; k < g->three.n; k++)
		n += k == 0 || g->three.keys[k] >> TOKEN_BITS != g->three.keys[k - 1] >> TOKEN_BITS;
	two->keys = malloc((n + 1) * sizeof *two->keys);
	two->counts = calloc(n + 1, sizeof *two->counts);
	g->pairs_before = calloc(n + 1, sizeof *g->pairs_before);
	if (two->keys == NULL || two->counts == NULL || g->pairs_before == NULL)
		return ERR_OUT_OF_MEMORY;
	for (size_t k = 0; k < g->three.n; k++) {
		uint64_t pair = g->three.keys[k] >> TOKEN_BITS;
		if (two->n == 0 || two->keys[two->n - 1] != pair)
			two->keys[two->n++] = pair;
		two->counts[two->n - 1] += g->three.counts[k];
	}
	return 0;
}

/* The last pair stood among the triples so far. */
static void drop_last(struct ngram *g)
{
	struct entries *three = &g->three;
	size_t at = find(three, g->last << TOKEN_BITS | NO_TOKEN);
	if (at == three->n)
		return;
	three->n--;
	memmove(three->keys + at, three->keys + at + 1, (three->n - at) * sizeof *three->keys);
	memmove(three->counts + at, three->counts + at + 1, (three->n - at) * sizeof *three->counts);
}

/* What pairs and triples say of their tokens. */
static void count_around(struct ngram *g)
{
	uint64_t token = NO_TOKEN;
	for (size_t k = 0; k < g->two.n; k++) {
		uint64_t v = g->two.keys[k] >> TOKEN_BITS, w = g->two.keys[k] & token;
		g->leads[v] += g->two.counts[k];
		g->behind[v]++;
		g->before[w]++;
		g->pairs++;
	}
	for (size_t k = 0; k < g->three.n; k++) {
		uint64_t behind = g->three.keys[k] & (token << TOKEN_BITS | token);
		g->pairs_before[find(&g->two, behind)]++;
		g->through[behind >> TOKEN_BITS]++;
	}
	for (size_t k = 0; k < g->two.n; k++)
		g->kinds[g->two.keys[k] >> TOKEN_BITS] += g->pairs_before[k] > 0;
}

static int count_all(struct ngram *g, const int32_t *tokens, int order)
{
	for (size_t k = 0; k < g->n; k++)
		g->counts[tokens[k]]++;
	if (order < 2 || g->n < 2)
		return 0;
	g->last = key_of(tokens + g->n - 2, 2);
	int rc = count_triples(g, tokens);
	if (rc == 0)
		rc = count_pairs(g);
	if (rc != 0)
		return rc;
	drop_last(g);
	count_around(g);
	return 0;
}

static double discount_of(size_t ones, size_t twos)
{
	return ones > 0 ? (double)ones / ((double)ones + 2 * (double)twos) : 0.5;
}

static void find_discounts(struct ngram *g)
{
	size_t ones[2] = {0}, twos[2] = {0}, ones_before = 0, twos_before = 0, ones_single = 0, twos_single = 0;
	const struct entries *both[2] = {&g->two, &g->three};
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < both[k]->n; i++) {
			ones[k] += both[k]->counts[i] == 1;
			twos[k] += both[k]->counts[i] == 2;
		}
	for (size_t i = 0; i < g->two.n; i++) {
		ones_before += g->pairs_before[i] == 1;
		twos_before += g->pairs_before[i] == 2;
	}
	for (size_t w = 0; w < g->vocabulary; w++) {
		ones_single += g->before[w] == 1;
		twos_single += g->before[w] == 2;
		g->preceded += g->before[w] > 0;
	}
	g->discount[2] = discount_of(ones[0], twos[0]);
	g->discount[3] = discount_of(ones[1], twos[1]);
	g->of_two = discount_of(ones_before, twos_before);
	g->of_before = discount_of(ones_single, twos_single);
}

int ngram_new(struct ngram **out, const int32_t *tokens, size_t n, size_t vocabulary, int order,
              struct qlstm_error *error)
{
	struct ngram *g = calloc(1, sizeof *g);
	int rc = g != NULL ? 0 : ERR_OUT_OF_MEMORY;
	if (rc == 0) {
		*g = (struct ngram){.n = n, .vocabulary = vocabulary};
		g->counts = calloc(vocabulary, sizeof *g->counts);
		g->leads = calloc(vocabulary, sizeof *g->leads);
		g->before = calloc(vocabulary, sizeof *g->before);
		g->behind = calloc(vocabulary, sizeof *g->behind);
		g->through = calloc(vocabulary, sizeof *g->through);
		g->kinds = calloc(vocabulary, sizeof *g->kinds);
		bool whole = g->kinds != NULL && g->counts != NULL && g->leads != NULL && g->before != NULL &&
		             g->behind != NULL && g->through != NULL;
		rc = whole ? count_all(g, tokens, order) : ERR_OUT_OF_MEMORY;
	}
	if (rc != 0) {
		ngram_free(g);
		return error_set(error, rc, NULL, "out of memory for counts of %zu tokens", n);
	}
	find_discounts(g);
	*out = g;
	return 0;
}

void ngram_free(struct ngram *g)
{
	if (g == NULL)
		return;
	free(g->counts);
	free(g->leads);
	free(g->before);
	free(g->behind);
	free(g->through);
	free(g->kinds);
	free(g->two.keys);
	free(g->two.counts);
	free(g->three.keys);
	free(g->three.counts);
	free(g->pairs_before);
	free(g);
}

/* max(count - discount, 0) / total + discount types / total lower; lower where nothing was met. */
static double interpolate(double discount, double count_of, double total, double types, double lower)
{
	if (total <= 0)
		return lower;
	double left = count_of > discount ? count_of - discount : 0;
	return left / total + discount * types / total * lower;
}

static double continuation(const struct ngram *g, int32_t w)
{
	return interpolate(g->of_before, g->before[w], (double)g->pairs, (double)g->preceded,
	                   1.0 / (double)g->vocabulary);
}

static double pair_probability(const struct ngram *g, const int32_t pair[2])
{
	return interpolate(g->discount[2], count_of(&g->two, key_of(pair, 2)), g->leads[pair[0]], g->behind[pair[0]],
	                   continuation(g, pair[1]));
}

/* Of continuation counts. */
static double lower_probability(const struct ngram *g, const int32_t pair[2])
{
	size_t at = find(&g->two, key_of(pair, 2));
	return interpolate(g->of_two, at < g->two.n ? g->pairs_before[at] : 0, (double)g->through[pair[0]],
	                   g->kinds[pair[0]], continuation(g, pair[1]));
}

double ngram_probability(const struct ngram *g, int order, const int32_t *context_end, int32_t next)
{
	if (order == 1)
		return ((double)g->counts[next] + 1) / ((double)g->n + (double)g->vocabulary);
	if (order == 2)
		return pair_probability(g, (int32_t[]){context_end[-1], next});
	const int32_t triple[3] = {context_end[-2], context_end[-1], next};
	uint64_t pair = key_of(triple, 2);
	uint32_t leads = count_of(&g->two, pair);
	leads -= leads > 0 && pair == g->last; /* with which no triple begins */
	return interpolate(g->discount[3], count_of(&g->three, key_of(triple, 3)), leads, (double)behind_pair(g, pair),
	                   lower_probability(g, triple + 1));
}
