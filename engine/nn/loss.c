/* Losses: two functions and one table row each. */
#include "engine/nn/loss.h"

#include <math.h>
#include <string.h>

#include "engine/elementary/elementary.h"
#include "engine/nn/kernel/gates_kernel.h"
#include "engine/vector/isa.h"

static size_t all_elements(const struct rows *rows)
{
	return rows->frames * rows->width * rows->batch;
}

/* Whether element i of [frames][width][batch] lies in a row that counts. */
static bool element_counts(const struct rows *rows, size_t i)
{
	return rows_counts(rows, i / (rows->width * rows->batch) * rows->batch + i % rows->batch);
}

/* For losses by element: sets to 0 what lies in rows that do not count. */
static void clear_masked(const struct rows *rows, double *gradient)
{
	for (size_t i = 0; rows->mask != NULL && i < all_elements(rows); i++)
		if (!element_counts(rows, i))
			gradient[i] = 0;
}

/* (p - t)^2 */
static double mse_sum(const struct rows *rows)
{
	const double *prediction = rows->prediction, *target = rows->target;
	size_t n = all_elements(rows);
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		if (rows->mask == NULL || element_counts(rows, i))
			sum += (prediction[i] - target[i]) * (prediction[i] - target[i]);
	return sum;
}

static void mse_backward(const struct rows *rows, double scale, double *gradient)
{
	size_t n = all_elements(rows);
	for (size_t i = 0; i < n; i++)
		gradient[i] = scale * 2 * (rows->prediction[i] - rows->target[i]);
	clear_masked(rows, gradient);
}

/* |p - t|; its gradient is the sign, 0 at 0 */
static double mae_sum(const struct rows *rows)
{
	const double *prediction = rows->prediction, *target = rows->target;
	size_t n = all_elements(rows);
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		if (rows->mask == NULL || element_counts(rows, i))
			sum += fabs(prediction[i] - target[i]);
	return sum;
}

static void mae_backward(const struct rows *rows, double scale, double *gradient)
{
	size_t n = all_elements(rows);
	for (size_t i = 0; i < n; i++) {
		double difference = rows->prediction[i] - rows->target[i];
		gradient[i] = scale * ((difference > 0) - (difference < 0));
	}
	clear_masked(rows, gradient);
}

/* For losses that are a function of p - t: the sum of it, its derivative. */
static double sum_of(const struct rows *rows, double (*term)(double off, const struct loss_options *options))
{
	double sum = 0;
	for (size_t i = 0; i < all_elements(rows); i++)
		if (rows->mask == NULL || element_counts(rows, i))
			sum += term(rows->prediction[i] - rows->target[i], rows->options);
	return sum;
}

static void slope_of(const struct rows *rows, double scale, double *gradient,
                     double (*slope)(double off, const struct loss_options *options))
{
	for (size_t i = 0; i < all_elements(rows); i++)
		gradient[i] = scale * slope(rows->prediction[i] - rows->target[i], rows->options);
	clear_masked(rows, gradient);
}

/* e^2 / 2 up to delta, then delta (|e| - delta / 2) */
static double huber(double off, const struct loss_options *options)
{
	double delta = options->huber_delta, size = fabs(off);
	return size <= delta ? off * off / 2 : delta * (size - delta / 2);
}

static double huber_slope(double off, const struct loss_options *options)
{
	double delta = options->huber_delta;
	return off > delta ? delta : off < -delta ? -delta : off;
}

static double huber_sum(const struct rows *rows)
{
	return sum_of(rows, huber);
}

static void huber_backward(const struct rows *rows, double scale, double *gradient)
{
	slope_of(rows, scale, gradient, huber_slope);
}

/* (1 - q) e above the truth, -q e below; its slope at 0 is 0 */
static double pinball(double off, const struct loss_options *options)
{
	return off > 0 ? (1 - options->quantile) * off : -options->quantile * off;
}

static double pinball_slope(double off, const struct loss_options *options)
{
	return off > 0 ? 1 - options->quantile : off < 0 ? -options->quantile : 0;
}

