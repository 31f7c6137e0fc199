/* Soft attention over the steps that were read (Bahdanau, Cho and Bengio 2015; Luong, Pham and Manning 2015): step t
 * looks at steps 0 to t, and what goes out is what came in beside its context:
 *
 *   s_tj = score(x_t, x_j),  a_tj = softmax over j <= t of s_tj,  y_t = [x_t ; sum_j a_tj x_j]
 *
 *   additive   v . tanh(Wq x_t + Wk x_j + b)     tensors query, key [units][width], bias, score [units]
 *   general    x_t . (W x_j)                     tensor weight [width][width]
 *   dot        x_t . x_j
 *
 * Padding stands behind a sample's last step (ragged.h), so no step that counts looks at it. Kept for the backward pass
 * are the weights a, [steps][steps][batch]: memory and time grow with the square of the steps. */
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
	double *weights;            /* [steps][steps][batch] */
	double *d_queries, *d_keys; /* as queries, keys */
	double *d_weights;          /* [steps][batch] of one step */
	size_t steps, batch;        /* of the last forward */
};

static int attention_check(const struct layer_config *config, struct shape in, struct shape *out,
                           struct qlstm_error *error)
{
	*out = (struct shape){SHAPE_REALS, SHAPE_SEQUENCE, 2 * in.width};
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
	return (size_t)(additive ? layer->config.attention.units : layer->in.width);
}

