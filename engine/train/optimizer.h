/* Optimisers: flat loops over the parameter block. To add one: a step function and one row of the table in
 * optimizer.c. */
#ifndef QLSTM_TRAIN_OPTIMIZER_H
#define QLSTM_TRAIN_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

struct optimizer_config {
	char type[16]; /* "sgd", "rmsprop", "adam", "adamw", "adagrad" */
	double learning_rate;
	double momentum;     /* sgd, rmsprop */
	double alpha;        /* rmsprop: smoothing constant */
	double beta1, beta2; /* adam, adamw */
	double epsilon;      /* rmsprop, adam, adamw, adagrad: added to the root */
	double weight_decay; /* L2, added to the gradient; adamw: learning_rate times it is taken off the values */
	bool nesterov;       /* sgd with momentum */
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
 * is never changed. Copied. */
int optimizer_set_groups(struct optimizer *optimizer, const struct optimizer_group *groups, int n,
                         struct qlstm_error *error);
/* From now on all learning rates are multiplied by it; 1 at the start. */
void optimizer_set_factor(struct optimizer *optimizer, double factor);
/* values -= update(gradients); PyTorch's definitions (torch.optim.SGD, RMSprop, Adam, AdamW, Adagrad). */
void optimizer_step(struct optimizer *optimizer, double *values, const double *gradients);

/* State for checkpoints: `slots` moment blocks of n_params elements, and the step count. Borrowed, writable. */
int optimizer_slots(const struct optimizer *optimizer);
double *optimizer_slot(struct optimizer *optimizer, int slot);
uint64_t *optimizer_steps(struct optimizer *optimizer);
/* The i-th row's name, NULL past the end. */
const char *optimizer_name_at(int index);

#endif
