/* The batch plan's inner loops. The samples of a tile lie innermost, so that every gate is the same arithmetic on whole
 * vectors: no shuffles, and every wire costs the same. Compiled once per instruction set, whose
 * name -DKERNEL_ISA gives, and once more for float32 (batch_kernel_f32.c). */
#include "engine/circuit/batch_measure.h"
#include "engine/circuit/batch_product.h"
#include "engine/circuit/batch_steps.h"
#include "engine/circuit/batch_trig.h"

#include <string.h>

/* Tiles after which gradients move on to their float64 totals. */
#define TILES_PER_TOTAL 16

/* What of the tiles does not depend on samples: numbers of one set of weights. */

static size_t round_up(size_t count)
{
	return (count + WIDTH64 - 1) / WIDTH64 * WIDTH64;
}

static void load_weights(const struct batch_circuit *circuit, const struct batch_memory *memory, int set,
                         const double *weights)
{
	size_t count = (size_t)(circuit->n_slots - circuit->n_feature_slots), padded = round_up(count);
	const struct angle *slots = circuit->slots + circuit->n_feature_slots;
	double *angle = memory->scratch, *c = angle + padded, *s = c + padded;
	for (size_t i = 0; i < padded; i++)
		angle[i] = i >= count                        ? 0.0
		           : slots[i].source == ANGLE_WEIGHT ? weights[slots[i].index]
		                                             : slots[i].value;
	half_angles(angle, padded, c, s);
	for (size_t i = 0; i < count; i++) {
		((vec *)memory->sets[set].cosine)[i] = (vec){0} + (real)c[i];
		((vec *)memory->sets[set].sine)[i] = (vec){0} + (real)s[i];
	}
}

/* In place: t[m] = sum_k (-1)^parity(k & m) t[k]. */
static void parity_sums_scalar(double *t, size_t size)
{
	for (size_t half = 1; half < size; half *= 2)
		for (size_t i = 0; i < size; i += 2 * half)
			for (size_t j = i; j < i + half; j++) {
				double a = t[j], b = t[j + half];
				t[j] = a + b;
				t[j + half] = a - b;
			}
}

/* The angle of a basis state is the sum of the gates' angles, each with the sign of a parity: a parity sum again. */
static void load_phases(const struct batch_circuit *circuit, const struct batch_memory *memory, int set,
                        const struct batch_step *step, const double *weights)
{
	size_t size = (size_t)1 << circuit->n_wires, padded = round_up(size);
	double *angle = memory->scratch, *c = angle + padded, *s = c + padded;
	memset(angle, 0, padded * sizeof *angle);
	for (int g = 0; g < step->n_gates; g++) {
		const struct angle *slot = &circuit->slots[step->gates[g].slot];
		double value = slot->source == ANGLE_WEIGHT ? weights[slot->index] : slot->value;
		angle[step->gates[g].string.z] += step->gates[g].string.negative ? value : -value;
	}
	parity_sums_scalar(angle, size);
	half_angles(angle, padded, c, s);
	real *phases = (real *)memory->sets[set].phases + 2 * size * (size_t)step->diagonal;
	for (size_t k = 0; k < size; k++) {
		phases[2 * k] = (real)c[k];
		phases[2 * k + 1] = (real)s[k];
	}
}

/* A recurrent layer calls with the same weights for all its time steps, forward and backward: what is made of them is
 * kept until they change. */
static void load_sets(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call)
{
	size_t bytes = call->weights_per_set * sizeof(double);
	for (int k = 0; k < call->n_sets; k++) {
		struct batch_set *set = &memory->sets[k];
		const double *weights = call->weights + (size_t)k * call->weights_per_set;
		if (set->loaded && (bytes == 0 || memcmp(set->weights, weights, bytes) == 0))
			continue;
		load_weights(circuit, memory, k, weights);
		for (int i = 0; i < circuit->n_steps; i++)
			if (circuit->steps[i].kind == STEP_DIAGONAL)
				load_phases(circuit, memory, k, &circuit->steps[i], weights);
		if (bytes > 0)
			memcpy(set->weights, weights, bytes);
		set->loaded = true;
	}
}

/* What depends on samples but not on weights. */

/* exp(i t) of the angles whose sign is set, by doubling: relative to the state in which no sign is. */
static void load_lane_phases(const struct tile *tile, const struct batch_step *step)
{
	struct amplitude *phases = tile->memory->lane_phases[step - tile->circuit->steps];
	phases[0] = (struct amplitude){(vec){0} + 1, {0}};
	for (int g = 0; g < step->n_gates; g++) {
		vec c = *tile_cosine(tile, step->gates[g].slot), s = *tile_sine(tile, step->gates[g].slot);
		vec sine = 2 * s * c;
		struct amplitude phase = {c * c - s * s, step->gates[g].string.negative ? -sine : sine};
		phases[1u << g] = phase;
		for (size_t k = 1; k < (size_t)1 << g; k++)
			phases[k | 1u << g] = multiply(phases[k], phase);
	}
}

