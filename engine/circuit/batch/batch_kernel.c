/* The batch plan's inner loops. The samples of a tile lie innermost, so that every gate is the same arithmetic on whole
 * vectors: no shuffles, and every wire costs the same. Compiled once per instruction set, whose
 * name -DKERNEL_ISA gives, and once more for float32 (batch_kernel_f32.c). */
#include "engine/circuit/batch/batch_load.h"
#include "engine/circuit/batch/batch_measure.h"
#include "engine/circuit/batch/batch_pack.h"
#include "engine/circuit/batch/batch_product.h"
#include "engine/circuit/batch/batch_steps.h"

#include <string.h>

static void clear_set(const struct batch_circuit *circuit, const struct batch_set *set, size_t pieces)
{
	size_t slots = (size_t)(circuit->n_slots - circuit->n_feature_slots);
	memset(set->gradient, 0, pieces * slots * sizeof(vec));
	memset(set->turn_slopes, 0, pieces * (size_t)circuit->n_gates * sizeof(vec));
	memset(set->slopes, 0, pieces * ((size_t)circuit->n_diagonals << circuit->n_wires) * sizeof(vec));
}

/* Moves what has accumulated in vectors of samples to the totals of the set, or in packed tiles of the set that each
 * lane is of; lanes left over hold zeros there. */

struct totals {
	size_t pieces; /* of the virtual lanes, which all belong to one set; 0: each lane of a register has its own */
	size_t lanes;
	double *of[WIDTH];
};

/* `stride`: between the pieces of a row. */
static void add_total(const struct totals *totals, int slot, const vec *row, size_t stride, bool negative)
{
	double sign = negative ? -1.0 : 1.0;
	if (totals->pieces > 0)
		totals->of[0][slot] += sign * pieces_total(row, stride);
	for (size_t l = 0; l < totals->lanes; l++)
		totals->of[l][slot] += sign * (double)(*row)[l];
}

static void total_set(const struct batch_circuit *circuit, const struct batch_set *set, const struct totals *totals)
{
	int features = circuit->n_feature_slots;
	size_t size = (size_t)1 << circuit->n_wires, slots = (size_t)(circuit->n_slots - features);
	size_t gates = (size_t)circuit->n_gates, diagonals = size * (size_t)circuit->n_diagonals;
	vec *gradient = set->gradient, *turn_slopes = set->turn_slopes;
	for (int i = 0; i < circuit->n_slots - features; i++)
		add_total(totals, i, &gradient[i], slots, false);
	for (int i = 0; i < circuit->n_gates; i++) {
		const struct batch_gate *gate = &circuit->gates[i];
		if (gate->string.x != 0 && gate->slot >= features)
			add_total(totals, gate->slot - features, &turn_slopes[i], gates, gate->string.negative);
	}
	for (int i = 0; i < circuit->n_steps; i++) {
		const struct batch_step *step = &circuit->steps[i];
		if (step->kind != STEP_DIAGONAL || !step->trainable)
			continue;
		vec *slopes = (vec *)set->slopes + size * (size_t)step->diagonal;
		for (size_t piece = 0; piece == 0 || piece < totals->pieces; piece++)
			parity_sums(slopes + piece * diagonals, size);
		for (int g = 0; g < step->n_gates; g++)
			add_total(totals, step->gates[g].slot - features, &slopes[step->gates[g].string.z], diagonals,
			          step->gates[g].string.negative);
	}
}

/* The sets whose tables the loaded tiles use. */
static struct batch_set *tile_sets(const struct tile *tile, const struct batch_call *call, size_t *count)
{
	*count = call->packed ? tile->tiles : (size_t)call->n_sets;
	return call->packed ? tile->memory->packed : tile->memory->sets;
}

static void clear_tiles(const struct tile *tile, const struct batch_call *call)
{
	size_t count;
	struct batch_set *sets = tile_sets(tile, call, &count);
	for (size_t k = 0; k < count; k++)
		clear_set(tile->circuit, &sets[k], call->packed ? 1 : PIECES);
}

