/* The instruction sets that have a fused multiply-add give the same bytes, whatever the plan, the circuit and the
 * batch: outputs and gradients are those of the widest one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/vector/isa.h"
#include "tests/unit/circuits.h"
#include "tests/unit/plan_run.h"

/* The x86-64 baseline multiplies and adds in two roundings. */
static bool promises_bytes(const struct isa *isa)
{
	return isa->supported() && strcmp(isa->name, "x86-64") != 0;
}

struct call {
	struct circuit_program *program;
	const char *kind;
	enum precision precision;
	size_t batch;
	int sets;
};

struct numbers {
	size_t n_features, n_weights, n_outputs;
	double *features, *weights, *cotangents, *outputs, *d_features, *d_weights;
};

static struct numbers draw(struct oracle_random *random, const struct call *call)
{
	struct numbers n = {.n_features = (size_t)call->program->n_features * call->batch,
	                    .n_weights = (size_t)(call->program->n_weights * call->sets),
	                    .n_outputs = (size_t)(call->program->n_observables * call->sets) * call->batch};
	n.features = random_numbers(random, n.n_features, 0.9);
	n.weights = random_numbers(random, n.n_weights, 7);
	n.cotangents = random_numbers(random, n.n_outputs, 1);
	n.outputs = calloc(n.n_outputs + 1, sizeof(double));
	n.d_features = calloc(n.n_features + 1, sizeof(double));
	n.d_weights = calloc(n.n_weights + 1, sizeof(double));
	/* Beyond the fast reduction of angles, so that no decision is made for a register as a whole. */
	if (n.n_features > 0 && oracle_below(random, 5) == 0)
		n.features[oracle_below(random, (int)n.n_features)] = 1.7e5;
	return n;
}

static void release(struct numbers *n)
{
	double *arrays[] = {n->features, n->weights, n->cotangents, n->outputs, n->d_features, n->d_weights};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
}

/* False when the plan does not take the circuit. */
static bool run(const struct call *call, struct numbers *n)
{
	struct plan *plan;
	if (plan_new_precision(&plan, call->program, call->kind, call->precision, NULL) != 0)
		return false;
	plan_forward_many(plan, n->features, n->weights, call->sets, call->batch, n->outputs);
	plan_backward_many(plan, n->features, n->weights, call->sets, call->batch, n->cotangents, n->d_features,
	                   n->d_weights);
	plan_free(plan);
	return true;
}

static void compare(const struct call *call, const char *what, const char *isa, const double *found,
                    const double *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&found[i], &wanted[i], sizeof *found) != 0 && !(isnan(found[i]) && isnan(wanted[i])))
			fail_msg("%s, %s %s, %d wires, batch %zu, %d sets: %s %zu is %a, not %a", isa, call->kind,
			         call->precision == PRECISION_FLOAT32 ? "float32" : "float64", call->program->n_wires,
			         call->batch, call->sets, what, i, found[i], wanted[i]);
}

/* How many other instruction sets were compared. */
static int check(const struct call *call, uint64_t seed)
{
	const struct isa *chosen = isa_pick(), *isa;
	struct oracle_random random = {seed};
	struct numbers wanted = draw(&random, call);
	int compared = 0;
	bool first = true;
	for (int i = 0; (isa = isa_at(i)) != NULL; i++) {
		if (!promises_bytes(isa))
			continue;
		isa_force(isa);
		random.state = seed;
		struct numbers found = draw(&random, call);
		bool runs = run(call, first ? &wanted : &found);
		if (runs && !first) {
			compare(call, "output", isa->name, found.outputs, wanted.outputs, found.n_outputs);
			compare(call, "d_features", isa->name, found.d_features, wanted.d_features, found.n_features);
			compare(call, "d_weights", isa->name, found.d_weights, wanted.d_weights, found.n_weights);
			compared++;
		}
		first = false;
		release(&found);
	}
	isa_force(chosen);
	release(&wanted);
	return compared;
}

static void need_two(void)
{
	int n = 0;
	for (int i = 0; isa_at(i) != NULL; i++)
		n += promises_bytes(isa_at(i));
	if (n < 2)
		skip();
}

/* Every plan and precision on one circuit. */
static int check_kinds(struct circuit_program *program, struct oracle_random *random, size_t batch, int sets)
{
	int compared = 0;
	uint64_t seed = oracle_next(random);
	for (int k = 0; plan_kind_name(k) != NULL; k++)
		for (int p = 0; p < 2; p++)
			compared +=
			    check(&(struct call){program, plan_kind_name(k), (enum precision)p, batch, sets}, seed);
	program_free(program);
	return compared;
}

static void random_programs(void **state)
{
	(void)state;
	need_two();
	struct oracle_random random = {41};
	for (int round = 0; round < 400; round++) {
		int n = 1 + oracle_below(&random, 6);
		struct circuit_program *program = oracle_random_program(&random, n);
		size_t batch = (size_t)(1 + oracle_below(&random, round % 10 == 0 ? 300 : 40));
		assert_true(check_kinds(program, &random, batch, 1 + oracle_below(&random, 5)) > 0);
	}
}

static void random_layers(void **state)
{
	(void)state;
	need_two();
	struct oracle_random random = {42};
	for (int round = 0; round < 60; round++) {
		int n = 1 + oracle_below(&random, 10);
		struct circuit_program *program = circuits_random(&random, n, 1 + oracle_below(&random, 4));
		assert_true(check_kinds(program, &random, (size_t)(1 + oracle_below(&random, 20)), 1) > 0);
	}
}

/* States that are kept and such that are undone; sweeps of several tiles. */
static void many_wires(void **state)
{
	(void)state;
	need_two();
	struct oracle_random random = {43};
	static const struct {
		int wires, layers;
		size_t batch;
		const char *kind;
	} rows[] = {{9, 2, 17, "batch"},  {10, 3, 11, "batch"}, {12, 2, 9, "batch"}, {13, 3, 5, "batch"},
	            {14, 3, 2, "wide"},   {15, 2, 1, "wide"},   {16, 3, 1, "wide"},  {20, 2, 1, "wide"},
	            {25, 2, 37, "local"}, {12, 3, 20, "local"}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int p = 0; p < 2; p++) {
			struct circuit_program *program = circuits_benchmark(rows[i].wires, rows[i].layers);
			struct call call = {program, rows[i].kind, (enum precision)p, rows[i].batch, 1};
			assert_true(check(&call, oracle_next(&random)) > 0);
			program_free(program);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_programs),
	    cmocka_unit_test(random_layers),
	    cmocka_unit_test(many_wires),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
