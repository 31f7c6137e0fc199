/* Optimisers: one step function and one table row each. Definitions: the algorithm boxes of torch.optim.SGD, RMSprop,
 * Adam, AdamW, Adagrad and LBFGS in PyTorch's documentation (dampening 0, not centered, not AMSGrad, no decay of
 * Adagrad's rate). */
#include "engine/train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/elementary/elementary.h"
#include "engine/train/lbfgs.h"

struct row;

struct optimizer {
	struct optimizer_config config;
	const struct row *row;
	size_t n;
	int slots;
	uint64_t steps;  /* done so far, the one under way included */
	double *moments; /* [slots][n], behind them what a step alone needs */
	struct optimizer_group *groups;
	int n_groups;
	double factor; /* on all learning rates */
};

/* Of a group: the parameters first .. end - 1. */
struct range {
	size_t first, end;
	double rate;
};

struct row {
	const char *name;
	int slots;          /* moment blocks it always keeps */
	int momentum_slots; /* further ones when momentum is not 0; they come last */
	void (*step)(struct optimizer *optimizer, struct range range, double *values, const double *gradients);
	/* In its place, one that takes all parameters together. */
	void (*whole)(struct optimizer *optimizer, double *values, double *gradients,
	              const struct optimizer_objective *objective);
	int pair_slots; /* for each pair of the history */
	int scratch;    /* blocks that a step alone needs */
};

/* Nesterov looks one step ahead along the buffer. */
static double sgd_momentum(const struct optimizer_config *c, double *buffer, double gradient)
{
	*buffer = c->momentum * *buffer + gradient;
	return c->nesterov ? gradient + c->momentum * *buffer : *buffer;
}

/* The buffer starts at zero, so that its first value is the gradient, as in PyTorch. */
static void sgd_step(struct optimizer *optimizer, struct range range, double *values, const double *gradients)
{
	const struct optimizer_config *c = &optimizer->config;
	double *buffer = optimizer_slot(optimizer, 0);
	for (size_t i = range.first; i < range.end; i++) {
		double update = gradients[i] + c->weight_decay * values[i];
		if (buffer != NULL)
			update = sgd_momentum(c, &buffer[i], update);
		values[i] -= range.rate * update;
	}
}

static void rmsprop_step(struct optimizer *optimizer, struct range range, double *values, const double *gradients)
{
	const struct optimizer_config *c = &optimizer->config;
	double *squares = optimizer_slot(optimizer, 0);
	double *buffer = optimizer_slot(optimizer, 1);
	for (size_t i = range.first; i < range.end; i++) {
		double gradient = gradients[i] + c->weight_decay * values[i];
		squares[i] = c->alpha * squares[i] + (1 - c->alpha) * gradient * gradient;
		double update = gradient / (sqrt(squares[i]) + c->epsilon);
		if (buffer != NULL)
			update = buffer[i] = c->momentum * buffer[i] + update;
		values[i] -= range.rate * update;
	}
}

/* `decay` is the L2 term in the gradient: Adam's; AdamW shrinks the values themselves. */
static void adam_update(struct optimizer *optimizer, struct range range, double *values, const double *gradients,
                        double decay)
{
	const struct optimizer_config *c = &optimizer->config;
	double *means = optimizer_slot(optimizer, 0);
	double *squares = optimizer_slot(optimizer, 1);
	double mean_correction = 1 - elementary_power(c->beta1, optimizer->steps);
	double square_correction = sqrt(1 - elementary_power(c->beta2, optimizer->steps));
	for (size_t i = range.first; i < range.end; i++) {
		double gradient = gradients[i] + decay * values[i];
		means[i] = c->beta1 * means[i] + (1 - c->beta1) * gradient;
		squares[i] = c->beta2 * squares[i] + (1 - c->beta2) * gradient * gradient;
		double root = sqrt(squares[i]) / square_correction + c->epsilon;
		values[i] -= range.rate / mean_correction * means[i] / root;
	}
}

static void adam_step(struct optimizer *optimizer, struct range range, double *values, const double *gradients)
{
	adam_update(optimizer, range, values, gradients, optimizer->config.weight_decay);
}

static void adamw_step(struct optimizer *optimizer, struct range range, double *values, const double *gradients)
{
	double kept = 1 - range.rate * optimizer->config.weight_decay;
	for (size_t i = range.first; i < range.end; i++)
		values[i] *= kept;
	adam_update(optimizer, range, values, gradients, 0.0);
}

