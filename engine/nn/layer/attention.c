/* Soft attention (Bahdanau, Cho and Bengio 2015; Luong, Pham and Manning 2015): step t looks at the steps up to it of
 * its own input, x_j with j <= t, or, behind a decoder, at all steps of the source (source.h), which then stand in the
 * place of x_j. What goes out is what came in beside its context:
 *
 *   s_tj = score(x_t, x_j),  a_tj = softmax over j <= t of s_tj,  y_t = [x_t ; sum_j a_tj x_j]
 *
 *   additive   v . tanh(Wq x_t + Wk x_j + b)     tensors query, key [units][width], bias, score [units]
 *   general    x_t . (W x_j)                     tensor weight [width of x_t][width of x_j]
 *   dot        x_t . x_j
 *
 * Behind a decoder it may look before the step instead (Bahdanau's): then it stands in front of a recurrent layer, and
 * its query is h_{t-1}, what that layer gave in the step before, at first what it began with (asking.h). Attention with
 * QUERY_AGAIN gives the same context on to the head, and has no tensors:
 *
 *   c_t = sum_j a_tj x_j,  s_tj = score(h_{t-1}, x_j)     in front of the layer  [y_t ; c_t]
 *                                                         behind it, again       [h_t ; c_t]
 *
 * Padding stands behind a sample's last step (ragged.h), so no step that counts looks at it; of a source its weights
 * are 0. Kept for the backward pass are the weights a, [steps][steps][batch]: memory and time grow with the square of
 * the steps. */
#include "engine/elementary/elementary.h"
#include "engine/nn/layer.h"
#include "engine/nn/linear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY, KEY, BIAS, SCORE, WEIGHT, N_TENSORS };

struct attention {
	int tensors[N_TENSORS];     /* parameter indices, -1: none */
	double *queries, *keys;     /* [steps][units or width][batch]; of general queries, of dot both are x */
	double *weights;            /* [steps][looked at][batch] */
	double *d_queries, *d_keys; /* as queries, keys */
	double *d_weights;          /* [looked at][batch] of one step */
	const double *seen;         /* [looked at][width][batch]: the steps that are looked at, x or the source */
	size_t steps, batch;        /* of the last forward */
	size_t looked_at;           /* steps of `seen` */
	double *y;                  /* QUERY_BEFORE, of the last forward: contexts come into its last rows */
	double *asked;              /* likewise: [steps][asker][batch], the queries as they were asked */
	double *d_context;          /* likewise: [steps][seen][batch], of what was given on; zeros: nothing */
	double *d_whole;            /* likewise: [seen][batch] of one step */
};

static bool looks_at_source(const struct layer *layer)
{
	return layer->config.attention.source > 0;
}

/* Numbers of a step that is looked at. */
static size_t seen_width(const struct layer *layer)
{
	return (size_t)(looks_at_source(layer) ? layer->config.attention.source : layer->in.width);
}

static bool waits(const struct layer *layer)
{
	return layer->config.attention.query == QUERY_BEFORE;
}

/* Numbers that a query is made of. */
static size_t query_width(const struct layer *layer)
{
	return (size_t)(waits(layer) ? layer->config.attention.asker : layer->in.width);
}

/* How many of them step t looks at; of a source padding is among them. */
static size_t seen_count(const struct layer *layer, size_t t)
{
	const struct attention *own = layer->own;
	return looks_at_source(layer) ? own->looked_at : t + 1;
}

static int attention_check(const struct layer_config *config, struct shape in, struct shape *out,
                           struct qlstm_error *error)
{
	int source = config->attention.source;
	int query = config->attention.query == QUERY_BEFORE ? config->attention.asker : in.width;
	*out = (struct shape){SHAPE_REALS, SHAPE_SEQUENCE, in.width + (source > 0 ? source : in.width)};
	if (config->attention.query == QUERY_AGAIN)
		return 0;
	if (source > 0 && config->attention.score == ATTENTION_DOT && source != query)
		return error_set(error, ERR_INVALID, "/score",
		                 "score is dot; the source has %d numbers a step, what comes in %d (general takes any)",
		                 source, query);
	if (config->attention.score == ATTENTION_ADDITIVE &&
	    (config->attention.units < 1 || config->attention.units > 4096))
		return error_set(error, ERR_OUT_OF_RANGE, "/units", "units is %d; allowed are 1 to 4096",
		                 config->attention.units);
	return 0;
}

