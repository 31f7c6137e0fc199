/* Optimisers: two steps of every rule with every hyperparameter, against its definition written out here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/train/optimizer.h"

enum { N = 3, STEPS = 3 };

static const double start[N] = {1.5, -0.75, 2};
static const double gradients[STEPS][N] = {{0.5, -0.25, 0}, {-0.125, 1.5, 0.375}, {0.0625, 0.75, -2}};

static void assert_close(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-15 * fabs(expected)))
		fail_msg("%.17g is not %.17g to 1e-15", value, expected);
}

/* torch.optim.SGD's algorithm box, dampening 0. */
static void sgd(const struct optimizer_config *c, int step, double *value, double gradient, double *state)
{
	double g = gradient + c->weight_decay * *value;
	state[0] = step == 0 ? g : c->momentum * state[0] + g;
	*value -= c->learning_rate * (c->momentum != 0 ? state[0] : g);
}

/* torch.optim.RMSprop's, not centered. */
static void rmsprop(const struct optimizer_config *c, int step, double *value, double gradient, double *state)
{
	(void)step;
	double g = gradient + c->weight_decay * *value;
	state[0] = c->alpha * state[0] + (1 - c->alpha) * g * g;
	double update = g / (sqrt(state[0]) + c->epsilon);
	state[1] = c->momentum * state[1] + update;
	*value -= c->learning_rate * (c->momentum != 0 ? state[1] : update);
}

/* torch.optim.Adam's, without amsgrad. */
static void adam(const struct optimizer_config *c, int step, double *value, double gradient, double *state)
{
	double g = gradient + c->weight_decay * *value;
	state[0] = c->beta1 * state[0] + (1 - c->beta1) * g;
	state[1] = c->beta2 * state[1] + (1 - c->beta2) * g * g;
	double mean = state[0] / (1 - pow(c->beta1, step + 1)), square = state[1] / (1 - pow(c->beta2, step + 1));
	*value -= c->learning_rate * mean / (sqrt(square) + c->epsilon);
}

/* torch.optim.AdamW's: the decay apart from the gradient. */
static void adamw(const struct optimizer_config *c, int step, double *value, double gradient, double *state)
{
	struct optimizer_config without = *c;
	*value -= c->learning_rate * c->weight_decay * *value;
	without.weight_decay = 0;
	adam(&without, step, value, gradient, state);
}

static const struct rule {
	const char *name;
	void (*step)(const struct optimizer_config *c, int step, double *value, double gradient, double *state);
	int slots, momentum_slots;
} rules[] = {{"sgd", sgd, 0, 1}, {"rmsprop", rmsprop, 1, 1}, {"adam", adam, 2, 0}, {"adamw", adamw, 2, 0}};

static void check(const struct rule *rule, struct optimizer_config config)
{
	struct optimizer *optimizer;
	double values[N], expected[N], states[N][2] = {{0}};
	snprintf(config.type, sizeof config.type, "%s", rule->name);
	memcpy(values, start, sizeof start);
	memcpy(expected, start, sizeof start);
	assert_int_equal(optimizer_new(&optimizer, &config, N, NULL), 0);
	assert_int_equal(optimizer_slots(optimizer), rule->slots + (config.momentum != 0 ? rule->momentum_slots : 0));
	for (int step = 0; step < STEPS; step++) {
		optimizer_step(optimizer, values, gradients[step]);
		assert_int_equal(*optimizer_steps(optimizer), step + 1);
		for (int i = 0; i < N; i++) {
			rule->step(&config, step, &expected[i], gradients[step][i], states[i]);
			assert_close(values[i], expected[i]);
			for (int slot = 0; slot < optimizer_slots(optimizer); slot++)
				assert_close(optimizer_slot(optimizer, slot)[i], states[i][slot]);
		}
	}
	assert_null(optimizer_slot(optimizer, optimizer_slots(optimizer)));
	assert_null(optimizer_slot(optimizer, -1));
	optimizer_free(optimizer);
}

