/* Products in expectations by hand, and what is said of angles against gradients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "engine/circuit/plan.h"
#include "engine/circuit/terms.h"
#include "engine/philox.h"

static struct circuit_terms found(const struct circuit_program *program)
{
	struct circuit_terms terms;
	assert_int_equal(program_check(program, NULL), 0);
	assert_int_equal(circuit_terms_find(program, INT_MAX, &terms, NULL), 0);
	return terms;
}

/* RX(x) RX(w) on each wire and a ring of CNOTs: one product each. */
static void a_product_of_cosines(void **state)
{
	(void)state;
	struct circuit_program *p = program_new(4);
	for (int q = 0; q < 4; q++) {
		program_rotation(p, GATE_RX, q, angle_feature(q, ENCODER_X));
		program_rotation(p, GATE_RX, q, angle_weight(q));
	}
	for (int q = 0; q < 4; q++)
		program_cnot(p, q, (q + 1) % 4);
	for (int q = 0; q < 4; q++)
		program_observe(p, PAULI_Z, q);
	struct circuit_terms terms = found(p);
	assert_int_equal(terms.most, 1);
	for (int q = 0; q < 4; q++)
		assert_int_equal(terms.reach[q], TERM_LIVE);
	circuit_terms_free(&terms);
	/* A second layer of another axis: several. */
	for (int q = 0; q < 4; q++)
		program_rotation(p, GATE_RY, q, angle_weight(4 + q));
	for (int q = 0; q < 4; q++)
		program_cnot(p, q, (q + 1) % 4);
	terms = found(p);
	assert_true(terms.most > 1);
	int most = terms.most;
	circuit_terms_free(&terms);
	/* The count ends beyond what is asked for. */
	assert_int_equal(circuit_terms_find(p, most, &terms, NULL), 0);
	assert_int_equal(terms.most, most);
	circuit_terms_free(&terms);
	assert_int_equal(circuit_terms_find(p, most - 1, &terms, NULL), 0);
	assert_int_equal(terms.most, -1);
	circuit_terms_free(&terms);
	program_free(p);
}

/* Each reason once. */
static void reasons(void **state)
{
	(void)state;
	struct circuit_program *p = program_new(3);
	program_rotation(p, GATE_RZ, 0, angle_weight(0)); /* on |0> */
	program_rotation(p, GATE_RY, 0, angle_weight(1));
	program_rotation(p, GATE_RY, 2, angle_weight(2)); /* wire 2 is not measured */
	program_cnot(p, 0, 1);
	program_rotation(p, GATE_RZ, 0, angle_weight(3)); /* in front of Z */
	program_observe(p, PAULI_Z, 0);
	program_observe(p, PAULI_Z, 1);
	struct circuit_terms terms = found(p);
	assert_int_equal(terms.reach[0], TERM_VANISHES);
	assert_int_equal(terms.reach[1], TERM_LIVE);
	assert_int_equal(terms.reach[2], TERM_APART);
	assert_int_equal(terms.reach[3], TERM_COMMUTES);
	circuit_terms_free(&terms);
	program_free(p);
}

static struct circuit_program *random_program(struct philox *rng)
{
	static const enum gate gates[] = {GATE_H,  GATE_S,  GATE_T,  GATE_X,    GATE_RX, GATE_RY,
	                                  GATE_RZ, GATE_RZ, GATE_RX, GATE_CNOT, GATE_CZ, GATE_SWAP};
	int n = 2 + (int)philox_below(rng, 3), weights = 0, ops = 4 + (int)philox_below(rng, 10);
	struct circuit_program *p = program_new(n);
	for (int k = 0; k < ops || weights == 0; k++) {
		enum gate gate = gates[philox_below(rng, 12)];
		int wire = (int)philox_below(rng, (uint32_t)n);
		int other = (wire + 1 + (int)philox_below(rng, (uint32_t)n - 1)) % n;
		if (gate_takes_angle(gate))
			program_rotation(p, gate, wire, angle_weight(weights++));
		else if (gate_wires(gate) == 2)
			program_gate2(p, gate, wire, other);
		else
			program_gate(p, gate, wire);
	}
	program_observe(p, (enum pauli)philox_below(rng, 3), (int)philox_below(rng, (uint32_t)n));
	return p;
}

/* The gradient of an angle that cannot learn is 0 wherever one looks, that of another one is not everywhere. */
static void gradients_agree(void **state)
{
	(void)state;
	struct philox rng;
	struct qlstm_error error = {0};
	philox_open(&rng, 5, PHILOX_TEST, 1);
	int dead = 0, live = 0;
	for (int k = 0; k < 300; k++) {
		struct circuit_program *p = random_program(&rng);
		struct circuit_terms terms = found(p);
		struct plan *plan;
		if (plan_new(&plan, p, "reference", &error) != 0)
			fail_msg("%s", error.message);
		double *weights = calloc((size_t)p->n_weights, sizeof *weights),
		       *most = calloc((size_t)p->n_weights, 8);
		for (int at = 0; at < 3; at++) {
			double *gradient = calloc((size_t)p->n_weights, sizeof *gradient), one = 1, none = 0;
			for (int w = 0; w < p->n_weights; w++)
				weights[w] = 6 * philox_uniform(&rng);
			plan_backward(plan, &none, weights, 1, &one, &none, gradient);
			for (int w = 0; w < p->n_weights; w++)
				most[w] = fmax(most[w], fabs(gradient[w]));
			free(gradient);
		}
		for (int w = 0; w < p->n_weights; w++) {
			bool can = terms.reach[w] == TERM_LIVE;
			if (can != (most[w] > 1e-12))
				fail_msg("circuit %d, angle %d: reach %d, gradient %g", k, w, terms.reach[w], most[w]);
			live += can;
			dead += !can;
		}
		free(weights);
		free(most);
		plan_free(plan);
		circuit_terms_free(&terms);
		program_free(p);
	}
	assert_true(dead > 100 && live > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_product_of_cosines),
	    cmocka_unit_test(reasons),
	    cmocka_unit_test(gradients_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