static void adagrad_step(struct optimizer *optimizer, struct range range, double *values, const double *gradients)
{
	const struct optimizer_config *c = &optimizer->config;
	double *squares = optimizer_slot(optimizer, 0);
	for (size_t i = range.first; i < range.end; i++) {
		double gradient = gradients[i] + c->weight_decay * values[i];
		squares[i] += gradient * gradient;
		values[i] -= range.rate * gradient / (sqrt(squares[i]) + c->epsilon);
	}
}

/* An objective of the parameters in groups alone. */
struct grouped {
	const struct optimizer *optimizer;
	const struct optimizer_objective *objective;
	double *gradients;
};

static bool in_a_group(const struct optimizer *optimizer, size_t i)
{
	for (int k = 0; k < optimizer->n_groups; k++)
		if (i >= optimizer->groups[k].first && i - optimizer->groups[k].first < optimizer->groups[k].count)
			return true;
	return false;
}

static void clear_frozen(const struct grouped *grouped)
{
	for (size_t i = 0; i < grouped->optimizer->n; i++)
		if (!in_a_group(grouped->optimizer, i))
			grouped->gradients[i] = 0;
}

static double evaluate_grouped(void *context)
{
	const struct grouped *grouped = context;
	double loss = grouped->objective->evaluate(grouped->objective->context);
	clear_frozen(grouped);
	return loss;
}

static void whole_lbfgs_step(struct optimizer *optimizer, double *values, double *gradients,
                             const struct optimizer_objective *objective)
{
	struct grouped grouped = {optimizer, objective, gradients};
	const struct optimizer_objective of_groups = {objective->loss, evaluate_grouped, &grouped};
	if (optimizer->n_groups == 0)
		return;
	const struct lbfgs own = {.config = &optimizer->config,
	                          .rate = optimizer->groups[0].learning_rate * optimizer->factor,
	                          .n = optimizer->n,
	                          .state = optimizer->moments,
	                          .scratch = optimizer->moments + (size_t)optimizer->slots * optimizer->n};
	clear_frozen(&grouped);
	lbfgs_step(&own, values, gradients, &of_groups);
}

static const struct row rows[] = {
    {.name = "sgd", .momentum_slots = 1, .step = sgd_step},
    {.name = "rmsprop", .slots = 1, .momentum_slots = 1, .step = rmsprop_step},
    {.name = "adam", .slots = 2, .step = adam_step},
    {.name = "adamw", .slots = 2, .step = adamw_step},
    {.name = "adagrad", .slots = 1, .step = adagrad_step},
    {.name = "lbfgs",
     .slots = LBFGS_STATE,
     .whole = whole_lbfgs_step,
     .pair_slots = LBFGS_STATE_OF_PAIR,
     .scratch = LBFGS_SCRATCH},
};

enum { N_ROWS = sizeof rows / sizeof rows[0] };

const char *optimizer_name_at(int index)
{
	return index >= 0 && index < N_ROWS ? rows[index].name : NULL;
}

