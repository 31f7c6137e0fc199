/* Counts of one, two and three tokens in a row, by hash. */
#include "engine/language/ngram.h"

#include <stdbool.h>
#include <stdlib.h>

/* A pair or triple of tokens, and what is counted of it. Free: count 0. */
struct entry {
	uint64_t key;
	uint32_t count;  /* occurrences */
	uint32_t before; /* of a pair: different tokens before it, N(. v w) */
	uint32_t behind; /* of a pair: different tokens behind it, N(u v .) */
	uint32_t leads;  /* of a pair: triples that begin with it */
};

struct entries {
	struct entry *rows;
	size_t n_slots, used;
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
	double discount[NGRAM_MOST + 1]; /* of pairs' occurrences at 2, of triples' at 3 */
	double of_before, of_two;        /* of N(. w), of N(. v w) */
};

/* 21 bits a token: a vocabulary has 65,536 at most. */
static uint64_t key_of(const int32_t *tokens, int n)
{
	uint64_t key = 0;
	for (int k = 0; k < n; k++)
		key = key << 21 | (uint64_t)(uint32_t)tokens[k];
	return key;
}

static struct entry *find(const struct entries *e, uint64_t key)
{
	size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 24) & (e->n_slots - 1);
	while (e->rows[at].count != 0 && e->rows[at].key != key)
		at = (at + 1) & (e->n_slots - 1);
	return &e->rows[at];
}

static int grow(struct entries *e)
{
	struct entries larger = {.n_slots = e->n_slots > 0 ? 2 * e->n_slots : 1024, .used = e->used};
	larger.rows = calloc(larger.n_slots, sizeof *larger.rows);
	if (larger.rows == NULL)
		return ERR_OUT_OF_MEMORY;
	for (size_t k = 0; k < e->n_slots; k++)
		if (e->rows[k].count != 0)
			*find(&larger, e->rows[k].key) = e->rows[k];
	free(e->rows);
	*e = larger;
	return 0;
}

/* One more; *is_new: the first one. */
static int count(struct entries *e, uint64_t key, int *is_new)
{
	if (2 * (e->used + 1) > e->n_slots && grow(e) != 0)
		return ERR_OUT_OF_MEMORY;
	struct entry *entry = find(e, key);
	*is_new = entry->count == 0;
	entry->key = key;
	entry->count++;
	e->used += (size_t)*is_new;
	return 0;
}

static int count_all(struct ngram *g, const int32_t *tokens)
{
	int is_new;
	for (size_t k = 0; k < g->n; k++) {
		g->counts[tokens[k]]++;
		if (k >= 1) {
			if (count(&g->two, key_of(tokens + k - 1, 2), &is_new) != 0)
				return ERR_OUT_OF_MEMORY;
			g->leads[tokens[k - 1]]++;
			g->before[tokens[k]] += (uint32_t)is_new;
			g->behind[tokens[k - 1]] += (uint32_t)is_new;
			g->pairs += (uint64_t)is_new;
		}
		if (k >= 2) {
			if (count(&g->three, key_of(tokens + k - 2, 3), &is_new) != 0)
				return ERR_OUT_OF_MEMORY;
			struct entry *last = find(&g->two, key_of(tokens + k - 1, 2));
			struct entry *first = find(&g->two, key_of(tokens + k - 2, 2));
			g->kinds[tokens[k - 1]] += is_new && last->before == 0;
			last->before += (uint32_t)is_new;
			first->behind += (uint32_t)is_new;
			first->leads++;
			g->through[tokens[k - 1]] += (uint64_t)is_new;
		}
	}
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
		for (size_t i = 0; i < both[k]->n_slots; i++) {
			ones[k] += both[k]->rows[i].count == 1;
			twos[k] += both[k]->rows[i].count == 2;
		}
	for (size_t i = 0; i < g->two.n_slots; i++) {
		ones_before += g->two.rows[i].before == 1;
		twos_before += g->two.rows[i].before == 2;
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

int ngram_new(struct ngram **out, const int32_t *tokens, size_t n, size_t vocabulary, struct qlstm_error *error)
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
		             g->behind != NULL && g->through != NULL && grow(&g->two) == 0 && grow(&g->three) == 0;
		rc = whole ? count_all(g, tokens) : ERR_OUT_OF_MEMORY;
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
	free(g->two.rows);
	free(g->three.rows);
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
	return interpolate(g->discount[2], find(&g->two, key_of(pair, 2))->count, g->leads[pair[0]], g->behind[pair[0]],
	                   continuation(g, pair[1]));
}

/* Of continuation counts. */
static double lower_probability(const struct ngram *g, const int32_t pair[2])
{
	return interpolate(g->of_two, find(&g->two, key_of(pair, 2))->before, (double)g->through[pair[0]],
	                   g->kinds[pair[0]], continuation(g, pair[1]));
}

double ngram_probability(const struct ngram *g, int order, const int32_t *context_end, int32_t next)
{
	if (order == 1)
		return ((double)g->counts[next] + 1) / ((double)g->n + (double)g->vocabulary);
	if (order == 2)
		return pair_probability(g, (int32_t[]){context_end[-1], next});
	const int32_t triple[3] = {context_end[-2], context_end[-1], next};
	const struct entry *context = find(&g->two, key_of(triple, 2));
	return interpolate(g->discount[3], find(&g->three, key_of(triple, 3))->count, context->leads, context->behind,
	                   lower_probability(g, triple + 1));
}
