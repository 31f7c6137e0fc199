/* The batch plan's inner loops. The samples of a tile lie innermost, so that every gate is the same arithmetic on whole
 * vectors: no shuffles, and every wire costs the same. Compiled once per instruction set, whose
 * name -DKERNEL_ISA gives, and once more for float32 (batch_kernel_f32.c). */
#include "engine/circuit/batch_load.h"
#include "engine/circuit/batch_measure.h"
#include "engine/circuit/batch_product.h"
#include "engine/circuit/batch_steps.h"

#include <string.h>

/* Moves what has accumulated in vectors of samples to the totals. */

static double lane_total(vec v)
{
	double sum = 0.0;
	for (size_t l = 0; l < WIDTH; l++)
		sum += (double)v[l];
	return sum;
}

static void total_set(const struct batch_circuit *circuit, const struct batch_set *set)
{
	int features = circuit->n_feature_slots;
	size_t size = (size_t)1 << circuit->n_wires;
	vec *gradient = set->gradient;
	for (int i = features; i < circuit->n_slots; i++) {
		set->totals[i - features] += lane_total(gradient[i - features]);
		gradient[i - features] = (vec){0};
	}
	vec *turn_slopes = set->turn_slopes;
	for (int i = 0; i < circuit->n_gates; i++) {
		const struct batch_gate *gate = &circuit->gates[i];
		if (gate->string.x == 0 || gate->slot < features)
			continue;
		double sum = lane_total(turn_slopes[i]);
		set->totals[gate->slot - features] += gate->string.negative ? -sum : sum;
		turn_slopes[i] = (vec){0};
	}
	for (int i = 0; i < circuit->n_steps; i++) {
		const struct batch_step *step = &circuit->steps[i];
		if (step->kind != STEP_DIAGONAL)
			continue;
		vec *slopes = (vec *)set->slopes + size * (size_t)step->diagonal;
		if (step->trainable)
			parity_sums(slopes, size);
		for (int g = 0; g < step->n_gates && step->trainable; g++) {
			double sum = lane_total(slopes[step->gates[g].string.z]);
			set->totals[step->gates[g].slot - features] += step->gates[g].string.negative ? -sum : sum;
		}
		memset(slopes, 0, size * sizeof *slopes);
	}
}

static void clear_set(const struct batch_circuit *circuit, const struct batch_set *set)
{
	size_t slots = (size_t)(circuit->n_slots - circuit->n_feature_slots);
	memset(set->gradient, 0, slots * sizeof(vec));
	memset(set->turn_slopes, 0, (size_t)circuit->n_gates * sizeof(vec));
	memset(set->slopes, 0, ((size_t)circuit->n_diagonals << circuit->n_wires) * sizeof(vec));
	memset(set->totals, 0, slots * sizeof(double));
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
		if (circuit->prefix_parts == 1)
			real_product(tile, n, states[0]);
		else
			complex_product(tile, n, states[0]);
	}
	for (int i = 0; i < circuit->n_steps; i++)
		step_forward(tile, n, &circuit->steps[i], states[i], states[i + 1]);
}

ALWAYS_INLINE void go_back(const struct tile *tile, int n)
{
	const struct batch_circuit *circuit = tile->circuit;
	void **states = tile->states;
	for (int i = circuit->n_steps - 1; i >= 0; i--) {
		if (states[i] == states[i + 1])
			step_undo(tile, n, &circuit->steps[i], states[i]);
		step_backward(tile, n, &circuit->steps[i], states[i], tile->memory->lambda);
	}
}

/* A prefix without weights is the same for all sets: its gradient is that of the sum of their lambdas. */
ALWAYS_INLINE void finish(const struct tile *tile, int n, int set, int n_sets)
{
	const struct batch_circuit *circuit = tile->circuit;
	vec *lambda = tile->memory->lambda, *sum = tile->memory->lambda_sum;
	size_t count = (size_t)circuit->prefix_parts << n;
	if (circuit->prefix_shared && n_sets > 1) {
		for (size_t k = 0; k < count && set == 0; k++)
			sum[k] = lambda[k];
		for (size_t k = 0; k < count && set > 0; k++)
			sum[k] += lambda[k];
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
		tile->set = &tile->memory->sets[set];
		prepare(tile, n, set == 0);
		if (call->outputs != NULL) {
			measure(tile, n, call->outputs + (size_t)set * outputs, call->batch);
			continue;
		}
		measure_backward(tile, n, call->d_outputs + (size_t)set * outputs, call->batch);
		go_back(tile, n);
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

static void run_tiles(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call)
{
	bool constant = (size_t)circuit->n_wires < sizeof runs / sizeof *runs;
	struct tile tile = {.circuit = circuit, .memory = memory, .set = memory->sets};
	tile.states = call->outputs != NULL ? memory->states : memory->kept_states;
	load_sets(circuit, memory, call);
	for (size_t first = 0, samples; first < call->batch; first += samples) {
		samples = call->batch - first < BATCH_TILES * WIDTH ? call->batch - first : BATCH_TILES * WIDTH;
		tile.first = first;
		tile.tiles = (samples + WIDTH - 1) / WIDTH;
		load_features(&tile, call, samples);
		for (tile.at = 0; tile.at < tile.tiles; tile.at++) {
			tile.first = first + tile.at * WIDTH;
			tile.used = call->batch - tile.first < WIDTH ? call->batch - tile.first : WIDTH;
			(constant ? runs[circuit->n_wires] : run_any)(&tile, call);
		}
		tile.first = first;
		tile.at = 0;
		if (call->d_features != NULL)
			store_features(&tile, call, samples);
		for (int set = 0; set < call->n_sets && call->d_weights != NULL; set++)
			total_set(circuit, &memory->sets[set]);
	}
}

static void backward(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call)
{
	for (int set = 0; set < call->n_sets; set++)
		clear_set(circuit, &memory->sets[set]);
	run_tiles(circuit, memory, call);
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
    .block_gates = VECTOR_BYTES == 64 ? 4 : 3,
    .forward = run_tiles,
    .backward = backward,
};