static const struct row *find_row(const char *name)
{
	for (int i = 0; i < N_ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static int count_slots(const struct row *row, const struct optimizer_config *config)
{
	int slots = row->slots + (config->momentum != 0 ? row->momentum_slots : 0);
	return row->pair_slots > 0 ? slots + row->pair_slots * config->history : slots;
}

static int check_config(const struct row *row, const struct optimizer_config *config, struct qlstm_error *error)
{
	if (row == NULL)
		return error_set(error, ERR_NOT_FOUND, "/type", "there is no optimizer '%s'", config->type);
	if (row->pair_slots > 0 && (config->history < 1 || config->history > LBFGS_HISTORY_MOST))
		return error_set(error, ERR_OUT_OF_RANGE, "/history", "history is %d; allowed are 1 to %d",
		                 config->history, LBFGS_HISTORY_MOST);
	if (row->pair_slots > 0 && config->iterations < 1)
		return error_set(error, ERR_OUT_OF_RANGE, "/iterations", "iterations is %d; 1 is the least",
		                 config->iterations);
	return 0;
}

int optimizer_new(struct optimizer **out, const struct optimizer_config *config, size_t n_params,
                  struct qlstm_error *error)
{
	const struct row *row = find_row(config->type);
	int rc = check_config(row, config, error);
	if (rc != 0)
		return rc;
	struct optimizer *optimizer = calloc(1, sizeof *optimizer);
	if (optimizer == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for an optimizer");
	optimizer->config = *config;
	optimizer->row = row;
	optimizer->n = n_params;
	optimizer->slots = count_slots(row, config);
	size_t blocks = (size_t)optimizer->slots + (size_t)row->scratch;
	if (blocks > 0 && n_params > 0) {
		optimizer->moments = calloc(n_params, blocks * sizeof(double));
		if (optimizer->moments == NULL) {
			free(optimizer);
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu parameters", n_params);
		}
	}
	optimizer->factor = 1;
	const struct optimizer_group all = {.count = n_params, .learning_rate = config->learning_rate};
	rc = optimizer_set_groups(optimizer, &all, 1, error);
	if (rc != 0) {
		optimizer_free(optimizer);
		return rc;
	}
	*out = optimizer;
	return 0;
}

int optimizer_set_groups(struct optimizer *optimizer, const struct optimizer_group *groups, int n,
                         struct qlstm_error *error)
{
	for (int k = 1; optimizer->row->whole != NULL && k < n; k++)
		if (groups[k].learning_rate > groups[0].learning_rate ||
		    groups[k].learning_rate < groups[0].learning_rate)
			return error_set(error, ERR_INVALID, "/quantum_learning_rate", "%s has one learning rate",
			                 optimizer->row->name);
	struct optimizer_group *copy = calloc((size_t)n + 1, sizeof *copy);
	if (copy == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for groups of parameters");
	for (int k = 0; k < n; k++)
		copy[k] = groups[k];
	free(optimizer->groups);
	optimizer->groups = copy;
	optimizer->n_groups = n;
	return 0;
}

void optimizer_set_factor(struct optimizer *optimizer, double factor)
{
	optimizer->factor = factor;
}

void optimizer_free(struct optimizer *optimizer)
{
	if (optimizer == NULL)
		return;
	free(optimizer->moments);
	free(optimizer->groups);
	free(optimizer);
}

void optimizer_step(struct optimizer *optimizer, double *values, const double *gradients)
{
	optimizer->steps++;
	for (int k = 0; k < optimizer->n_groups; k++) {
		const struct optimizer_group *group = &optimizer->groups[k];
		const struct range range = {.first = group->first,
		                            .end = group->first + group->count,
		                            .rate = group->learning_rate * optimizer->factor};
		optimizer->row->step(optimizer, range, values, gradients);
	}
}

void optimizer_step_on(struct optimizer *optimizer, double *values, double *gradients,
                       const struct optimizer_objective *objective)
{
	if (optimizer->row->whole == NULL) {
		optimizer_step(optimizer, values, gradients);
		return;
	}
	optimizer->steps++;
	optimizer->row->whole(optimizer, values, gradients, objective);
}

size_t optimizer_bytes(const struct optimizer_config *config, size_t n_params)
{
	const struct row *row = find_row(config->type);
	size_t blocks = row != NULL ? (size_t)count_slots(row, config) + (size_t)row->scratch : 0;
	return blocks * n_params * sizeof(double);
}

/* Of a parameter: without a slot, and for each of them; times FAR where they all no longer fit a second-level cache.
 * Measured: sgd, rmsprop and adam, 100 to 480,000 parameters. */
#define NS_PER_PARAMETER 2.4
#define NS_PER_SLOT      1.3
#define FAR              1.5
#define NEAR_PARAMETERS  50000

double optimizer_ns(const struct optimizer_config *config, size_t n_params)
{
	const struct row *row = find_row(config->type);
	double slots = row != NULL ? count_slots(row, config) : 0;
	return (NS_PER_PARAMETER + NS_PER_SLOT * slots) * (double)n_params * (n_params > NEAR_PARAMETERS ? FAR : 1.0);
}

int optimizer_evaluations(const struct optimizer_config *config)
{
	const struct row *row = find_row(config->type);
	return row != NULL && row->pair_slots > 0 ? config->iterations : 1;
}

int optimizer_slots(const struct optimizer *optimizer)
{
	return optimizer->slots;
}

double *optimizer_slot(struct optimizer *optimizer, int slot)
{
	if (slot < 0 || slot >= optimizer->slots)
		return NULL;
	return optimizer->moments + (size_t)slot * optimizer->n;
}

uint64_t *optimizer_steps(struct optimizer *optimizer)
{
	return &optimizer->steps;
}