/* Numbers of a query, and of a key. */
static size_t inner_width(const struct layer *layer)
{
	bool additive = layer->config.attention.score == ATTENTION_ADDITIVE;
	return additive ? (size_t)layer->config.attention.units : query_width(layer);
}

static int attention_open(struct layer *layer, struct qlstm_error *error)
{
	static const char *const names[N_TENSORS] = {"query", "key", "bias", "score", "weight"};
	struct attention *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	enum attention_score score = layer->config.attention.score;
	size_t units = inner_width(layer);
	for (int k = 0; k < N_TENSORS; k++) {
		size_t width = k == QUERY ? query_width(layer) : seen_width(layer);
		char name[PARAM_NAME_SIZE];
		bool matrix = k == QUERY || k == KEY || k == WEIGHT;
		double scale = 1.0 / sqrt((double)(k == SCORE ? units : width));
		own->tensors[k] = -1;
		if (layer->config.attention.query == QUERY_AGAIN || score == ATTENTION_DOT ||
		    (score == ATTENTION_ADDITIVE) != (k != WEIGHT))
			continue;
		snprintf(name, sizeof name, "%s.%s", layer->name, names[k]);
		own->tensors[k] = params_add(layer->params, name, PARAM_CLASSICAL, k == BIAS ? INIT_ZERO : INIT_UNIFORM,
		                             scale, matrix ? 2 : 1, (size_t[]){units, width});
		if (own->tensors[k] < 0)
			return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	}
	return 0;
}

static void attention_lay_out(struct layer *layer, struct arena *arena, int steps, int batch)
{
	struct attention *own = layer->own;
	size_t t = (size_t)steps, n = (size_t)batch, inner = t * inner_width(layer) * n;
	if (layer->config.attention.query == QUERY_AGAIN)
		return;
	if (waits(layer)) {
		own->asked = arena_take_numbers(arena, t * query_width(layer) * n);
		own->d_context = arena_take_numbers(arena, t * seen_width(layer) * n);
		own->d_whole = arena_take_numbers(arena, seen_width(layer) * n);
	}
	own->queries = arena_take_numbers(arena, inner);
	own->keys = arena_take_numbers(arena, inner);
	own->d_queries = arena_take_numbers(arena, inner);
	own->d_keys = arena_take_numbers(arena, inner);
	own->weights = arena_take_numbers(arena, t * t * n);
	own->d_weights = arena_take_numbers(arena, t * n);
}

/* In ns: a call; of every pair of steps the numbers that are multiplied, forward and backward. */
static double attention_cost(const struct layer *layer, const struct layer_work *work)
{
	bool additive = layer->config.attention.score == ATTENTION_ADDITIVE;
	double pairs =
	    (looks_at_source(layer) ? 1.0 * work->frames : 0.5 * (work->frames + 1.0)) * work->frames * work->batch;
	return 100.0 + pairs * (3.0 * (double)seen_width(layer) + (additive ? 25.0 : 3.0) * (double)inner_width(layer));
}

/* The map of a tensor; key has the bias. */
static struct linear map_of(const struct layer *layer, int which)
{
	const struct attention *own = layer->own;
	const struct params *p = layer->params;
	size_t at = p->items[own->tensors[which]].offset;
	struct linear map = {.n_in = (int)(which == QUERY ? query_width(layer) : seen_width(layer)),
	                     .n_out = (int)inner_width(layer),
	                     .weight = p->values + at,
	                     .d_weight = p->gradients + at};
	if (which == KEY) {
		map.bias = p->values + p->items[own->tensors[BIAS]].offset;
		map.d_bias = p->gradients + p->items[own->tensors[BIAS]].offset;
	}
	return map;
}

