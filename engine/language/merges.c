/* Byte-pair encoding. While it is learned, words are lists of symbols' numbers, and every pair that occurs is a row
 * with its count; a merge passes once over all words. */
#include "engine/language/merges.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/language/tokenizer.h"
#include "engine/utf8.h"

enum { PAIR_SIZE = 2 * TOKEN_SIZE };

struct pair {
	uint32_t left, right;
	int64_t count;
};

struct learner {
	struct merges *merges;
	uint32_t *symbols; /* all words, one behind the other */
	size_t *starts;    /* [n_words + 1] */
	size_t *lengths;   /* [n_words]: symbols that are left */
	size_t n_words;
	const uint64_t *counts; /* of the words */
	struct pair *pairs;     /* open addressing by both symbols; count 0 and left == right == 0 where free */
	size_t n_slots, n_pairs;
	struct qlstm_error *error;
};

static size_t character(const char *at, size_t left)
{
	size_t n = utf8_character(at, left);
	return n > 0 ? n : 1;
}

static int no_memory(struct learner *l)
{
	error_set(l->error, ERR_OUT_OF_MEMORY, NULL, "out of memory for byte pairs");
	return ERR_OUT_OF_MEMORY;
}

static struct pair *find(const struct learner *l, uint32_t left, uint32_t right)
{
	uint64_t hash = ((uint64_t)left << 32 | right) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(hash >> 20) & (l->n_slots - 1);
	/* Symbols are counted from 1 here, so that 0 is free. */
	while (l->pairs[at].left != 0 && (l->pairs[at].left != left + 1 || l->pairs[at].right != right + 1))
		at = (at + 1) & (l->n_slots - 1);
	return &l->pairs[at];
}

static int grow(struct learner *l)
{
	struct pair *old = l->pairs;
	size_t n = l->n_slots;
	l->n_slots = n > 0 ? 2 * n : 4096;
	l->pairs = calloc(l->n_slots, sizeof *l->pairs);
	if (l->pairs == NULL) {
		l->pairs = old;
		l->n_slots = n;
		return no_memory(l);
	}
	for (size_t k = 0; k < n; k++)
		if (old[k].left != 0)
			*find(l, old[k].left - 1, old[k].right - 1) = old[k];
	free(old);
	return 0;
}

static int count_pair(struct learner *l, uint32_t left, uint32_t right, int64_t by)
{
	if (2 * (l->n_pairs + 1) > l->n_slots) {
		int rc = grow(l);
		if (rc != 0)
			return rc;
	}
	struct pair *pair = find(l, left, right);
	if (pair->left == 0) {
		*pair = (struct pair){left + 1, right + 1, 0};
		l->n_pairs++;
	}
	pair->count += by;
	return 0;
}

/* All words as characters, with their pairs counted. */
static int begin(struct learner *l, const struct vocabulary *words)
{
	size_t bytes = words->words.used + 1, used = 0;
	int rc = 0;
	l->n_words = vocabulary_size(words);
	l->counts = words->counts;
	l->symbols = malloc(bytes * sizeof *l->symbols);
	l->starts = malloc((l->n_words + 1) * sizeof *l->starts);
	l->lengths = malloc((l->n_words + 1) * sizeof *l->lengths);
	if (l->symbols == NULL || l->starts == NULL || l->lengths == NULL)
		return no_memory(l);
	for (size_t w = 0; rc == 0 && w < l->n_words; w++) {
		const char *at = vocabulary_word(words, w);
		l->starts[w] = used;
		for (size_t left = strlen(at), n; rc == 0 && left > 0; at += n, left -= n) {
			n = character(at, left);
			int64_t symbol = vocabulary_add(&l->merges->symbols, at, n, l->counts[w]);
			if (symbol < 0)
				return no_memory(l);
			l->symbols[used++] = (uint32_t)symbol;
			if (used - l->starts[w] > 1)
				rc = count_pair(l, l->symbols[used - 2], (uint32_t)symbol, (int64_t)l->counts[w]);
		}
		l->lengths[w] = used - l->starts[w];
	}
	return rc;
}

static const char *symbol_of(const struct learner *l, uint32_t number)
{
	return vocabulary_word(&l->merges->symbols, number - 1);
}

static bool is_before(const struct learner *l, const struct pair *a, const struct pair *b)
{
	if (a->count != b->count)
		return a->count > b->count;
	int order = strcmp(symbol_of(l, a->left), symbol_of(l, b->left));
	return order != 0 ? order < 0 : strcmp(symbol_of(l, a->right), symbol_of(l, b->right)) < 0;
}

static const struct pair *most_frequent(const struct learner *l)
{
	const struct pair *best = NULL;
	for (size_t k = 0; k < l->n_slots; k++) {
		const struct pair *pair = &l->pairs[k];
		if (pair->left != 0 && pair->count > 1 && (best == NULL || is_before(l, pair, best)))
			best = pair;
	}
	return best;
}