static void total_tiles(const struct tile *tile, const struct batch_call *call)
{
	size_t count;
	struct batch_set *sets = tile_sets(tile, call, &count);
	for (size_t k = 0; k < count; k++) {
		struct totals totals = {call->packed ? 0 : PIECES, 0, {sets[k].totals}};
		size_t pairs = call->packed ? call->batch - k * WIDTH : 0;
		for (size_t l = 0; l < pairs && l < WIDTH; l++) {
			totals.lanes = l + 1;
			totals.of[l] = pack_lane(tile->memory, call, k, l)->totals;
		}
		total_set(tile->circuit, &sets[k], &totals);
	}
}

static void store_weights(const struct batch_circuit *circuit, const struct batch_set *set, double *d_weights)
{
	for (int i = circuit->n_feature_slots; i < circuit->n_slots; i++)
		if (circuit->slots[i].source == ANGLE_WEIGHT)
			d_weights[circuit->slots[i].index] += set->totals[i - circuit->n_feature_slots];
}

/* One tile, one set of weights. */

ALWAYS_INLINE void prepare(const struct tile *tile, int n, bool first_set)
{
	const struct batch_circuit *circuit = tile->circuit;
	void **states = tile->states;
	if (first_set || !circuit->prefix_shared) {
		if (circuit->joined)
			real_halves(tile, n);
		else if (circuit->prefix_parts == 1)
			real_product(tile, n, states[0]);
		else
			complex_product(tile, n, states[0]);
	}
	if (circuit->joined)
		joined_forward(tile, n, states[1]);
	for (int i = circuit->joined; i < circuit->n_steps; i++)
		step_forward(tile, n, &circuit->steps[i], states[i], states[i + 1]);
}

ALWAYS_INLINE void backpropagate(const struct tile *tile, int n)
{
	const struct batch_circuit *circuit = tile->circuit;
	void **states = tile->states;
	for (int i = circuit->n_steps - 1; i >= circuit->joined; i--) {
		const struct batch_step *step = &circuit->steps[i];
		bool rotates = batch_step_rotates(step);
		if (step->undone && !rotates)
			step_undo(tile, n, step, states[i]);
		step_backward(tile, n, step, states[rotates ? i + 1 : i], tile->memory->lambda);
	}
}

/* A prefix without weights is the same for all sets: its gradient is that of the sum of their lambdas, or of these
 * contracted with its halves. */
ALWAYS_INLINE void finish(const struct tile *tile, int n, int set, int n_sets)
{
	const struct batch_circuit *circuit = tile->circuit;
	vec *lambda = tile->memory->lambda, *sum = tile->memory->lambda_sum;
	size_t size = (size_t)1 << n, parts = (size_t)circuit->prefix_parts;
	if (circuit->joined) {
		joined_backward(tile, n, set == 0 || !circuit->prefix_shared, tile->memory->lambda);
		if (set + 1 == n_sets || !circuit->prefix_shared)
			real_halves_backward(tile, n);
		return;
	}
	if (circuit->prefix_shared && n_sets > 1) {
		RUNS(first, size)
		{
			vec *to = sum + parts * batch_place(first), *from = lambda + parts * batch_place(first);
			for (size_t k = 0; k < parts * run_length(size); k++)
				to[k] = set == 0 ? from[k] : to[k] + from[k];
		}
		if (set + 1 < n_sets)
			return;
		lambda = sum;
	}
	if (circuit->prefix_parts == 1)
		real_product_backward(tile, n, lambda);
	else
		complex_product_backward(tile, n, (struct amplitude *)lambda);
}

