/* Strong Wolfe line search. */
#include "engine/train/line_search.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define SUFFICIENT_DECREASE 1e-4
#define CURVATURE           0.9
#define LEAST_BRACKET       1e-9 /* of the largest move of a value */

/* A place on the line. */
struct point {
	double t, loss, slope;
	double *gradients; /* a block */
};

struct state {
	struct line_search *search;
	const double *origin;    /* [n] */
	double loss, slope;      /* at the origin */
	struct point bracket[2]; /* the minimum lies between */
	int steps;
};

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static void move_to(const struct state *s, double t)
{
	const struct line_search *search = s->search;
	for (size_t i = 0; i < search->n; i++)
		search->values[i] = s->origin[i] + t * search->direction[i];
}

/* Its gradient is the search's `gradients` until the next look. */
static struct point look(struct state *s, double t)
{
	struct line_search *search = s->search;
	move_to(s, t);
	double loss = search->objective->evaluate(search->objective->context);
	search->evaluations++;
	return (struct point){.t = t,
	                      .loss = isfinite(loss) ? loss : (double)INFINITY,
	                      .slope = dot(search->gradients, search->direction, search->n)};
}

/* Copies a point just looked at into `to`, which keeps its block. */
static void keep(const struct state *s, struct point *to, const struct point *point)
{
	double *block = to->gradients;
	memcpy(block, s->search->gradients, s->search->n * sizeof *block);
	*to = *point;
	to->gradients = block;
}

/* The minimum, between `least` and `most`, of the cubic with these values and slopes. */
static double interpolate(const struct point *a, const struct point *b, double least, double most)
{
	double d1 = a->slope + b->slope - 3 * (a->loss - b->loss) / (a->t - b->t);
	double square = d1 * d1 - a->slope * b->slope, at = (double)NAN;
	if (square >= 0) {
		double d2 = sqrt(square);
		at = a->t <= b->t ? b->t - (b->t - a->t) * ((b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2))
		                  : a->t - (a->t - b->t) * ((a->slope + d2 - d1) / (a->slope - b->slope + 2 * d2));
	}
	return isfinite(at) ? fmin(fmax(at, least), most) : (least + most) / 2;
}

static bool decreases_too_little(const struct state *s, const struct point *point)
{
	return point->loss > s->loss + SUFFICIENT_DECREASE * point->t * s->slope;
}

static bool is_flat(const struct state *s, const struct point *point)
{
	return fabs(point->slope) <= -CURVATURE * s->slope;
}

/* Goes on until a minimum is bracketed; true: it stands at a good place already, bracket[0]. */
static bool find_bracket(struct state *s)
{
	struct point *before = &s->bracket[0];
	struct point now = look(s, s->search->step);
	for (; s->steps < s->search->steps_most; s->steps++) {
		bool rises = decreases_too_little(s, &now) || (s->steps > 1 && now.loss >= before->loss);
		if (!rises && is_flat(s, &now)) {
			keep(s, before, &now);
			return true;
		}
		if (rises || now.slope >= 0) {
			keep(s, &s->bracket[1], &now);
			return false;
		}
		double next = interpolate(before, &now, now.t + 0.01 * (now.t - before->t), now.t * 10);
		keep(s, before, &now);
		now = look(s, next);
	}
	keep(s, &s->bracket[1], &now);
	return false;
}

/* After find_bracket has given up, the bracket begins where the search did. */
static void widen(struct state *s, const double *gradients)
{
	double *block = s->bracket[0].gradients;
	memcpy(block, gradients, s->search->n * sizeof *block);
	s->bracket[0] = (struct point){0, s->loss, s->slope, block};
}

/* Where to look next in the bracket: not twice in a row near one of its ends. */
static double choose(const struct state *s, bool *near_an_end)
{
	double least = fmin(s->bracket[0].t, s->bracket[1].t), most = fmax(s->bracket[0].t, s->bracket[1].t);
	double t = interpolate(&s->bracket[0], &s->bracket[1], least, most), margin = 0.1 * (most - least);
	bool near = fmin(most - t, t - least) < margin;
	if (near && (*near_an_end || t >= most || t <= least)) {
		t = fabs(t - most) < fabs(t - least) ? most - margin : least + margin;
		near = false;
	}
	*near_an_end = near;
	return t;
}

/* Puts a point into the bracket; true when it is good. *low: which of the two ends is the lower one. */
static bool narrow(struct state *s, const struct point *now, int *low)
{
	int high = 1 - *low;
	if (decreases_too_little(s, now) || now->loss >= s->bracket[*low].loss) {
		keep(s, &s->bracket[high], now);
		*low = s->bracket[0].loss <= s->bracket[1].loss ? 0 : 1;
		return false;
	}
	bool good = is_flat(s, now);
	if (!good && now->slope * (s->bracket[high].t - s->bracket[*low].t) >= 0) {
		struct point other = s->bracket[high];
		s->bracket[high] = s->bracket[*low];
		s->bracket[*low] = other; /* for its block */
	}
	keep(s, &s->bracket[*low], now);
	return good;
}

static int zoom(struct state *s)
{
	const struct line_search *search = s->search;
	int low = s->bracket[0].loss <= s->bracket[1].loss ? 0 : 1;
	bool done = false, near_an_end = false;
	double largest = 0;
	for (size_t i = 0; i < search->n; i++)
		largest = fmax(largest, fabs(search->direction[i]));
	for (; !done && s->steps < s->search->steps_most; s->steps++) {
		if (fabs(s->bracket[1].t - s->bracket[0].t) * largest < LEAST_BRACKET)
			break;
		struct point now = look(s, choose(s, &near_an_end));
		done = narrow(s, &now, &low);
	}
	return low;
}

void line_search_run(struct line_search *search)
{
	size_t n = search->n, bytes = n * sizeof(double);
	double *origin = search->blocks, *first = search->blocks + n;
	struct state s = {.search = search, .origin = origin, .loss = search->loss, .slope = search->slope};
	memcpy(origin, search->values, bytes);
	memcpy(first, search->gradients, bytes);
	s.bracket[0] = (struct point){0, search->loss, search->slope, search->blocks + 2 * n};
	s.bracket[1] = (struct point){.gradients = search->blocks + 3 * n};
	memcpy(s.bracket[0].gradients, search->gradients, bytes);
	int low = 0;
	if (!find_bracket(&s)) {
		if (s.steps == search->steps_most)
			widen(&s, first);
		low = zoom(&s);
	}
	search->step = s.bracket[low].t;
	search->loss = s.bracket[low].loss;
	memcpy(search->gradients, s.bracket[low].gradients, bytes);
	move_to(&s, search->step);
}
