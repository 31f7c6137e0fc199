/* The local plan's programs: straight lines of instructions on rows. Internal to engine/circuit.
 *
 * A row holds one number per sample of a tile. Row 0 holds ones, then come the totals over the samples, which stay from
 * tile to tile as do the rows of PHASE_BEFORE; all others are used again once their number is not needed any more. What
 * is computed once, before or after the tiles, is computed in a row's first lanes only. */
#ifndef QLSTM_CIRCUIT_LOCAL_CODE_H
#define QLSTM_CIRCUIT_LOCAL_CODE_H

#include "engine/circuit/local/local_circuit.h"

/* 16 samples in float64, 32 in float32. Rows are aligned to as much as a register has. */
#define LOCAL_ROW_BYTES 128

/* Of an instruction; those beyond what its operation takes repeat the first one. */
#define LOCAL_OPERANDS 4

/* X(enumerator, value); what multiplies and adds does so in one rounding (engine/vector/fused.h). */
#define LOCAL_OPERATIONS(X)                                                                                            \
	X(LOCAL_ADD, a + b)                                                                                            \
	X(LOCAL_SUBTRACT, a - b)                                                                                       \
	X(LOCAL_MULTIPLY, a *b)                                                                                        \
	X(LOCAL_MULTIPLY_ADD, fma_vec(a, b, c))                                                                        \
	X(LOCAL_MULTIPLY_SUBTRACT, fms_vec(a, b, c))                                                                   \
	X(LOCAL_SUBTRACT_PRODUCT, fnma_vec(a, b, c))                                                                   \
	X(LOCAL_SUM_OF_PRODUCTS, fma_vec(a, b, c *d))                                                                  \
	X(LOCAL_DIFFERENCE_OF_PRODUCTS, fms_vec(a, b, c *d))

enum local_operation {
#define X(id, value) id,
	LOCAL_OPERATIONS(X)
#undef X
	    LOCAL_OPERATION_COUNT
};

/* Rows, as bytes from the first. */
struct local_instruction {
	uint32_t out, in[LOCAL_OPERANDS];
};

/* That many instructions in a row do the same operation. */
struct local_run {
	uint32_t operation, count;
};

/* An angle whose cosine and sine are written to these rows. */
struct local_angle {
	struct local_slot slot;
	uint32_t cosine, sine;
};

/* A cotangent to read, or a result to hand over: sign * row; sign 0 for what is always zero. `index` is that of the
 * output, the feature or the weight. */
struct local_port {
	int index, sign;
	enum encoder encoder; /* of a feature, whose derivative is to be multiplied with */
	uint32_t row;
};

struct local_ports {
	struct local_port *at;
	int count;
};

struct local_code {
	struct local_angle *angles; /* first those of weights and constants */
	int n_shared_angles, n_angles;
	struct local_ports cotangents; /* read for every tile */
	struct local_ports results;    /* handed over after every tile: outputs, or gradients of features */
	struct local_ports weights;    /* handed over after the last tile: gradients of weights */
	uint32_t n_totals;             /* rows, from row 1 on */
	uint32_t n_spread;             /* rows after those: computed before the tiles, which take them */
	uint32_t n_rows;
	struct local_run *runs; /* by phase, one after the other */
	struct local_instruction *instructions;
	uint32_t n_runs[LOCAL_PHASES], n_instructions[LOCAL_PHASES];
};

/* What to compute and where it goes, as in local_port. */
struct local_goal {
	local_ref value;
	int index;
	enum encoder encoder;
};

struct local_goals {
	const struct local_goal *results, *weights;
	int n_results, n_weights;
	const local_ref *totals; /* local_gradient.h */
	int n_totals;
};

/* Keeps what the goals need, fuses sums with products, orders the steps and assigns rows (local_steps.h,
 * local_schedule.h). NULL when out of
 * memory. */
struct local_code *local_code_new(const struct local_circuit *circuit, const struct local_goals *goals);
void local_code_free(struct local_code *code); /* NULL is fine */

static inline size_t local_code_bytes(const struct local_code *code)
{
	size_t bytes = (size_t)code->n_angles * sizeof *code->angles;
	for (int phase = 0; phase < LOCAL_PHASES; phase++)
		bytes +=
		    code->n_instructions[phase] * sizeof *code->instructions + code->n_runs[phase] * sizeof *code->runs;
	return bytes;
}

#endif
