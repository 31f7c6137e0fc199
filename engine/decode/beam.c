/* Beam search. Hypothesis k of sentence i is column i * width + k of every batch. */
#include "engine/decode/beam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/elementary/elementary.h"

enum { CANDIDATES = 2 * BEAM_WIDTH_MOST };

/* A hypothesis, followed by one more token. */
struct candidate {
	int from; /* hypothesis of the sentence */
	int32_t token;
	double score;
};

/* Of a sentence. */
struct sentence {
	int alive, finished; /* hypotheses */
	double best;         /* of the finished ones, by its length */
	double scores[BEAM_WIDTH_MOST];
};

struct search {
	struct model *model;
	const struct beam_config *config;
	const struct beam_sources *sources;
	const struct beam_said *said;
	struct sentence *sentences;
	size_t width, columns, outputs, rows; /* rows: of state that is carried */
	int32_t *tokens, *moved_tokens;       /* [columns][length] */
	double *x, *y, *given, *states, *moved_states;
	int *lengths; /* [columns] */
	struct qlstm_error *error;
};

/* The numbers behind search->x. */
static size_t numbers_of(const struct search *s)
{
	return s->columns * ((size_t)s->sources->steps + s->outputs + 1 + 2 * s->rows);
}

static int no_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for what is said");
}

static int open_search(struct search *s)
{
	size_t length = (size_t)s->config->length;
	s->sentences = calloc(s->sources->count, sizeof *s->sentences);
	s->tokens = calloc(s->columns * length, sizeof *s->tokens);
	s->moved_tokens = calloc(s->columns * length, sizeof *s->moved_tokens);
	s->lengths = calloc(s->columns, sizeof *s->lengths);
	s->x = calloc(numbers_of(s), sizeof *s->x);
	if (s->sentences == NULL || s->tokens == NULL || s->moved_tokens == NULL || s->lengths == NULL || s->x == NULL)
		return no_memory(s->error);
	s->y = s->x + s->columns * (size_t)s->sources->steps;
	s->given = s->y + s->columns * s->outputs;
	s->states = s->given + s->columns;
	s->moved_states = s->states + s->columns * s->rows;
	return 0;
}

static void close_search(struct search *s)
{
	free(s->sentences);
	free(s->tokens);
	free(s->moved_tokens);
	free(s->lengths);
	free(s->x);
}

/* Every sentence in each of its columns; one hypothesis, the beginning. */
static void start(struct search *s)
{
	const struct beam_sources *sources = s->sources;
	for (size_t c = 0; c < s->columns; c++) {
		size_t i = c / s->width;
		for (size_t t = 0; t < (size_t)sources->steps; t++)
			s->x[t * s->columns + c] = sources->x[t * sources->count + i];
		s->lengths[c] = sources->lengths[i];
		s->given[c] = s->config->begin;
	}
	for (size_t i = 0; i < sources->count; i++) {
		s->sentences[i] = (struct sentence){.alive = 1};
		s->said->lengths[i] = 0;
		s->said->log_probability[i] = 0.0;
	}
}

/* The logarithm of the sum of the exponentials of column c's outputs. */
static double log_sum(const struct search *s, size_t c)
{
	double most = s->y[c], sum = 0.0;
	for (size_t k = 1; k < s->outputs; k++)
		most = fmax(most, s->y[k * s->columns + c]);
	for (size_t k = 0; k < s->outputs; k++)
		sum += elementary_exp(s->y[k * s->columns + c] - most);
	return most + elementary_log(sum);
}

/* Keeps the best `most` in their order; of equals the earlier one first. */
static void keep(struct candidate *best, int *count, int most, struct candidate new)
{
	int at = *count;
	if (!(new.score > -INFINITY) || (at == most && !(new.score > best[at - 1].score)))
		return;
	at = at == most ? most - 1 : at;
	for (; at > 0 && new.score > best[at - 1].score; at--)
		best[at] = best[at - 1];
	best[at] = new;
	*count += *count < most;
}

/* The best candidates of a sentence; how many. */
static int find_candidates(const struct search *s, size_t i, struct candidate best[CANDIDATES])
{
	const struct sentence *sentence = &s->sentences[i];
	int count = 0, most = 2 * s->config->width;
	for (int h = 0; h < sentence->alive; h++) {
		size_t c = i * s->width + (size_t)h;
		double less = sentence->scores[h] - log_sum(s, c);
		for (int token = s->config->end; token < s->config->known; token++) {
			if (token != s->config->end && token < s->config->first)
				continue;
			double score = less + s->y[(size_t)token * s->columns + c];
			keep(best, &count, most, (struct candidate){h, token, score});
		}
	}
	return count;
}