/* The pairs of a word count no more, or again. */
static int count_word(struct learner *l, size_t w, int64_t by)
{
	const uint32_t *word = l->symbols + l->starts[w];
	int rc = 0;
	for (size_t k = 1; rc == 0 && k < l->lengths[w]; k++)
		rc = count_pair(l, word[k - 1], word[k], by);
	return rc;
}

/* In one word; both are there side by side. */
static int merge_word(struct learner *l, size_t w, uint32_t left, uint32_t right, uint32_t made)
{
	uint32_t *word = l->symbols + l->starts[w];
	size_t n = 0;
	int rc = count_word(l, w, -(int64_t)l->counts[w]);
	for (size_t k = 0; k < l->lengths[w]; n++) {
		bool both = k + 1 < l->lengths[w] && word[k] == left && word[k + 1] == right;
		word[n] = both ? made : word[k];
		k += both ? 2 : 1;
	}
	l->lengths[w] = n;
	return rc == 0 ? count_word(l, w, (int64_t)l->counts[w]) : rc;
}

static bool has_pair(const struct learner *l, size_t w, uint32_t left, uint32_t right)
{
	const uint32_t *word = l->symbols + l->starts[w];
	for (size_t k = 1; k < l->lengths[w]; k++)
		if (word[k - 1] == left && word[k] == right)
			return true;
	return false;
}

static int merge(struct learner *l, struct pair pair)
{
	char text[PAIR_SIZE];
	snprintf(text, sizeof text, "%s %s", symbol_of(l, pair.left), symbol_of(l, pair.right));
	int rc = merges_add(l->merges, text, l->error);
	/* The symbol that the pair makes may be there already, of another pair. */
	size_t length = (size_t)snprintf(text, sizeof text, "%s%s", symbol_of(l, pair.left), symbol_of(l, pair.right));
	int64_t made = rc == 0 ? vocabulary_find(&l->merges->symbols, text, length) : 0;
	for (size_t w = 0; rc == 0 && w < l->n_words; w++)
		if (has_pair(l, w, pair.left - 1, pair.right - 1))
			rc = merge_word(l, w, pair.left - 1, pair.right - 1, (uint32_t)made);
	return rc;
}

int merges_learn(struct merges *merges, const struct vocabulary *words, size_t symbols_most, struct qlstm_error *error)
{
	struct learner l = {.merges = merges, .error = error};
	const struct pair *pair;
	int rc = begin(&l, words);
	while (rc == 0 && vocabulary_size(&merges->symbols) < symbols_most && (pair = most_frequent(&l)) != NULL)
		rc = merge(&l, *pair);
	free(l.symbols);
	free(l.starts);
	free(l.lengths);
	free(l.pairs);
	return rc;
}

int merges_add(struct merges *merges, const char *pair, struct qlstm_error *error)
{
	const char *blank = strchr(pair, ' ');
	char made[PAIR_SIZE];
	size_t n = strlen(pair), left = blank != NULL ? (size_t)(blank - pair) : 0;
	if (left == 0 || n >= PAIR_SIZE || left + 1 >= n)
		return error_set(error, ERR_CORRUPT, NULL, "a byte pair is two symbols with a blank between");
	memcpy(made, pair, left);
	memcpy(made + left, blank + 1, n - left); /* with the NUL */
	if (vocabulary_add(&merges->pairs, pair, n, 1) < 0 || vocabulary_add(&merges->symbols, made, n - 1, 0) < 0)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for byte pairs");
	return 0;
}

void merges_free(struct merges *merges)
{
	vocabulary_free(&merges->symbols);
	vocabulary_free(&merges->pairs);
}

/* Which merge joins symbols k and k + 1; -1: none. */
static int64_t rank_of(const struct merges *merges, const char *word, const size_t *ends, size_t k)
{
	char pair[PAIR_SIZE];
	size_t start = k > 0 ? ends[k - 1] : 0, left = ends[k] - start, right = ends[k + 1] - ends[k];
	memcpy(pair, word + start, left);
	pair[left] = ' ';
	memcpy(pair + left + 1, word + ends[k], right);
	return vocabulary_find(&merges->pairs, pair, left + 1 + right);
}

size_t merges_apply(const struct merges *merges, const char *word, size_t length, size_t ends[MERGES_MAX_SYMBOLS])
{
	size_t n = 0;
	for (size_t at = 0; at < length && n < MERGES_MAX_SYMBOLS; n++) {
		at += character(word + at, length - at);
		ends[n] = at;
	}
	while (n > 1) {
		int64_t best = -1;
		for (size_t k = 0; k + 1 < n; k++) {
			int64_t rank = rank_of(merges, word, ends, k);
			if (rank >= 0 && (best < 0 || rank < best))
				best = rank;
		}
		if (best < 0)
			break;
		size_t kept = 0;
		for (size_t k = 0; k < n;) {
			bool both = k + 1 < n && rank_of(merges, word, ends, k) == best;
			ends[kept++] = ends[both ? k + 1 : k]; /* never behind the end that the next pair begins at */
			k += both ? 2 : 1;
		}
		n = kept;
	}
	return n;
}
