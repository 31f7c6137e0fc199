/* L-BFGS: two loops over a bounded history. */
#include "engine/train/lbfgs.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define FLAT_GRADIENT   1e-7 /* the largest element of a gradient at a minimum */
#define LEAST_CHANGE    1e-9 /* of a value, of the loss, of the slope */
#define LEAST_CURVATURE 1e-10

/* A step under way. */
struct run {
	const struct lbfgs *own;
	const struct optimizer_objective *objective;
	double *values, *gradients; /* [n] */
	double *direction;          /* [n] */
	double *moved, *before;     /* [n]: the state's last two blocks */
	int pairs;
	double inverse[LBFGS_HISTORY_MOST]; /* of each pair: 1 / (moved . changed) */
	double loss;
	int evaluations;
};

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static double largest(const double *values, size_t n)
{
	double most = 0;
	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs(values[i]));
	return most;
}

/* What the values moved by, of pair k; behind all of these what the gradient changed by. */
static double *moved_of(const struct lbfgs *own, int k)
{
	return own->state + (size_t)k * own->n;
}

static double *changed_of(const struct lbfgs *own, int k)
{
	return own->state + (size_t)(own->config->history + k) * own->n;
}

/* Pairs have a positive product; what is not used yet is zero. So nothing but the blocks need be kept. */
static void count_pairs(struct run *run)
{
	const struct lbfgs *own = run->own;
	for (run->pairs = 0; run->pairs < own->config->history; run->pairs++) {
		double product = dot(moved_of(own, run->pairs), changed_of(own, run->pairs), own->n);
		if (!(product > 0))
			return;
		run->inverse[run->pairs] = 1 / product;
	}
}

/* The pair that the iteration before has left, if the curvature along it is positive. */
static void add_pair(struct run *run)
{
	const struct lbfgs *own = run->own;
	size_t n = own->n, bytes = n * sizeof(double);
	double *changed = run->direction;
	for (size_t i = 0; i < n; i++)
		changed[i] = run->gradients[i] - run->before[i];
	double product = dot(changed, run->moved, n);
	if (!(product > LEAST_CURVATURE))
		return;
	if (run->pairs == own->config->history) {
		size_t kept = (size_t)(run->pairs - 1);
		memmove(moved_of(own, 0), moved_of(own, 1), kept * bytes);
		memmove(changed_of(own, 0), changed_of(own, 1), kept * bytes);
		memmove(run->inverse, run->inverse + 1, kept * sizeof *run->inverse);
		run->pairs--;
	}
	memcpy(moved_of(own, run->pairs), run->moved, bytes);
	memcpy(changed_of(own, run->pairs), changed, bytes);
	run->inverse[run->pairs++] = 1 / product;
}

/* direction = -(approximate inverse Hessian) gradient. */
static void choose_direction(struct run *run)
{
	const struct lbfgs *own = run->own;
	size_t n = own->n;
	double *d = run->direction, weights[LBFGS_HISTORY_MOST];
	for (size_t i = 0; i < n; i++)
		d[i] = -run->gradients[i];
	for (int k = run->pairs - 1; k >= 0; k--) {
		weights[k] = dot(moved_of(own, k), d, n) * run->inverse[k];
		for (size_t i = 0; i < n; i++)
			d[i] -= weights[k] * changed_of(own, k)[i];
	}
	if (run->pairs > 0) {
		const double *changed = changed_of(own, run->pairs - 1);
		double scale = 1 / run->inverse[run->pairs - 1] / dot(changed, changed, n);
		for (size_t i = 0; i < n; i++)
			d[i] *= scale;
	}
	for (int k = 0; k < run->pairs; k++) {
		double weight = weights[k] - dot(changed_of(own, k), d, n) * run->inverse[k];
		for (size_t i = 0; i < n; i++)
			d[i] += weight * moved_of(own, k)[i];
	}
}

static double sum_of_sizes(const double *values, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += fabs(values[i]);
	return sum;
}

static int evaluations_most(const struct optimizer_config *config)
{
	return config->iterations * 5 / 4;
}

/* How far the line search went, in directions. */
static double search_line(struct run *run, double step, double slope)
{
	struct line_search search = {.objective = run->objective,
	                             .n = run->own->n,
	                             .direction = run->direction,
	                             .values = run->values,
	                             .gradients = run->gradients,
	                             .blocks = run->own->scratch + run->own->n,
	                             .loss = run->loss,
	                             .slope = slope,
	                             .steps_most = evaluations_most(run->own->config) - run->evaluations,
	                             .step = step};
	line_search_run(&search);
	run->loss = search.loss;
	run->evaluations += search.evaluations;
	return search.step;
}

static void step_on(struct run *run, double step, bool look)
{
	for (size_t i = 0; i < run->own->n; i++)
		run->values[i] += step * run->direction[i];
	if (!look)
		return;
	run->loss = run->objective->evaluate(run->objective->context);
	run->evaluations++;
}

/* True where there is nothing more to be had. `last`: the gradient behind it is not looked at. */
static bool iterate(struct run *run, bool last)
{
	const struct lbfgs *own = run->own;
	size_t n = own->n;
	bool first = largest(run->before, n) <= 0;
	double rate = own->rate, loss_before = run->loss;
	if (!first)
		add_pair(run);
	choose_direction(run);
	memcpy(run->before, run->gradients, n * sizeof(double));
	memset(run->moved, 0, n * sizeof(double));
	double step = first ? fmin(1.0, 1.0 / sum_of_sizes(run->gradients, n)) * rate : rate;
	double slope = dot(run->gradients, run->direction, n);
	if (!(slope <= -LEAST_CHANGE))
		return true;
	bool searches = own->config->line_search == LINE_SEARCH_STRONG_WOLFE;
	if (searches)
		step = search_line(run, step, slope);
	else
		step_on(run, step, !last);
	for (size_t i = 0; i < n; i++)
		run->moved[i] = step * run->direction[i];
	bool known = searches || !last; /* loss and gradient, at the new place */
	return (known && (largest(run->gradients, n) <= FLAT_GRADIENT || !isfinite(run->loss))) ||
	       largest(run->moved, n) <= LEAST_CHANGE || (known && fabs(run->loss - loss_before) < LEAST_CHANGE);
}

void lbfgs_step(const struct lbfgs *lbfgs, double *values, double *gradients,
                const struct optimizer_objective *objective)
{
	size_t n = lbfgs->n;
	int iterations = lbfgs->config->iterations;
	struct run run = {.own = lbfgs,
	                  .objective = objective,
	                  .values = values,
	                  .gradients = gradients,
	                  .direction = lbfgs->scratch,
	                  .moved = lbfgs->state + 2 * (size_t)lbfgs->config->history * n,
	                  .loss = objective->loss,
	                  .evaluations = 1};
	run.before = run.moved + n;
	if (largest(gradients, n) <= FLAT_GRADIENT || !isfinite(run.loss))
		return;
	count_pairs(&run);
	bool done = false;
	for (int k = 1; k <= iterations && !done; k++)
		done = iterate(&run, k == iterations) || run.evaluations >= evaluations_most(lbfgs->config);
}