/* A hypothesis of `tokens` tokens that is said where none before was better. */
static void finish(struct search *s, size_t i, int from, size_t tokens, double score, bool ended)
{
	struct sentence *sentence = &s->sentences[i];
	size_t length = (size_t)s->config->length;
	double counted = (double)tokens + (ended ? 1.0 : 0.0);
	double by_length = score / elementary_exp(s->config->length_penalty * elementary_log((5.0 + counted) / 6.0));
	if (sentence->finished++ > 0 && !(by_length > sentence->best))
		return;
	sentence->best = by_length;
	memcpy(s->said->tokens + i * length, s->tokens + (i * s->width + (size_t)from) * length,
	       tokens * sizeof *s->tokens);
	s->said->lengths[i] = tokens;
	s->said->log_probability[i] = score;
}

/* Hypothesis `to` of a sentence becomes candidate `from`, which has `tokens` tokens before its last one. */
static void follow(struct search *s, size_t i, int to, const struct candidate *from, size_t tokens)
{
	size_t length = (size_t)s->config->length, at = i * s->width + (size_t)to,
	       of = i * s->width + (size_t)from->from;
	memcpy(s->moved_tokens + at * length, s->tokens + of * length, tokens * sizeof *s->tokens);
	s->moved_tokens[at * length + tokens] = from->token;
	for (size_t r = 0; r < s->rows; r++)
		s->moved_states[r * s->columns + at] = s->states[r * s->columns + of];
	s->given[at] = from->token;
}

/* From hypotheses of `tokens` tokens to those of one more; false: the model has no finite output. */
static bool advance(struct search *s, size_t i, size_t tokens)
{
	struct sentence *sentence = &s->sentences[i];
	struct candidate best[CANDIDATES];
	int count = find_candidates(s, i, best), alive = 0, width = s->config->width;
	double scores[BEAM_WIDTH_MOST];
	for (int k = 0; k < count; k++) {
		bool end = best[k].token == s->config->end;
		if (end && k < width)
			finish(s, i, best[k].from, tokens, best[k].score, true);
		if (end || alive == width)
			continue;
		follow(s, i, alive, &best[k], tokens);
		scores[alive++] = best[k].score;
	}
	memcpy(sentence->scores, scores, (size_t)alive * sizeof *scores);
	sentence->alive = sentence->finished >= width ? 0 : alive;
	return count > 0;
}

static void swap_moved(struct search *s)
{
	int32_t *tokens = s->tokens;
	double *states = s->states;
	s->tokens = s->moved_tokens;
	s->moved_tokens = tokens;
	s->states = s->moved_states;
	s->moved_states = states;
}

static int run(struct search *s)
{
	size_t length = (size_t)s->config->length;
	struct carry carry = {.streams = s->columns};
	bool going = true;
	start(s);
	model_lengths(s->model, s->lengths);
	model_encode(s->model, s->x, s->sources->steps, (int)s->columns);
	carry.states = s->states;
	model_begin(s->model, &carry);
	for (size_t t = 0; going && t < length; t++) {
		going = false;
		carry.states = s->states;
		model_carry(s->model, &carry);
		model_decode(s->model, s->given, (int)s->columns, s->y);
		for (size_t i = 0; i < s->sources->count; i++) {
			struct sentence *sentence = &s->sentences[i];
			if (sentence->alive == 0)
				continue;
			if (!advance(s, i, t))
				return error_set(s->error, ERR_INVALID, NULL, "the model has no finite output");
			going |= sentence->alive > 0;
		}
		swap_moved(s);
	}
	for (size_t i = 0; i < s->sources->count; i++) /* the best one, of equally many tokens */
		if (s->sentences[i].finished == 0)
			finish(s, i, 0, length, s->sentences[i].scores[0], false);
	return 0;
}

int beam_search(struct model *model, const struct beam_config *config, const struct beam_sources *sources,
                const struct beam_said *said, struct qlstm_error *error)
{
	struct search search = {.model = model,
	                        .config = config,
	                        .sources = sources,
	                        .said = said,
	                        .width = (size_t)config->width,
	                        .columns = sources->count * (size_t)config->width,
	                        .outputs = (size_t)model_config(model)->n_outputs,
	                        .error = error};
	int rc = model_carried(model, &search.rows, error);
	if (rc == 0)
		rc = model_reserve(model, sources->steps, (int)search.columns, error);
	if (rc == 0)
		rc = open_search(&search);
	if (rc == 0)
		rc = run(&search);
	model_carry(model, NULL);
	model_lengths(model, NULL);
	close_search(&search);
	return rc;
}