static double *score_of(const struct layer *layer, double *block)
{
	const struct attention *own = layer->own;
	return own->tensors[SCORE] >= 0 ? block + layer->params->items[own->tensors[SCORE]].offset : NULL;
}

/* Of `steps` steps from x on. */
static void make_queries(struct layer *layer, const double *x, size_t steps, double *queries)
{
	const struct attention *own = layer->own;
	if (own->tensors[SCORE] < 0) {
		memcpy(queries, x, steps * inner_width(layer) * own->batch * sizeof *x);
		return;
	}
	const struct linear query = map_of(layer, QUERY);
	linear_forward(&query, x, (int)steps, (int)own->batch, queries);
}

static void make_keys(struct layer *layer)
{
	struct attention *own = layer->own;
	int batch = (int)own->batch;
	size_t frame = inner_width(layer) * own->batch * sizeof(double);
	bool additive = own->tensors[SCORE] >= 0;
	if (layer->config.attention.score == ATTENTION_DOT) {
		memcpy(own->keys, own->seen, own->looked_at * frame);
		return;
	}
	const struct linear key = map_of(layer, additive ? KEY : WEIGHT);
	linear_forward(&key, own->seen, (int)own->looked_at, batch, own->keys);
}

/* scores [batch] of query t and key j. */
static void score_pair(const struct layer *layer, const double *score, size_t t, size_t j, double *scores)
{
	const struct attention *own = layer->own;
	size_t n = own->batch, inner = inner_width(layer);
	const double *q = own->queries + t * inner * n, *k = own->keys + j * inner * n;
	for (size_t b = 0; b < n; b++)
		scores[b] = 0.0;
	for (size_t r = 0; r < inner; r++)
		for (size_t b = 0; b < n; b++)
			scores[b] += score != NULL ? score[r] * elementary_tanh(q[r * n + b] + k[r * n + b])
			                           : q[r * n + b] * k[r * n + b];
}

/* From scores [most of a step][batch] of step t to weights, in place; of padding they are 0. */
static void softmax(const struct layer *layer, double *scores, size_t t)
{
	const struct attention *own = layer->own;
	size_t n = own->batch;
	for (size_t b = 0; b < n; b++) {
		size_t count = looks_at_source(layer) ? source_length(layer->source, b) : t + 1;
		double most = scores[b], sum = 0.0;
		for (size_t j = 1; j < count; j++)
			most = fmax(most, scores[j * n + b]);
		for (size_t j = 0; j < count; j++) {
			scores[j * n + b] = elementary_exp(scores[j * n + b] - most);
			sum += scores[j * n + b];
		}
		for (size_t j = 0; j < count; j++)
			scores[j * n + b] /= sum;
		for (size_t j = count; j < seen_count(layer, t); j++)
			scores[j * n + b] = 0.0;
	}
}

/* The context [seen][batch] of step t, whose query is there. */
static void look(struct layer *layer, size_t t, double *context)
{
	struct attention *own = layer->own;
	size_t n = own->batch, seen = seen_width(layer), count = seen_count(layer, t);
	const double *score = score_of(layer, layer->params->values);
	double *weights = own->weights + t * own->looked_at * n;
	for (size_t j = 0; j < count; j++)
		score_pair(layer, score, t, j, weights + j * n);
	softmax(layer, weights, t);
	memset(context, 0, seen * n * sizeof *context);
	for (size_t j = 0; j < count; j++)
		for (size_t r = 0; r < seen; r++)
			for (size_t b = 0; b < n; b++)
				context[r * n + b] += weights[j * n + b] * own->seen[(j * seen + r) * n + b];
}

/* Where step t of `y` has its context. */
static double *context_at(const struct layer *layer, double *y, size_t t)
{
	const struct attention *own = layer->own;
	size_t width = (size_t)layer->in.width;
	return y + (t * (width + seen_width(layer)) + width) * own->batch;
}