static int attention_open(struct layer *layer, struct qlstm_error *error)
{
	static const char *const names[N_TENSORS] = {"query", "key", "bias", "score", "weight"};
	struct attention *own = calloc(1, sizeof *own);
	if (own == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	layer->own = own;
	enum attention_score score = layer->config.attention.score;
	size_t width = (size_t)layer->in.width, units = inner_width(layer);
	for (int k = 0; k < N_TENSORS; k++) {
		char name[PARAM_NAME_SIZE];
		bool matrix = k == QUERY || k == KEY || k == WEIGHT;
		double scale = 1.0 / sqrt((double)(k == SCORE ? units : width));
		own->tensors[k] = -1;
		if (score == ATTENTION_DOT || (score == ATTENTION_ADDITIVE) != (k != WEIGHT))
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
	double pairs = 0.5 * work->frames * (work->frames + 1.0) * work->batch;
	return 100.0 + pairs * (3.0 * layer->in.width + (additive ? 25.0 : 3.0) * (double)inner_width(layer));
}

/* The map of a tensor; key has the bias. */
static struct linear map_of(const struct layer *layer, int which)
{
	const struct attention *own = layer->own;
	const struct params *p = layer->params;
	size_t at = p->items[own->tensors[which]].offset;
	struct linear map = {.n_in = layer->in.width,
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

static void make_queries_and_keys(struct layer *layer, const double *x)
{
	struct attention *own = layer->own;
	int steps = (int)own->steps, batch = (int)own->batch;
	size_t bytes = own->steps * inner_width(layer) * own->batch * sizeof *x;
	bool additive = own->tensors[SCORE] >= 0;
	const struct linear query = additive ? map_of(layer, QUERY) : (struct linear){0};
	if (additive)
		linear_forward(&query, x, steps, batch, own->queries);
	else
		memcpy(own->queries, x, bytes);
	if (layer->config.attention.score == ATTENTION_DOT) {
		memcpy(own->keys, x, bytes);
		return;
	}
	const struct linear key = map_of(layer, additive ? KEY : WEIGHT);
	linear_forward(&key, x, steps, batch, own->keys);
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

/* From scores [count][batch] to weights, in place. */
static void softmax(double *scores, size_t count, size_t n)
{
	for (size_t b = 0; b < n; b++) {
		double most = scores[b], sum = 0.0;
		for (size_t j = 1; j < count; j++)
			most = fmax(most, scores[j * n + b]);
		for (size_t j = 0; j < count; j++) {
			scores[j * n + b] = elementary_exp(scores[j * n + b] - most);
			sum += scores[j * n + b];
		}
		for (size_t j = 0; j < count; j++)
			scores[j * n + b] /= sum;
	}
}

static void attention_forward(struct layer *layer, const struct training_context *training, const double *x, int frames,
                              int batch, double *y)
{
	(void)training;
	struct attention *own = layer->own;
	size_t n = (size_t)batch, width = (size_t)layer->in.width;
	const double *score = score_of(layer, layer->params->values);
	own->steps = (size_t)frames;
	own->batch = n;
	make_queries_and_keys(layer, x);
	for (size_t t = 0; t < own->steps && !layer->watch->abandoned; t++) {
		double *weights = own->weights + t * own->steps * n, *out = y + t * 2 * width * n;
		for (size_t j = 0; j <= t; j++)
			score_pair(layer, score, t, j, weights + j * n);
		softmax(weights, t + 1, n);
		memcpy(out, x + t * width * n, width * n * sizeof *out);
		out += width * n;
		memset(out, 0, width * n * sizeof *out);
		for (size_t j = 0; j <= t; j++)
			for (size_t r = 0; r < width; r++)
				for (size_t b = 0; b < n; b++)
					out[r * n + b] += weights[j * n + b] * x[(j * width + r) * n + b];
		watch_tick(layer->watch);
	}
}

/* From the gradient on the context of step t to d_weights, to those on the scores in their place; what the context
 * hands to x is added to dx, NULL: not wanted. */
static void context_backward(struct layer *layer, size_t t, const double *x, const double *d_context, double *dx)
{
	struct attention *own = layer->own;
	size_t n = own->batch, width = (size_t)layer->in.width;
	const double *weights = own->weights + t * own->steps * n;
	double *d = own->d_weights;
	memset(d, 0, (t + 1) * n * sizeof *d);
	for (size_t j = 0; j <= t; j++)
		for (size_t r = 0; r < width; r++)
			for (size_t b = 0; b < n; b++) {
				size_t at = (j * width + r) * n + b;
				d[j * n + b] += d_context[r * n + b] * x[at];
				if (dx != NULL)
					dx[at] += weights[j * n + b] * d_context[r * n + b];
			}
	for (size_t b = 0; b < n; b++) {
		double mean = 0.0;
		for (size_t j = 0; j <= t; j++)
			mean += weights[j * n + b] * d[j * n + b];
		for (size_t j = 0; j <= t; j++)
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
	for (size_t j = 0; j <= t; j++)
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

/* Gradients on queries or keys to the map that they come from, and to x. */
static void map_backward(struct layer *layer, int which, const double *x, const double *d, double *dx)
{
	const struct attention *own = layer->own;
	size_t count = own->steps * inner_width(layer) * own->batch;
	if (which < 0) { /* they are x */
		for (size_t k = 0; dx != NULL && k < count; k++)
			dx[k] += d[k];
		return;
	}
	const struct linear map = map_of(layer, which);
	linear_backward_weights(&map, x, d, (int)own->steps, (int)own->batch);
	if (dx != NULL)
		linear_add_input(&map, d, (int)own->steps, (int)own->batch, dx);
}

static void attention_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	struct attention *own = layer->own;
	size_t n = own->batch, width = (size_t)layer->in.width, inner = own->steps * inner_width(layer) * n;
	enum attention_score score = layer->config.attention.score;
	memset(own->d_queries, 0, inner * sizeof(double));
	memset(own->d_keys, 0, inner * sizeof(double));
	for (size_t t = 0; dx != NULL && t < own->steps; t++)
		memcpy(dx + t * width * n, dy + t * 2 * width * n, width * n * sizeof *dx);
	for (size_t t = 0; t < own->steps && !layer->watch->abandoned; t++) {
		context_backward(layer, t, x, dy + (2 * t + 1) * width * n, dx);
		scores_backward(layer, t);
		watch_tick(layer->watch);
	}
	map_backward(layer, score == ATTENTION_ADDITIVE ? QUERY : -1, x, own->d_queries, dx);
	map_backward(layer,
	             score == ATTENTION_ADDITIVE  ? KEY
	             : score == ATTENTION_GENERAL ? WEIGHT
	                                          : -1,
	             x, own->d_keys, dx);
}

const struct layer_ops attention_ops = {
    .check = attention_check,
    .open = attention_open,
    .lay_out = attention_lay_out,
    .cost = attention_cost,
    .forward = attention_forward,
    .backward = attention_backward,
};
