/* The cell of quantum neurons against the circuit that it stands for: ancillas, multi-controlled rotations, and a
 * projection of every ancilla on 0, on a register. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/circuit/register/register.h"
#include "tests/unit/neuron_fixture.h"

#define PI 3.14159265358979323846

enum { OPS_MOST = 64 };

/* Wires: in/out lanes, workspace lanes, ancillas. */
struct circuit {
	const struct neuron_shape *shape;
	struct register_state *reg;
	struct register_op ops[OPS_MOST]; /* not yet run */
	int n_ops;
	const double *parameters; /* the neuron's: weights, theta */
	int target;
};

static void add_gate(struct circuit *circuit, enum gate gate, int wire, uint32_t controls, double angle)
{
	assert_true(circuit->n_ops < OPS_MOST);
	struct register_op *op = &circuit->ops[circuit->n_ops++];
	*op = (struct register_op){.gate = gate, .wires = {wire, -1}, .controls = controls};
	if (gate_takes_angle(gate))
		op->angle = angle_constant(angle);
}

static void run_gates(struct circuit *circuit)
{
	const struct register_inputs none = {0};
	struct register_sequence *sequence;
	struct qlstm_error error = {0};
	if (register_prepare(&sequence, circuit->reg, circuit->ops, circuit->n_ops, &error) != 0)
		fail_msg("%s %s", error.pointer, error.message);
	assert_int_equal(register_evolve(circuit->reg, sequence, &none, false, NULL), 0);
	register_sequence_free(sequence);
	circuit->n_ops = 0;
}

static int ancilla(const struct circuit *circuit, int k)
{
	return circuit->shape->workspace + circuit->shape->input_bits + k;
}

static void project_on_zero(struct circuit *circuit, int wire)
{
	const uint32_t zero = 0;
	run_gates(circuit);
	assert_int_equal(register_project(circuit->reg, 1u << wire, &zero, false, NULL, NULL, NULL), 0);
}

/* The rotations by eta on the first ancilla: one for each set of sources, then bias and theta; backwards to undo. */
static void rotate_by_eta(struct circuit *circuit, double sign)
{
	const struct neuron_shape *shape = circuit->shape;
	int lanes[16], n = shape->workspace + shape->input_bits - 1, wire = ancilla(circuit, 0);
	int start = circuit->n_ops;
	size_t weight = 0;
	plain_sources(shape, circuit->target, lanes);
	for (int size = 1; size <= shape->degree && size <= n; size++)
		for (int set = (1 << n) - 1; set > 0; set--) {
			uint32_t controls = 0;
			if (__builtin_popcount((unsigned)set) != size)
				continue;
			for (int k = 0; k < n; k++)
				if ((set >> (n - 1 - k) & 1) != 0)
					controls |= 1u << lanes[k];
			add_gate(circuit, GATE_RY, wire, controls, sign * circuit->parameters[weight++]);
		}
	add_gate(circuit, GATE_RY, wire, 0, sign * shape->bias);
	add_gate(circuit, GATE_RY, wire, 0, sign * circuit->parameters[weight]);
	for (int a = start, b = circuit->n_ops - 1; sign < 0 && a < b; a++, b--) {
		struct register_op swap = circuit->ops[a];
		circuit->ops[a] = circuit->ops[b];
		circuit->ops[b] = swap;
	}
}

static void add_block(struct circuit *circuit, int k, bool dagger)
{
	int next = k + 1 < circuit->shape->order ? ancilla(circuit, k + 1) : circuit->target;
	uint32_t control = 1u << ancilla(circuit, k);
	if (k == 0) {
		rotate_by_eta(circuit, 1.0);
		add_gate(circuit, GATE_RY, next, control, dagger ? -PI : PI);
		rotate_by_eta(circuit, -1.0);
	} else {
		add_block(circuit, k - 1, false);
		add_gate(circuit, GATE_RY, next, control, dagger ? -PI : PI);
		add_block(circuit, k - 1, true);
	}
	project_on_zero(circuit, ancilla(circuit, k));
}

/* Neurons on lanes first .. end - 1. */
static const double *add_neurons(struct circuit *circuit, const double *parameters, int first, int end)
{
	for (circuit->target = first; circuit->target < end; circuit->target++) {
		circuit->parameters = parameters;
		add_block(circuit, circuit->shape->order - 1, false);
		parameters += neuron_weights(circuit->shape) + 1;
	}
	return parameters;
}

static void flip_word(struct circuit *circuit, int word)
{
	int bits = circuit->shape->input_bits;
	for (int lane = 0; lane < bits; lane++)
		if ((word >> (bits - 1 - lane) & 1) != 0)
			add_gate(circuit, GATE_X, lane, 0, 0);
}

static void circuit_step(struct circuit *circuit, const double *parameters, int input, uint32_t outcome, double *p)
{
	int bits = circuit->shape->input_bits, end = bits + circuit->shape->workspace;
	uint32_t in_out = (1u << bits) - 1;
	flip_word(circuit, input);
	parameters = add_neurons(circuit, parameters, bits, end);
	for (int stage = 0; stage < circuit->shape->stages; stage++) {
		for (int lane = bits; lane < end; lane++)
			add_gate(circuit, GATE_RY, lane, 0, *parameters++);
		parameters = add_neurons(circuit, parameters, bits, end);
	}
	flip_word(circuit, input);
	add_neurons(circuit, parameters, 0, bits);
	assert_int_equal(register_probabilities(circuit->reg, in_out, p, NULL), 0);
	assert_int_equal(register_project(circuit->reg, in_out, &outcome, false, NULL, NULL, NULL), 0);
	flip_word(circuit, (int)outcome);
	run_gates(circuit);
}

static void check_circuit(struct oracle_random *random, struct neuron_shape shape, int steps)
{
	struct network network = network_new(shape, steps, 1);
	size_t words = network_words(&network);
	double p[PLAIN_STEPS * PLAIN_WORDS], of_circuit[PLAIN_WORDS];
	const struct register_shape register_shape = {.n_wires = shape.workspace + shape.input_bits + shape.order,
	                                              .samples = 1};
	struct circuit circuit = {.shape = &shape};
	network_draw(&network, random);
	network_run(&network, network.parameters, p, NULL, NULL);
	assert_int_equal(register_open(&circuit.reg, NULL, &register_shape, NULL), 0);
	for (size_t t = 0; t < (size_t)steps; t++) {
		circuit_step(&circuit, network.parameters, network.inputs[t], network.outcomes[t], of_circuit);
		for (size_t w = 0; w < words; w++)
			if (!(fabs(of_circuit[w] - p[t * words + w]) <= 1e-12))
				fail_msg("order %d, degree %d, step %zu, word %zu: circuit %.17g, cell %.17g",
				         shape.order, shape.degree, t, w, of_circuit[w], p[t * words + w]);
	}
	register_close(circuit.reg);
	network_free(&network);
}

static void test_is_the_circuit(void **state)
{
	(void)state;
	struct oracle_random random = {1};
	for (int order = 1; order <= 3; order++)
		for (int degree = 1; degree <= 4; degree++) {
			check_circuit(&random, (struct neuron_shape){3, 1, order, degree, 2, PI / 2}, 3);
			check_circuit(&random, (struct neuron_shape){2, 2, order, degree, 1, PI / 4}, 3);
		}
	check_circuit(&random, (struct neuron_shape){1, 1, 2, 2, 1, PI / 2}, 4);
	check_circuit(&random, (struct neuron_shape){2, 1, 2, 3, 3, PI / 2}, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_is_the_circuit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
