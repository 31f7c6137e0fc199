/* L-BFGS: a quasi-Newton method with a bounded memory of how the gradient changed (Nocedal and Wright, Numerical
 * Optimization, algorithms 7.4 and 7.5), step by step as torch.optim.LBFGS (2.15) has it: its tolerances, its bound of
 * 5/4 evaluations an iteration, its first step. */
#ifndef QLSTM_TRAIN_LBFGS_H
#define QLSTM_TRAIN_LBFGS_H

#include <stddef.h>

#include "engine/train/line_search.h"
#include "engine/train/optimizer.h"

enum { LBFGS_HISTORY_MOST = 100 };

/* Blocks of n numbers that stay from step to step: of each pair of the history what the values moved by and what the
 * gradient changed by, oldest first; what the last iteration moved the values by, and the gradient before it. And those
 * that a step alone needs. */
enum { LBFGS_STATE = 2, LBFGS_STATE_OF_PAIR = 2, LBFGS_SCRATCH = 1 + LINE_SEARCH_BLOCKS };

struct lbfgs {
	const struct optimizer_config *config;
	double rate; /* the learning rate of this step */
	size_t n;
	double *state;   /* [2 history + 2][n]; all zero before the first step */
	double *scratch; /* [LBFGS_SCRATCH][n] */
};

/* Up to config->iterations iterations on one objective: `gradients` are those at `values`, likewise afterwards, or of
 * the last place that was looked at. Stops early where the gradient's largest element is at most 1e-7, or neither
 * values nor loss move by 1e-9, or the objective is no number any more. */
void lbfgs_step(const struct lbfgs *lbfgs, double *values, double *gradients,
                const struct optimizer_objective *objective);

#endif