static void attention_forward(struct layer *layer, const struct training_context *training, const double *x, int frames,
                              int batch, double *y)
{
	(void)training;
	struct attention *own = layer->own;
	size_t n = (size_t)batch, width = (size_t)layer->in.width, out = (width + seen_width(layer)) * n;
	enum attention_query query = layer->config.attention.query;
	own->steps = (size_t)frames;
	own->batch = n;
	own->y = y;
	for (size_t t = 0; t < own->steps; t++)
		memcpy(y + t * out, x + t * width * n, width * n * sizeof *y);
	if (query == QUERY_AGAIN) {
		const struct attention *found = layer->gives_on->own;
		for (size_t t = 0; t < own->steps; t++)
			memcpy(context_at(layer, y, t), context_at(layer->gives_on, found->y, t),
			       seen_width(layer) * n * sizeof *y);
		return;
	}
	own->seen = looks_at_source(layer) ? layer->source->values : x;
	own->looked_at = looks_at_source(layer) ? (size_t)layer->source->steps : own->steps;
	make_keys(layer);
	if (query == QUERY_BEFORE) {
		memset(own->d_context, 0, own->steps * seen_width(layer) * n * sizeof *own->d_context);
		return;
	}
	make_queries(layer, x, own->steps, own->queries);
	for (size_t t = 0; t < own->steps && !layer->watch->abandoned; t++) {
		look(layer, t, context_at(layer, y, t));
		watch_tick(layer->watch);
	}
}

static void attention_ask(struct layer *layer, size_t t, const double *query)
{
	struct attention *own = layer->own;
	size_t width = query_width(layer) * own->batch;
	memcpy(own->asked + t * width, query, width * sizeof *query);
	make_queries(layer, query, 1, own->queries + t * inner_width(layer) * own->batch);
	look(layer, t, context_at(layer, own->y, t));
}

/* From the gradient on the context of step t to d_weights, to those on the scores in their place; what the context
 * hands to the steps that are looked at is added to dx, NULL: not wanted. */
static void context_backward(struct layer *layer, size_t t, const double *d_context, double *dx)
{
	struct attention *own = layer->own;
	size_t n = own->batch, width = seen_width(layer), count = seen_count(layer, t);
	const double *weights = own->weights + t * own->looked_at * n, *x = own->seen;
	double *d = own->d_weights;
	memset(d, 0, count * n * sizeof *d);
	for (size_t j = 0; j < count; j++)
		for (size_t r = 0; r < width; r++)
			for (size_t b = 0; b < n; b++) {
				size_t at = (j * width + r) * n + b;
				d[j * n + b] += d_context[r * n + b] * x[at];
				if (dx != NULL)
					dx[at] += weights[j * n + b] * d_context[r * n + b];
			}
	for (size_t b = 0; b < n; b++) {
		double mean = 0.0;
		for (size_t j = 0; j < count; j++)
			mean += weights[j * n + b] * d[j * n + b];
		for (size_t j = 0; j < count; j++)
			d[j * n + b] = weights[j * n + b] * (d[j * n + b] - mean);
	}
}

/* What the scores of step t hand to queries, keys and, of additive ones, v. */
static void scores_backward(struct layer *layer, size_t t)
{
	struct attention *own = layer->own;
	size_t n = own->batch, inner = inner_width(layer);
	const double *score = score_of(layer, layer->params->values), *q = own->queries + t * inner * n;
	double *d_score = score_of(layer, layer->params->gradients), *d_q = own->d_queries + t * inner * n;
	for (size_t j = 0; j < seen_count(layer, t); j++)
		for (size_t r = 0; r < inner; r++) {
			const double *k = own->keys + (j * inner + r) * n;
			double *d_k = own->d_keys + (j * inner + r) * n, sum = 0.0;
			for (size_t b = 0; b < n; b++) {
				double d = own->d_weights[j * n + b];
				double tau = score != NULL ? elementary_tanh(q[r * n + b] + k[b]) : 0.0;
				double slope = score != NULL ? d * score[r] * (1.0 - tau * tau) : 0.0;
				sum += d * tau;
				d_q[r * n + b] += score != NULL ? slope : d * k[b];
				d_k[b] += score != NULL ? slope : d * q[r * n + b];
			}
			if (d_score != NULL)
				d_score[r] += sum;
		}
}

