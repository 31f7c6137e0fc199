/* A line search that ends where the strong Wolfe conditions hold, by bracketing and zooming with cubic interpolation:
 * Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6, step by step as torch.optim.LBFGS has them
 * (c1 = 1e-4, c2 = 0.9). */
#ifndef QLSTM_TRAIN_LINE_SEARCH_H
#define QLSTM_TRAIN_LINE_SEARCH_H

#include <stddef.h>

#include "engine/train/optimizer.h"

/* Blocks of n numbers that a search needs beside its arguments. */
enum { LINE_SEARCH_BLOCKS = 4 };

struct line_search {
	const struct optimizer_objective *objective;
	size_t n;
	const double *direction; /* [n] */
	double *values;          /* [n]; where it begins, in the end where it stops */
	double *gradients;       /* [n]; of the objective at `values`, likewise */
	double *blocks;          /* [LINE_SEARCH_BLOCKS][n] */
	double loss;             /* of the objective at `values`, likewise */
	double slope;            /* gradients . direction, negative */
	int steps_most;          /* places to look at behind the first one */
	double step;             /* how far to look first, in directions; in the end how far it went */
	int evaluations;         /* of the objective */
};

/* A value of the objective that is no number counts as infinitely large; where the cubic through such a point has no
 * minimum, the middle is taken. */
void line_search_run(struct line_search *search);

#endif