ALWAYS_INLINE void run_tile(struct tile *tile, int n, const struct batch_call *call)
{
	size_t outputs = (size_t)tile->circuit->n_observables * call->batch;
	load_lanes(tile);
	for (int set = 0; set < call->n_sets; set++) {
		tile->set = tile->packed ? &tile->memory->packed[tile->at] : &tile->memory->sets[set];
		prepare(tile, n, set == 0);
		if (call->outputs != NULL) {
			measure(tile, n, call->outputs + (size_t)set * outputs, call->batch);
			continue;
		}
		measure_backward(tile, n, call->d_outputs + (size_t)set * outputs, call->batch);
		backpropagate(tile, n);
		finish(tile, n, set, call->n_sets);
	}
}

/* The number of wires as a constant where loops are short. From 5 wires on that gains nothing. */
static void run_any(struct tile *tile, const struct batch_call *call)
{
	int n = tile->circuit->n_wires;
	if (n < 5)
		__builtin_unreachable();
	run_tile(tile, n, call);
}

#define RUN(n)                                                                                                         \
	static void run_##n(struct tile *tile, const struct batch_call *call)                                          \
	{                                                                                                              \
		run_tile(tile, n, call);                                                                               \
	}
#define CONSTANT_WIRES(X) X(1) X(2) X(3) X(4)

CONSTANT_WIRES(RUN)

static void (*const runs[])(struct tile *tile, const struct batch_call *call) = {
#define RUN_ROW(n) [n] = run_##n,
    CONSTANT_WIRES(RUN_ROW)
#undef RUN_ROW
};

static void run_tiles(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call,
                      size_t end)
{
	bool constant = (size_t)circuit->n_wires < sizeof runs / sizeof *runs;
	struct tile tile = {.circuit = circuit, .memory = memory, .set = memory->sets, .packed = call->packed};
	tile.states = call->outputs != NULL ? memory->states : memory->kept_states;
	for (size_t first = 0, samples; first < end; first += samples) {
		samples = end - first < BATCH_ROWS * VIRTUAL_LANES ? end - first : BATCH_ROWS * VIRTUAL_LANES;
		tile.first = first;
		tile.tiles = (samples + WIDTH - 1) / WIDTH;
		load_features(&tile, call, samples);
		if (call->d_outputs != NULL)
			clear_tiles(&tile, call);
		for (tile.at = 0; tile.at < tile.tiles; tile.at++) {
			tile.first = first + tile.at * WIDTH;
			tile.piece = call->packed ? 0 : tile.at % PIECES;
			tile.used = end - tile.first < WIDTH ? end - tile.first : WIDTH;
			(constant ? runs[circuit->n_wires] : run_any)(&tile, call);
		}
		tile.first = first;
		tile.at = 0;
		if (call->d_features != NULL)
			store_features(&tile, call, samples);
		if (call->d_weights != NULL)
			total_tiles(&tile, call);
	}
}

static void run(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call)
{
	size_t left = pack_samples(memory, call);
	load_sets(circuit, memory, call);
	if (left < call->batch)
		run_tiles(circuit, memory, call, call->batch - left);
	if (left == 0)
		return;
	struct batch_call packed = pack_call(circuit, memory, call, left);
	run_tiles(circuit, memory, &packed, packed.batch);
	pack_results(circuit, call, &packed, left);
}

static void backward(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call)
{
	size_t slots = (size_t)(circuit->n_slots - circuit->n_feature_slots);
	for (int set = 0; set < call->n_sets; set++)
		memset(memory->sets[set].totals, 0, slots * sizeof(double));
	run(circuit, memory, call);
	for (int set = 0; set < call->n_sets && call->d_weights != NULL; set++)
		store_weights(circuit, &memory->sets[set], call->d_weights + (size_t)set * call->weights_per_set);
}

#ifdef KERNEL_FLOAT32
#define TABLE_NAME(isa) batch_kernels_f32_##isa
#else
#define TABLE_NAME(isa) batch_kernels_##isa
#endif
#define TABLE(isa) TABLE_NAME(isa)

extern const struct batch_kernels TABLE(KERNEL_ISA);

const struct batch_kernels TABLE(KERNEL_ISA) = {
    .row_bytes = VECTOR_BYTES,
    .number_bytes = sizeof(real),
    .forward = run,
    .backward = backward,
};