/* Each hyperparameter away from where it does nothing, alone and with all the others. */
static void every_hyperparameter_has_its_effect(void **state)
{
	(void)state;
	const struct optimizer_config plain = {
	    .learning_rate = 0.0625, .alpha = 0.875, .beta1 = 0.75, .beta2 = 0.9375, .epsilon = 1e-8};
	for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
		struct optimizer_config c = plain;
		check(&rules[r], c);
		c.learning_rate = 3;
		check(&rules[r], c);
		c = plain, c.momentum = 0.625;
		check(&rules[r], c);
		c = plain, c.weight_decay = 0.1875;
		check(&rules[r], c);
		c = plain, c.alpha = 0;
		check(&rules[r], c);
		c = plain, c.beta1 = 0;
		check(&rules[r], c);
		c = plain, c.beta2 = 0;
		check(&rules[r], c);
		c = plain, c.epsilon = 1;
		check(&rules[r], c);
		c.momentum = 0.625, c.weight_decay = 0.1875, c.alpha = 0.5;
		check(&rules[r], c);
	}
}

/* Worked out without a line of code: value 1, gradients 0.5 and -0.25, learning rate 0.5, all numbers exact. */
static void exact_numbers(void **state)
{
	(void)state;
	static const struct {
		struct optimizer_config config;
		double first, second;
	} cases[] = {
	    /* g 0.5 + 0.5 = 1, v 0.5; g -0.25 + 0.25 = 0: buffer 0.5 * 1 + 0 = 0.5, v 0.25 */
	    {{.type = "sgd", .learning_rate = 0.5, .momentum = 0.5, .weight_decay = 0.5}, 0.5, 0.25},
	    /* g 0.5 + 0.5 = 1, square 0.25, root 0.5: 1 / (0.5 + 0.5) = 1, v 0.5;
	     * g -0.25 + 0.25 = 0: update 0, buffer 0.5 * 1 = 0.5, v 0.25 */
	    {{.type = "rmsprop",
	      .learning_rate = 0.5,
	      .momentum = 0.5,
	      .alpha = 0.75,
	      .epsilon = 0.5,
	      .weight_decay = 0.5},
	     0.5,
	     0.25},
	    /* g 1: mean 1, square 1, 1 / (1 + 1), v 0.75; g -0.25 + 0.375 = 0.125 ... checked by the rule above */
	    {{.type = "adam", .learning_rate = 0.5, .beta1 = 0.5, .beta2 = 0.5, .epsilon = 1, .weight_decay = 0.5},
	     0.75,
	     NAN},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct optimizer *optimizer;
		double value = 1;
		assert_int_equal(optimizer_new(&optimizer, &cases[k].config, 1, NULL), 0);
		optimizer_step(optimizer, &value, &(double){0.5});
		assert_true(value == cases[k].first);
		optimizer_step(optimizer, &value, &(double){-0.25});
		assert_true(isnan(cases[k].second) || value == cases[k].second);
		optimizer_free(optimizer);
	}
}

static void names(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	struct optimizer *optimizer = NULL;
	assert_string_equal(optimizer_name_at(0), "sgd");
	assert_string_equal(optimizer_name_at(1), "rmsprop");
	assert_string_equal(optimizer_name_at(2), "adam");
	assert_string_equal(optimizer_name_at(3), "adamw");
	assert_string_equal(optimizer_name_at(4), "adagrad");
	assert_string_equal(optimizer_name_at(5), "lbfgs");
	assert_null(optimizer_name_at(6));
	assert_null(optimizer_name_at(-1));
	assert_int_equal(optimizer_new(&optimizer, &(struct optimizer_config){.type = "lbfgsb"}, 1, &error),
	                 ERR_NOT_FOUND);
	assert_string_equal(error.message, "there is no optimizer 'lbfgsb'");
	assert_null(optimizer);
	/* Nothing to train is no error. */
	assert_int_equal(optimizer_new(&optimizer, &(struct optimizer_config){.type = "adam"}, 0, NULL), 0);
	optimizer_step(optimizer, NULL, NULL);
	optimizer_free(optimizer);
}

/* What a step is estimated to take: more for each moment, and where the moments do not fit a cache. */
static void nanoseconds(void **state)
{
	(void)state;
	const struct optimizer_config plain = {.type = "sgd"}, heavy = {.type = "sgd", .momentum = 0.9},
	                              adam = {.type = "adam"};
	assert_close(optimizer_ns(&plain, 1000), 2400);
	assert_close(optimizer_ns(&heavy, 1000), 3700);
	assert_close(optimizer_ns(&adam, 1000), 5000);
	assert_close(optimizer_ns(&adam, 100000), 1.5 * 500000);
	assert_close(optimizer_ns(&adam, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_hyperparameter_has_its_effect),
	    cmocka_unit_test(exact_numbers),
	    cmocka_unit_test(names),
	    cmocka_unit_test(nanoseconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
