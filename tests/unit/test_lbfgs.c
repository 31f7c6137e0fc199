/* L-BFGS: reaches a quadratic's minimum, descends Rosenbrock's valley, its line search keeps its conditions, and goes
 * on from its slots to the bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/train/lbfgs.h"

enum { N = 6 };

/* A function with its gradient; what is evaluated is counted. */
struct problem {
	double values[N], gradients[N];
	double (*function)(const double *x, double *gradient);
	int evaluations;
};

/* sum_i (i + 1) (x_i - i)^2 / 2 + x_0 x_1: its minimum by hand: x_0 + x_1 = 0, 2 (x_1 - 1) + x_0 = 0. */
static double quadratic(const double *x, double *gradient)
{
	double sum = x[0] * x[1];
	for (int i = 0; i < N; i++) {
		gradient[i] = (i + 1) * (x[i] - i);
		sum += (i + 1) * (x[i] - i) * (x[i] - i) / 2;
	}
	gradient[0] += x[1];
	gradient[1] += x[0];
	return sum;
}

static const double lowest[N] = {-2, 2, 2, 3, 4, 5};

static double rosenbrock(const double *x, double *gradient)
{
	double sum = 0;
	memset(gradient, 0, N * sizeof *gradient);
	for (int i = 0; i + 1 < N; i++) {
		double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
		sum += 100 * a * a + b * b;
		gradient[i] += -400 * a * x[i] - 2 * b;
		gradient[i + 1] += 200 * a;
	}
	return sum;
}

static double evaluate(void *context)
{
	struct problem *p = context;
	p->evaluations++;
	return p->function(p->values, p->gradients);
}

static struct problem problem_of(double (*function)(const double *x, double *gradient))
{
	return (struct problem){.values = {0.2, 1, 0.5, -0.5, 2, -1}, .function = function};
}

static void step(struct optimizer *optimizer, struct problem *p)
{
	struct optimizer_objective objective = {.evaluate = evaluate, .context = p};
	objective.loss = evaluate(p);
	optimizer_step_on(optimizer, p->values, p->gradients, &objective);
}

static struct optimizer *open_lbfgs(int history, int iterations, enum line_search_kind kind, double rate)
{
	struct optimizer *optimizer;
	const struct optimizer_config config = {
	    .type = "lbfgs", .learning_rate = rate, .history = history, .iterations = iterations, .line_search = kind};
	assert_int_equal(optimizer_new(&optimizer, &config, N, NULL), 0);
	assert_int_equal(optimizer_slots(optimizer), 2 * history + 2);
	return optimizer;
}

/* In one step. */
static void a_quadratic(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct problem p = problem_of(quadratic);
		struct optimizer *optimizer = open_lbfgs(10, 40, (enum line_search_kind)kind, 1);
		step(optimizer, &p);
		for (int i = 0; i < N; i++)
			assert_true(fabs(p.values[i] - lowest[i]) < 1e-4);
		assert_true(p.evaluations < 41);
		optimizer_free(optimizer);
	}
}

/* A few steps of a few iterations, so that the memory is carried on; a history that overflows. */
static void a_curved_valley(void **state)
{
	(void)state;
	struct problem p = problem_of(rosenbrock);
	struct optimizer *optimizer = open_lbfgs(3, 5, LINE_SEARCH_STRONG_WOLFE, 1);
	double before = p.function(p.values, p.gradients);
	for (int k = 0; k < 60; k++) {
		step(optimizer, &p);
		double now = p.function(p.values, p.gradients);
		assert_true(now <= before);
		before = now;
	}
	for (int i = 0; i < N; i++)
		assert_true(fabs(p.values[i] - 1) < 1e-4);
	optimizer_free(optimizer);
}

static void from_its_slots(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++)
		for (int done = 0; done < 6; done++) {
			struct problem p = problem_of(rosenbrock), q;
			struct optimizer *a = open_lbfgs(4, 3, (enum line_search_kind)kind, 0.01),
			                 *b = open_lbfgs(4, 3, (enum line_search_kind)kind, 0.01);
			for (int k = 0; k < done; k++)
				step(a, &p);
			q = p;
			for (int slot = 0; slot < optimizer_slots(a); slot++)
				memcpy(optimizer_slot(b, slot), optimizer_slot(a, slot), N * sizeof(double));
			*optimizer_steps(b) = *optimizer_steps(a);
			for (int k = 0; k < 4; k++) {
				step(a, &p);
				step(b, &q);
			}
			assert_memory_equal(p.values, q.values, sizeof p.values);
			assert_true(p.evaluations == q.evaluations);
			optimizer_free(a);
			optimizer_free(b);
		}
}

