/* Vocabularies: words by hash (FNV-1a), open addressing. */
#include "engine/data/text/vocabulary.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const char *word, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)word[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

static int is_word(const struct vocabulary *v, size_t number, const char *word, size_t length)
{
	const char *own = vocabulary_word(v, number);
	return strncmp(own, word, length) == 0 && own[length] == '\0';
}

/* The slot of the word, or the free one where it belongs. */
static size_t slot_of(const struct vocabulary *v, const char *word, size_t length)
{
	size_t at = hash_of(word, length) & (v->n_slots - 1);
	while (v->slots[at] != 0 && !is_word(v, v->slots[at] - 1, word, length))
		at = (at + 1) & (v->n_slots - 1);
	return at;
}

/* Twice as many slots as before; the words find new ones. */
static int grow(struct vocabulary *v)
{
	size_t n = v->n_slots > 0 ? 2 * v->n_slots : 256;
	uint32_t *slots = calloc(n, sizeof *slots);
	uint64_t *counts = realloc(v->counts, n / 2 * sizeof *counts);
	if (counts != NULL)
		v->counts = counts;
	if (slots == NULL || counts == NULL) {
		free(slots);
		return ERR_OUT_OF_MEMORY;
	}
	free(v->slots);
	v->slots = slots;
	v->n_slots = n;
	v->counted = n / 2;
	for (size_t k = 0; k < v->words.count; k++) {
		const char *word = vocabulary_word(v, k);
		v->slots[slot_of(v, word, strlen(word))] = (uint32_t)k + 1;
	}
	return 0;
}

int64_t vocabulary_add(struct vocabulary *v, const char *word, size_t length, uint64_t times)
{
	if (v->words.count >= v->counted && grow(v) != 0)
		return ERR_OUT_OF_MEMORY;
	size_t at = slot_of(v, word, length);
	if (v->slots[at] == 0) {
		if (texts_add(&v->words, word, length, NULL) != 0)
			return ERR_OUT_OF_MEMORY;
		v->slots[at] = (uint32_t)v->words.count;
		v->counts[v->words.count - 1] = 0;
	}
	v->counts[v->slots[at] - 1] += times;
	return (int64_t)v->slots[at] - 1;
}

int64_t vocabulary_find(const struct vocabulary *v, const char *word, size_t length)
{
	return v->n_slots > 0 ? (int64_t)v->slots[slot_of(v, word, length)] - 1 : -1;
}

void vocabulary_free(struct vocabulary *v)
{
	texts_free(&v->words);
	free(v->counts);
	free(v->slots);
	*v = (struct vocabulary){0};
}

struct ranked {
	const char *word;
	uint64_t count;
	size_t number;
};

static int compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->word, y->word);
}

int vocabulary_order(const struct vocabulary *v, int by_bytes, size_t **order, struct qlstm_error *error)
{
	size_t n = vocabulary_size(v);
	struct ranked *ranked = malloc((n + 1) * sizeof *ranked);
	*order = malloc((n + 1) * sizeof **order);
	if (ranked == NULL || *order == NULL) {
		free(ranked);
		free(*order);
		*order = NULL;
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu words", n);
	}
	for (size_t k = 0; k < n; k++)
		ranked[k] = (struct ranked){vocabulary_word(v, k), by_bytes ? 0 : v->counts[k], k};
	qsort(ranked, n, sizeof *ranked, compare);
	for (size_t k = 0; k < n; k++)
		(*order)[k] = ranked[k].number;
	free(ranked);
	return 0;
}
