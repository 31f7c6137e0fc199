/* Optimisers: flat loops over the parameter block. To add one: a step function and one row of the table in
 * optimizer.c. One that looks at its objective more than once a step, as L-BFGS does (lbfgs.h), is handed it. */
#ifndef QLSTM_TRAIN_OPTIMIZER_H
#define QLSTM_TRAIN_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

enum line_search_kind { LINE_SEARCH_STRONG_WOLFE, LINE_SEARCH_NONE };

struct optimizer_config {
	char type[16]; /* "sgd", "rmsprop", "adam", "adamw", "adagrad", "lbfgs" */
	double learning_rate;
	double momentum;     /* sgd, rmsprop */
	double alpha;        /* rmsprop: smoothing constant */
	double beta1, beta2; /* adam, adamw */
	double epsilon;      /* rmsprop, adam, adamw, adagrad: added to the root */
	double weight_decay; /* L2, added to the gradient; adamw: learning_rate times it is taken off the values */
	bool nesterov;       /* sgd with momentum */
	int history;         /* lbfgs: pairs that are remembered, 1 to LBFGS_HISTORY_MOST */
	int iterations;      /* lbfgs: of one step, 1 or more */
	enum line_search_kind line_search; /* lbfgs: none takes learning_rate for the step's length */
};

/* What is made small, at the values it was last evaluated at. */
struct optimizer_objective {
	double loss; /* at the values that a step begins with; the gradient there is the step's argument */
	/* The loss at the present values, whose gradient is written where a step was told; NaN ends the step. */
	double (*evaluate)(void *context);
	void *context;
};

/* Parameters first .. first + count - 1 with a learning rate of their own. */
struct optimizer_group {
	size_t first, count;
	double learning_rate;
};

struct optimizer;

/* ERR_NOT_FOUND for an unknown type. Moments start at zero. */
int optimizer_new(struct optimizer **out, const struct optimizer_config *config, size_t n_params,
                  struct qlstm_error *error);
void optimizer_free(struct optimizer *optimizer);
/* Groups that do not overlap, in the place of one of all parameters with config.learning_rate; what is in none of them
 * is never changed. Copied. ERR_INVALID at "/quantum_learning_rate" for several rates where there can be but one
 * (lbfgs). */
int optimizer_set_groups(struct optimizer *optimizer, const struct optimizer_group *groups, int n,
                         struct qlstm_error *error);
/* From now on all learning rates are multiplied by it; 1 at the start. */
void optimizer_set_factor(struct optimizer *optimizer, double factor);
/* values -= update(gradients); PyTorch's definitions (torch.optim.SGD, RMSprop, Adam, AdamW, Adagrad). Not of one
 * that needs an objective. */
void optimizer_step(struct optimizer *optimizer, double *values, const double *gradients);
/* The same of any optimiser. `gradients` are overwritten by what the objective writes there, and zero where nothing is
 * to change. */
void optimizer_step_on(struct optimizer *optimizer, double *values, double *gradients,
                       const struct optimizer_objective *objective);
/* Bytes that one for so many parameters takes. */
size_t optimizer_bytes(const struct optimizer_config *config, size_t n_params);
/* Nanoseconds of a step, and of what is done with gradients around it (set to zero, looked at, clipped), on the machine
 * that engine/circuit/planner.c names. */
double optimizer_ns(const struct optimizer_config *config, size_t n_params);
/* How often the objective is evaluated in a step, at most or so; 1 without it. */
int optimizer_evaluations(const struct optimizer_config *config);

/* State for checkpoints: `slots` moment blocks of n_params elements, and the step count. Borrowed, writable. */
int optimizer_slots(const struct optimizer *optimizer);
double *optimizer_slot(struct optimizer *optimizer, int slot);
uint64_t *optimizer_steps(struct optimizer *optimizer);
/* The i-th row's name, NULL past the end. */
const char *optimizer_name_at(int index);

#endif
