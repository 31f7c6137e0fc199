/* Optimisers: one step function and one table row each. Definitions: the algorithm boxes of torch.optim.SGD, RMSprop,
 * Adam, AdamW and Adagrad in PyTorch's documentation (dampening 0, not centered, not AMSGrad, no decay of Adagrad's
 * rate). */
#include "engine/train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/elementary/elementary.h"

struct row;

struct optimizer {
	struct optimizer_config config;
	const struct row *row;
	size_t n;
	int slots;
	uint64_t steps;  /* done so far, the one under way included */
	double *moments; /* [slots][n] */
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

static const struct row rows[] = {
    {"sgd", 0, 1, sgd_step},     {"rmsprop", 1, 1, rmsprop_step}, {"adam", 2, 0, adam_step},
    {"adamw", 2, 0, adamw_step}, {"adagrad", 1, 0, adagrad_step},
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

int optimizer_new(struct optimizer **out, const struct optimizer_config *config, size_t n_params,
                  struct qlstm_error *error)
{
	const struct row *row = find_row(config->type);
	if (row == NULL)
		return error_set(error, ERR_NOT_FOUND, "/type", "there is no optimizer '%s'", config->type);
	struct optimizer *optimizer = calloc(1, sizeof *optimizer);
	if (optimizer == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for an optimizer");
	optimizer->config = *config;
	optimizer->row = row;
	optimizer->n = n_params;
	optimizer->slots = row->slots + (config->momentum != 0 ? row->momentum_slots : 0);
	if (optimizer->slots > 0 && n_params > 0) {
		optimizer->moments = calloc(n_params, (size_t)optimizer->slots * sizeof(double));
		if (optimizer->moments == NULL) {
			free(optimizer);
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu parameters", n_params);
		}
	}
	optimizer->factor = 1;
	const struct optimizer_group all = {.count = n_params, .learning_rate = config->learning_rate};
	int rc = optimizer_set_groups(optimizer, &all, 1, error);
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
