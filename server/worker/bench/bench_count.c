/* How many floating-point operations a statevector needs. */
#include "server/worker/bench/bench_count.h"

#include <math.h>

enum effect { PERMUTES, TURNS, DIAGONAL }; /* what is not listed permutes */

static const enum effect effects[GATE_COUNT] = {
    [GATE_RX] = TURNS, [GATE_RY] = TURNS, [GATE_H] = TURNS, [GATE_RZ] = DIAGONAL, [GATE_T] = DIAGONAL};

static bool reads_z(const struct circuit_program *program)
{
	for (int o = 0; o < program->n_observables; o++)
		if (program->observables[o].x != 0)
			return false;
	return true;
}

/* Whether only permutations and phases follow on the wires that a gate's phase spreads to: then a readout of Z does not
 * see it. */
static bool is_unseen(const struct circuit_program *program, int gate)
{
	uint32_t wires = (uint32_t)1 << program->ops[gate].wires[0];
	for (int k = gate + 1; k < program->n_ops; k++) {
		const struct circuit_op *op = &program->ops[k];
		uint32_t first = (uint32_t)1 << op->wires[0],
		         second = op->wires[1] >= 0 ? (uint32_t)1 << op->wires[1] : 0;
		if (((first | second) & wires) == 0)
			continue;
		if (second == 0 && effects[op->gate] == TURNS)
			return false;
		wires |= first | second;
	}
	return true;
}

struct bench_count bench_count_program(const struct circuit_program *program)
{
	bool entangled[CIRCUIT_MAX_WIRES] = {false}, open[CIRCUIT_MAX_WIRES] = {false};
	int depth[CIRCUIT_MAX_WIRES] = {0}, turns = 0, diagonals = 0;
	bool z = reads_z(program);
	for (int k = 0; k < program->n_ops; k++) {
		const struct circuit_op *op = &program->ops[k];
		int wire = op->wires[0];
		if (op->wires[1] >= 0) {
			entangled[wire] = entangled[op->wires[1]] = true;
			open[wire] = open[op->wires[1]] = false;
			continue;
		}
		if (!entangled[wire])
			continue;
		enum effect effect = effects[op->gate];
		if (effect == DIAGONAL && z && is_unseen(program, k))
			continue;
		turns += effect == TURNS;
		depth[wire] += effect == DIAGONAL && !open[wire];
		open[wire] = effect == DIAGONAL || (effect == PERMUTES && open[wire]);
		diagonals = depth[wire] > diagonals ? depth[wire] : diagonals;
	}
	double amplitudes = ldexp(1.0, program->n_wires), passes = turns + diagonals;
	return (struct bench_count){amplitudes * (2.0 + 6.0 * passes + 5.0), amplitudes * (8.0 + 10.0 * passes + 3.0)};
}

double bench_count_neurons(const struct qrnn_config *shape)
{
	double rotations = shape->stages * shape->workspace, neurons = rotations + shape->workspace;
	double words = 1 << shape->input_bits, output = 2 * (words - 1) + 2 * words;
	return (double)(1 << shape->workspace) * (neurons * (3 + 8) + rotations * (3 + 6) + 3 * output);
}