static double quantile_sum(const struct rows *rows)
{
	return sum_of(rows, pinball);
}

static void quantile_backward(const struct rows *rows, double scale, double *gradient)
{
	slope_of(rows, scale, gradient, pinball_slope);
}

/* What a row of that class counts. */
static double class_weight(const struct rows *rows, size_t class)
{
	return rows->options != NULL && rows->options->class_weights != NULL ? rows->options->class_weights[class] : 1;
}

/* Samples whose logits are seen together. */
enum { NEAR = 64 };

/* Of a frame's samples first .. first + n - 1: the largest of each one's logits z, and sum_k exp(z_k - most): at least
 * 1 and at most the width, so neither its logarithm nor a quotient overflows. */
struct softmax {
	const double *logits; /* of the first one: width numbers, one every `batch` */
	size_t n, width, batch;
	double most[NEAR], sum[NEAR];
};

/* e, NULL: not wanted: exp(z_k - most), laid out as the logits. */
static void softmax_find(struct softmax *s, double *e)
{
	const struct gates_kernels *kernels = isa_pick()->gates;
	double near[NEAR];
	memcpy(s->most, s->logits, s->n * sizeof *s->most);
	memset(s->sum, 0, s->n * sizeof *s->sum);
	for (size_t k = 1; k < s->width; k++)
		kernels->keep_most(s->logits + k * s->batch, s->n, s->most);
	for (size_t k = 0; k < s->width; k++) {
		double *to = e != NULL ? e + k * s->batch : near;
		kernels->exp_less(s->logits + k * s->batch, s->most, s->n, to);
		for (size_t b = 0; b < s->n; b++)
			s->sum[b] += to[b];
	}
}

/* The part of a frame that begins with that sample; n 0: none of it counts. */
static struct softmax softmax_at(const struct rows *rows, size_t frame, size_t first)
{
	size_t left = rows->batch - first, n = left < NEAR ? left : NEAR;
	bool counts = false;
	for (size_t b = 0; b < n; b++)
		counts |= rows_counts(rows, frame * rows->batch + first + b);
	return (struct softmax){.logits = rows->prediction + frame * rows->width * rows->batch + first,
	                        .n = counts ? n : 0,
	                        .width = rows->width,
	                        .batch = rows->batch};
}

/* -log softmax(z)[class] = log sum_k exp(z_k) - z[class], z the outputs (logits), with the largest logit taken out of
 * the sum (PyTorch's CrossEntropyLoss). */
static double cross_entropy_sum(const struct rows *rows)
{
	double total = 0;
	for (size_t f = 0; f < rows->frames; f++)
		for (size_t first = 0; first < rows->batch; first += NEAR) {
			struct softmax s = softmax_at(rows, f, first);
			softmax_find(&s, NULL);
			for (size_t b = 0; b < s.n; b++) {
				size_t row = f * rows->batch + first + b, class = (size_t)rows->target[row];
				if (rows_counts(rows, row))
					total += class_weight(rows, class) *
					         (elementary_log(s.sum[b]) -
					          (s.logits[class * rows->batch + b] - s.most[b]));
			}
		}
	return total;
}

/* softmax(z), less 1 at the class; 0 where a row does not count. */
static void softmax_backward(const struct rows *rows, struct softmax *s, size_t row, double scale, double *gradient)
{
	const struct gates_kernels *kernels = isa_pick()->gates;
	double scales[NEAR] = {0}, own[NEAR] = {0};
	softmax_find(s, gradient);
	for (size_t b = 0; b < s->n; b++) {
		bool counts = rows_counts(rows, row + b);
		size_t class = counts ? (size_t)rows->target[row + b] : 0;
		scales[b] = counts ? scale * class_weight(rows, class) : 0.0;
		own[b] = scales[b] * (gradient[class * s->batch + b] / s->sum[b] - 1.0);
	}
	for (size_t k = 0; k < s->width; k++)
		kernels->scale_quotients(gradient + k * s->batch, s->sum, scales, s->n);
	for (size_t b = 0; b < s->n; b++) {
		if (rows_counts(rows, row + b))
			gradient[(size_t)rows->target[row + b] * s->batch + b] = own[b];
		for (size_t k = 0; !rows_counts(rows, row + b) && k < s->width; k++)
			gradient[k * s->batch + b] = 0.0; /* also where the model said no number */
	}
}