/* Gradients on queries or keys to the map that they come from, and to its x [steps]. */
static void map_backward(struct layer *layer, int which, const double *x, size_t steps, const double *d, double *dx)
{
	const struct attention *own = layer->own;
	size_t count = steps * inner_width(layer) * own->batch;
	if (which < 0) { /* they are x */
		for (size_t k = 0; dx != NULL && k < count; k++)
			dx[k] += d[k];
		return;
	}
	const struct linear map = map_of(layer, which);
	linear_backward_weights(&map, x, d, (int)steps, (int)own->batch);
	if (dx != NULL)
		linear_add_input(&map, d, (int)steps, (int)own->batch, dx);
}

static void clear_gradients(struct layer *layer)
{
	struct attention *own = layer->own;
	size_t inner = inner_width(layer) * own->batch;
	memset(own->d_queries, 0, own->steps * inner * sizeof(double));
	memset(own->d_keys, 0, own->looked_at * inner * sizeof(double));
}

/* The layer behind goes back first, and asks for the last step first. */
static void attention_ask_back(struct layer *layer, size_t t, const double *d_x, double *d_query)
{
	struct attention *own = layer->own;
	size_t n = own->batch, seen = seen_width(layer) * n, inner = inner_width(layer) * n;
	if (t + 1 == own->steps)
		clear_gradients(layer);
	for (size_t k = 0; k < seen; k++)
		own->d_whole[k] = d_x[(size_t)layer->in.width * n + k] + own->d_context[t * seen + k];
	context_backward(layer, t, own->d_whole, layer->source->gradient);
	scores_backward(layer, t);
	const double *d = own->d_queries + t * inner;
	if (layer->config.attention.score == ATTENTION_ADDITIVE) {
		const struct linear map = map_of(layer, QUERY);
		linear_add_input(&map, d, 1, (int)n, d_query);
		return;
	}
	for (size_t k = 0; k < inner; k++)
		d_query[k] += d[k];
}

static void attention_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	struct attention *own = layer->own;
	size_t n = own->batch, width = (size_t)layer->in.width, seen = seen_width(layer) * n;
	size_t out = width * n + seen;
	enum attention_score score = layer->config.attention.score;
	double *d_seen = looks_at_source(layer) ? layer->source->gradient : dx;
	for (size_t t = 0; dx != NULL && t < own->steps; t++)
		memcpy(dx + t * width * n, dy + t * out, width * n * sizeof *dx);
	if (layer->config.attention.query == QUERY_AGAIN) {
		struct attention *found = layer->gives_on->own;
		for (size_t t = 0; t < own->steps; t++)
			memcpy(found->d_context + t * seen, dy + t * out + width * n, seen * sizeof *dy);
		return;
	}
	if (waits(layer)) {
		x = own->asked;
		dx = NULL; /* of the queries: the layer behind has it */
	} else {
		clear_gradients(layer);
	}
	for (size_t t = 0; !waits(layer) && t < own->steps && !layer->watch->abandoned; t++) {
		context_backward(layer, t, dy + t * out + width * n, d_seen);
		scores_backward(layer, t);
		watch_tick(layer->watch);
	}
	map_backward(layer, score == ATTENTION_ADDITIVE ? QUERY : -1, x, own->steps, own->d_queries, dx);
	map_backward(layer,
	             score == ATTENTION_ADDITIVE  ? KEY
	             : score == ATTENTION_GENERAL ? WEIGHT
	                                          : -1,
	             own->seen, own->looked_at, own->d_keys, d_seen);
}

const struct asking attention_asking = {attention_ask, attention_ask_back};

const struct layer_ops attention_ops = {
    .check = attention_check,
    .open = attention_open,
    .lay_out = attention_lay_out,
    .cost = attention_cost,
    .forward = attention_forward,
    .backward = attention_backward,
};