/* Lanes left over repeat the last sample, so that none holds noise. */
static vec64 gather(const double *row, size_t count)
{
	vec64 x = load64(row, count);
	for (size_t l = count; l < WIDTH64; l++)
		x[l] = row[count - 1];
	return x;
}

/* The values of feature slot i in all lanes. */
static void load_feature(const struct tile *tile, const struct batch_call *call, int i, double *x)
{
	const double *row = call->features + (size_t)tile->circuit->slots[i].index * call->batch + tile->first;
	for (size_t l = 0; l < WIDTH; l += WIDTH64) {
		size_t left = tile->used > l ? tile->used - l : 0;
		/* A register of float32 takes two of float64, of which the second may be all left over. */
		*(vec64 *)(x + l) = left > 0 ? gather(row + l, left) : gather(row + tile->used - 1, 1);
	}
}

static void load_features(const struct tile *tile, const struct batch_call *call)
{
	const struct batch_circuit *circuit = tile->circuit;
	const struct batch_memory *memory = tile->memory;
	size_t slots = (size_t)circuit->n_feature_slots, count = slots * WIDTH;
	double *x = memory->scratch, *c = x + count, *s = c + count;
	for (size_t i = 0; i < slots; i++) {
		load_feature(tile, call, (int)i, x + i * WIDTH);
		((vec *)memory->gradient)[i] = (vec){0};
	}
	/* Neighbours of one encoder together: independent arithmetic fills the pipelines. */
	for (size_t i = 0, end; i < slots; i = end) {
		for (end = i + 1; end < slots && circuit->slots[end].encoder == circuit->slots[i].encoder;)
			end++;
		encode(circuit->slots[i].encoder, x + i * WIDTH, (end - i) * WIDTH, c + i * WIDTH, s + i * WIDTH);
	}
	for (size_t i = 0; i < slots; i++) {
		((vec *)memory->cosine)[i] = load_row(c + i * WIDTH, WIDTH);
		((vec *)memory->sine)[i] = load_row(s + i * WIDTH, WIDTH);
	}
	for (int i = 0; i < circuit->n_steps; i++)
		if (circuit->steps[i].kind == STEP_DIAGONAL_LANES)
			load_lane_phases(tile, &circuit->steps[i]);
}

static void store_features(const struct tile *tile, const struct batch_call *call)
{
	const struct batch_circuit *circuit = tile->circuit;
	double *x = tile->memory->scratch, *slopes = x + WIDTH;
	for (int i = 0; i < circuit->n_feature_slots; i++) {
		double *to = call->d_features + (size_t)circuit->slots[i].index * call->batch + tile->first;
		vec gradient = ((vec *)tile->memory->gradient)[i];
		enum encoder encoder = circuit->slots[i].encoder;
		if (encoder != ENCODER_X) {
			load_feature(tile, call, i, x);
			encoder_slopes(encoder, x, WIDTH, slopes);
			gradient *= load_row(slopes, WIDTH);
		}
		store_row(to, load_row(to, tile->used) + gradient, tile->used);
	}
}

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
	void **states = tile->memory->states;
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
	void **states = tile->memory->states;
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
	load_features(tile, call);
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
	if (call->d_features != NULL)
		store_features(tile, call);
}

/* The number of wires as a constant where loops are short. */
static void run_any(struct tile *tile, const struct batch_call *call)
{
	run_tile(tile, tile->circuit->n_wires, call);
}

#define RUN(n)                                                                                                         \
	static void run_##n(struct tile *tile, const struct batch_call *call)                                          \
	{                                                                                                              \
		run_tile(tile, n, call);                                                                               \
	}
#define CONSTANT_WIRES(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)

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
	load_sets(circuit, memory, call);
	for (; tile.first < call->batch; tile.first += WIDTH) {
		tile.used = call->batch - tile.first < WIDTH ? call->batch - tile.first : WIDTH;
		(constant ? runs[circuit->n_wires] : run_any)(&tile, call);
		bool last = tile.first + WIDTH >= call->batch,
		     full = tile.first / WIDTH % TILES_PER_TOTAL == TILES_PER_TOTAL - 1;
		for (int set = 0; set < call->n_sets && call->d_weights != NULL && (last || full); set++)
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