/* From steps that are much too short and much too long. */
static void a_line_search(void **state)
{
	(void)state;
	static const double first[] = {1e-6, 0.01, 1, 100, 1e6};
	for (size_t k = 0; k < sizeof first / sizeof first[0]; k++) {
		struct problem p = problem_of(rosenbrock);
		const struct optimizer_objective objective = {.evaluate = evaluate, .context = &p};
		double direction[N], blocks[LINE_SEARCH_BLOCKS * N], loss = evaluate(&p), slope = 0, after = 0;
		for (int i = 0; i < N; i++) {
			direction[i] = -p.gradients[i];
			slope += p.gradients[i] * direction[i];
		}
		struct line_search search = {.objective = &objective,
		                             .n = N,
		                             .direction = direction,
		                             .values = p.values,
		                             .gradients = p.gradients,
		                             .blocks = blocks,
		                             .loss = loss,
		                             .slope = slope,
		                             .steps_most = 25,
		                             .step = first[k]};
		line_search_run(&search);
		for (int i = 0; i < N; i++)
			after += p.gradients[i] * direction[i];
		assert_true(search.loss <= loss + 1e-4 * search.step * slope);
		assert_true(fabs(after) <= 0.9 * fabs(slope));
		assert_true(search.loss == p.function(p.values, p.gradients));
		assert_true(search.evaluations <= 26 && search.evaluations == p.evaluations - 1);
	}
}

/* Defined below 2 alone; a step that is too long meets no number. */
static double with_an_edge(const double *x, double *gradient)
{
	double sum = 0;
	for (int i = 0; i < N; i++) {
		gradient[i] = x[i] < 2 ? 2 * x[i] : (double)NAN;
		sum += x[i] < 2 ? x[i] * x[i] : (double)NAN;
	}
	return sum;
}

static void no_numbers(void **state)
{
	(void)state;
	struct problem p = problem_of(with_an_edge);
	p.values[4] = -200;
	struct optimizer *optimizer = open_lbfgs(10, 20, LINE_SEARCH_STRONG_WOLFE, 100);
	step(optimizer, &p);
	step(optimizer, &p);
	for (int i = 0; i < N; i++)
		assert_true(fabs(p.values[i]) < 1e-5);
	/* Flat already: nothing moves. */
	memset(p.values, 0, sizeof p.values);
	step(optimizer, &p);
	for (int i = 0; i < N; i++)
		assert_true(p.values[i] == 0);
	/* No number to begin with. */
	p.values[0] = 3;
	step(optimizer, &p);
	assert_true(p.values[0] == 3);
	optimizer_free(optimizer);
}

/* What is in no group stays as it is, and the rest goes to the minimum of what is left; a factor is on the rate. */
static void frozen(void **state)
{
	(void)state;
	struct problem p = problem_of(quadratic);
	struct optimizer *optimizer = open_lbfgs(10, 40, LINE_SEARCH_STRONG_WOLFE, 1);
	const struct optimizer_group groups[] = {{0, 2, 1}, {3, 3, 1}}, rates[] = {{0, 2, 1}, {2, 4, 0.5}};
	assert_int_equal(optimizer_set_groups(optimizer, groups, 2, NULL), 0);
	step(optimizer, &p);
	for (int i = 0; i < N; i++)
		assert_true(i == 2 ? p.values[i] == 0.5 : fabs(p.values[i] - lowest[i]) < 1e-4);
	struct qlstm_error error = {0};
	assert_int_equal(optimizer_set_groups(optimizer, rates, 2, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/quantum_learning_rate");
	optimizer_free(optimizer);
	/* The first move of a step without a search is the rate's. */
	struct problem q = problem_of(quadratic), half = q;
	for (int k = 0; k < 2; k++) {
		optimizer = open_lbfgs(10, 1, LINE_SEARCH_NONE, 0.01);
		optimizer_set_factor(optimizer, k == 0 ? 1 : 0.5);
		step(optimizer, k == 0 ? &q : &half);
		optimizer_free(optimizer);
	}
	assert_true(fabs((q.values[5] - -1) - 2 * (half.values[5] - -1)) < 1e-12 && q.values[5] > -1);
}

static void refused(void **state)
{
	(void)state;
	struct optimizer *optimizer;
	struct optimizer_config config = {.type = "lbfgs", .history = 101, .iterations = 1};
	assert_int_equal(optimizer_new(&optimizer, &config, N, NULL), ERR_OUT_OF_RANGE);
	config.history = 0;
	assert_int_equal(optimizer_new(&optimizer, &config, N, NULL), ERR_OUT_OF_RANGE);
	config.history = 100;
	config.iterations = 0;
	assert_int_equal(optimizer_new(&optimizer, &config, N, NULL), ERR_OUT_OF_RANGE);
	config.iterations = 7;
	assert_int_equal(optimizer_evaluations(&config), 7);
	assert_int_equal(optimizer_bytes(&config, 10), (202 + LBFGS_SCRATCH) * 80);
	assert_int_equal(optimizer_evaluations(&(struct optimizer_config){.type = "adam"}), 1);
	assert_int_equal(optimizer_bytes(&(struct optimizer_config){.type = "adam"}, 10), 160);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_quadratic),   cmocka_unit_test(a_curved_valley), cmocka_unit_test(from_its_slots),
	    cmocka_unit_test(a_line_search), cmocka_unit_test(no_numbers),      cmocka_unit_test(frozen),
	    cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
