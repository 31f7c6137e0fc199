/* The local plan's program: a straight line of instructions on rows. Internal to engine/circuit.
 *
 * A row holds one number per sample of a tile. Rows, in this order: the number one; cosine and sine of the shared
 * angles (weights, constants); results that depend on those only, computed once per call; cosine and sine of the
 * features' angles; results computed once per tile. */
#ifndef QLSTM_CIRCUIT_LOCAL_CODE_H
#define QLSTM_CIRCUIT_LOCAL_CODE_H

#include "engine/circuit/local_graph.h"
#include "engine/circuit/program.h"

/* X(enumerator, value, SLOPE(operand, cotangent of the operand) for each operand, g being that of the result) */
#define LOCAL_OPERATIONS(X)                                                                                            \
	X(LOCAL_ADD, a + b, SLOPE(a, g) SLOPE(b, g))                                                                   \
	X(LOCAL_SUBTRACT, a - b, SLOPE(a, g) SLOPE(b, -g))                                                             \
	X(LOCAL_MULTIPLY, a *b, SLOPE(a, g *b) SLOPE(b, g *a))                                                         \
	X(LOCAL_MULTIPLY_ADD, a *b + c, SLOPE(a, g * b) SLOPE(b, g * a) SLOPE(c, g))                                   \
	X(LOCAL_MULTIPLY_SUBTRACT, a *b - c, SLOPE(a, g * b) SLOPE(b, g * a) SLOPE(c, -g))                             \
	X(LOCAL_SUBTRACT_PRODUCT, c - a * b, SLOPE(a, -g * b) SLOPE(b, -g * a) SLOPE(c, g))                            \
	X(LOCAL_SUM_OF_PRODUCTS, a *b + c * d, SLOPE(a, g * b) SLOPE(b, g * a) SLOPE(c, g * d) SLOPE(d, g * c))        \
	X(LOCAL_DIFFERENCE_OF_PRODUCTS, a *b - c * d, SLOPE(a, g * b) SLOPE(b, g * a) SLOPE(c, -g * d) SLOPE(d, -g * c))

enum local_operation {
#define X(id, value, slopes) id,
	LOCAL_OPERATIONS(X)
#undef X
};

struct local_instruction {
	uint32_t operation, in[4]; /* rows; unused ones repeat the first */
};

/* sign * row; sign 0 for an output that is always zero. */
struct local_output {
	uint32_t row;
	int sign;
};

struct local_code {
	int n_shared_slots, n_slots; /* the shared ones come first */
	struct angle *slots;
	struct local_instruction *instructions; /* the i-th writes the i-th result row */
	uint32_t n_shared, n_instructions;      /* the shared ones come first */
	struct local_output *outputs;
	int n_outputs;
};

/* The first of the rows that differ from sample to sample. */
static inline size_t local_code_lane_rows(const struct local_code *code)
{
	return 1 + 2 * (size_t)code->n_shared_slots + code->n_shared;
}

/* The cosine of a slot; its sine is the next row. */
static inline size_t local_code_slot_row(const struct local_code *code, int slot)
{
	bool shared = slot < code->n_shared_slots;
	return shared ? 1 + 2 * (size_t)slot : local_code_lane_rows(code) + 2 * (size_t)(slot - code->n_shared_slots);
}

static inline size_t local_code_result_row(const struct local_code *code, uint32_t instruction)
{
	bool shared = instruction < code->n_shared;
	return instruction + 1 + 2 * (size_t)(shared ? code->n_shared_slots : code->n_slots);
}

static inline size_t local_code_rows(const struct local_code *code)
{
	return 1 + 2 * (size_t)code->n_slots + code->n_instructions;
}

/* Keeps what the outputs need and fuses sums with products. `slots` are those that the graph's nodes name. NULL when
 * out of memory. */
struct local_code *local_code_new(const struct local_graph *graph, const struct angle *slots, int n_slots,
                                  const local_ref *outputs, int n_outputs);

/* Compiles a program: the shortest of several ways to divide it into strings and kept gates. NULL when every way is too
 * long or entangles too many wires, and when out of memory. */
struct local_code *local_code_compile(const struct circuit_program *program);
void local_code_free(struct local_code *code);

#endif