static void cross_entropy_backward(const struct rows *rows, double scale, double *gradient)
{
	for (size_t f = 0; f < rows->frames; f++)
		for (size_t first = 0; first < rows->batch; first += NEAR) {
			size_t row = f * rows->batch + first, left = rows->batch - first;
			double *to = gradient + f * rows->width * rows->batch + first;
			struct softmax s = softmax_at(rows, f, first);
			if (s.n > 0)
				softmax_backward(rows, &s, row, scale, to);
			for (size_t k = 0; s.n == 0 && k < rows->width; k++)
				memset(to + k * rows->batch, 0, (left < NEAR ? left : NEAR) * sizeof *to);
		}
}

/* Each class against the rest: -log of the sigmoid of its logit, or of 1 - that where the row is of another class. */
static double bce_term(double logit, bool own)
{
	return fmax(logit, 0) - (own ? logit : 0) + elementary_log1p(elementary_exp(-fabs(logit)));
}

static double sigmoid(double logit)
{
	double small = elementary_exp(-fabs(logit));
	return logit >= 0 ? 1 / (1 + small) : small / (1 + small);
}

static double bce_sum(const struct rows *rows)
{
	double total = 0;
	for (size_t i = 0; i < all_elements(rows); i++) {
		size_t row = i / (rows->width * rows->batch) * rows->batch + i % rows->batch;
		size_t class = i / rows->batch % rows->width;
		if (rows_counts(rows, row))
			total += class_weight(rows, (size_t)rows->target[row]) *
			         bce_term(rows->prediction[i], class == (size_t)rows->target[row]);
	}
	return total;
}

static void bce_backward(const struct rows *rows, double scale, double *gradient)
{
	for (size_t i = 0; i < all_elements(rows); i++) {
		size_t row = i / (rows->width * rows->batch) * rows->batch + i % rows->batch;
		gradient[i] = 0;
		if (!rows_counts(rows, row))
			continue;
		size_t class = (size_t)rows->target[row];
		bool own = i / rows->batch % rows->width == class;
		gradient[i] = scale * class_weight(rows, class) * (sigmoid(rows->prediction[i]) - own);
	}
}

/* The same as cross_entropy of probabilities in the place of logits, less the least that it can be, that of a
 * probability of 1: so 0 is the best (Bausch, arXiv 2006.14619). */
static double probability_cross_entropy_sum(const struct rows *rows)
{
	const double least = elementary_log((double)rows->width - 1.0 + elementary_exp(1.0)) - 1.0;
	size_t count = 0;
	for (size_t row = 0; row < rows->frames * rows->batch; row++)
		count += rows_counts(rows, row);
	return cross_entropy_sum(rows) - (double)count * least;
}

static const struct loss table[] = {
    {"mse", TARGET_REALS, false, mse_sum, mse_backward, 1.0},
    {"mae", TARGET_REALS, false, mae_sum, mae_backward, 1.0},
    {"huber", TARGET_REALS, false, huber_sum, huber_backward, 2.0},
    {"quantile", TARGET_REALS, false, quantile_sum, quantile_backward, 2.0},
    {"cross_entropy", TARGET_CLASSES, true, cross_entropy_sum, cross_entropy_backward, 6.5},
    {"bce", TARGET_CLASSES, false, bce_sum, bce_backward, 47.0},
    {"probability_cross_entropy", TARGET_WORDS, true, probability_cross_entropy_sum, cross_entropy_backward, 6.5},
};

enum { N_LOSSES = sizeof table / sizeof table[0] };

const struct loss *loss_at(int index)
{
	return index >= 0 && index < N_LOSSES ? &table[index] : NULL;
}

const struct loss *loss_find(const char *name)
{
	for (int i = 0; i < N_LOSSES; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}
