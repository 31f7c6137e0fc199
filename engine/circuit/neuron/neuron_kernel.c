/* One sample through the cell, forward and backward. -DKERNEL_ISA names the table, -DKERNEL_FLOAT32 is the precision.
 */
#include <string.h>

#include "engine/circuit/neuron/neuron_readout.h"
#include "engine/circuit/neuron/neuron_rows.h"
#include "engine/circuit/neuron/neuron_turn.h"
#include "engine/vector/trig.h"

static size_t row_registers(const struct neuron_pass *pass)
{
	return pass->layout->row / WIDTH;
}

static vec *state_at(const struct neuron_pass *pass, size_t step)
{
	return (vec *)pass->states + step * row_registers(pass);
}

/* ---- Neurons and rotations of a step ---- */

static void turn(const struct neuron_pass *pass, size_t word, size_t neuron, const vec *p, vec *z)
{
	const struct neuron_layout *layout = pass->layout;
	size_t lane = neuron % (size_t)layout->shape.workspace, bit = neuron_bit(layout, lane);
	size_t count = row_registers(pass);
	const vec *c = (const vec *)((const real *)pass->tables + neuron_table(layout, word, neuron));
	if (neuron_is_far(layout, lane)) {
		neuron_far(bit / WIDTH, c, c + count / 2, count, p, z);
		return;
	}
#define TURN(b) turn_near(b, c, c + count, PIECES, count, p, z)
	NEAR(bit, TURN)
}

/* p: the state before; d: of the state after, then of the one before. */
static void turn_back(const struct neuron_pass *pass, size_t word, size_t neuron, const vec *p, vec *d)
{
	const struct neuron_layout *layout = pass->layout;
	size_t lane = neuron % (size_t)layout->shape.workspace, bit = neuron_bit(layout, lane);
	size_t count = row_registers(pass), at = neuron_table(layout, word, neuron);
	const vec *c = (const vec *)((const real *)pass->tables + at);
	vec *dc = (vec *)((real *)pass->sums + at);
	if (neuron_is_far(layout, lane)) {
		neuron_far_back(bit / WIDTH, c, c + count / 2, count, p, dc, dc + count / 2, d);
		return;
	}
#define TURN_BACK(b) neuron_near_back(b, c, c + count, count, p, dc, dc + count, d)
	NEAR(bit, TURN_BACK)
}

static size_t rotation_at(const struct neuron_pass *pass, size_t stage, size_t lane)
{
	const struct neuron_layout *layout = pass->layout;
	return layout->at_rotations + 2 * (stage * (size_t)layout->shape.workspace + lane) * layout->lanes;
}

/* The rotations of a stage, one on each lane; they commute. */
static void rotate(const struct neuron_pass *pass, size_t stage, vec *z)
{
	const struct neuron_layout *layout = pass->layout;
	size_t count = row_registers(pass);
	for (size_t lane = 0; lane < (size_t)layout->shape.workspace; lane++) {
		const vec *c = (const vec *)((const real *)pass->tables + rotation_at(pass, stage, lane));
		size_t bit = neuron_bit(layout, lane);
		if (neuron_is_far(layout, lane)) {
			rotation_far(bit / WIDTH, c[0], c[PIECES], count, z);
			continue;
		}
#define ROTATE(b) turn_near(b, c, c + PIECES, 0, count, z, z)
		NEAR(bit, ROTATE)
	}
}

/* z: the state after all rotations of the stage. */
static void rotate_back(const struct neuron_pass *pass, size_t stage, const vec *z, vec *d)
{
	const struct neuron_layout *layout = pass->layout;
	size_t count = row_registers(pass);
	for (size_t lane = 0; lane < (size_t)layout->shape.workspace; lane++) {
		vec *sum = (vec *)((real *)pass->sums + rotation_at(pass, stage, lane));
		size_t bit = neuron_bit(layout, lane);
		if (neuron_is_far(layout, lane)) {
			rotation_far_sum(bit / WIDTH, count, z, d, sum);
			continue;
		}
#define ROTATION_SUM(b) rotation_near_sum(b, count, z, d, sum)
		NEAR(bit, ROTATION_SUM)
	}
	for (size_t lane = 0; lane < (size_t)layout->shape.workspace; lane++) {
		const vec *c = (const vec *)((const real *)pass->tables + rotation_at(pass, stage, lane));
		size_t bit = neuron_bit(layout, lane);
		if (neuron_is_far(layout, lane)) {
			rotation_far(bit / WIDTH, c[0], -c[PIECES], count, d);
			continue;
		}
#define ROTATE_BACK(b) turn_near_back(b, c, c + PIECES, 0, count, d)
		NEAR(bit, ROTATE_BACK)
	}
}

/* What the state was multiplied by after step 1 and after each stage. */
struct factors {
	real of[NEURON_STAGES_MOST + 1];
};

/* From the state before a step to the one before the output neurons: states[k] is the one before neuron k, with the
 * rotations before it done, states[neurons] the last. */
static void evolve(const struct neuron_pass *pass, size_t step, vec *states, struct factors *factors)
{
	const struct neuron_layout *layout = pass->layout;
	size_t lanes = (size_t)layout->shape.workspace, count = row_registers(pass);
	size_t word = pass->inputs[step * pass->stride];
	memcpy(states, state_at(pass, step), count * sizeof *states);
	for (size_t k = 0; k < layout->neurons; k++) {
		vec *before = states + k * count;
		if (k >= lanes && k % lanes == 0)
			rotate(pass, k / lanes - 1, before);
		turn(pass, word, k, before, before + count);
		if ((k + 1) % lanes == 0)
			factors->of[k / lanes] = row_to_one(count, before + count);
	}
}

/* d: of the last state, then of the one before the step. */
static void evolve_back(const struct neuron_pass *pass, size_t step, const vec *states, const struct factors *factors,
                        vec *d)
{
	const struct neuron_layout *layout = pass->layout;
	size_t lanes = (size_t)layout->shape.workspace, count = row_registers(pass);
	size_t word = pass->inputs[step * pass->stride];
	for (size_t k = layout->neurons; k-- > 0;) {
		if ((k + 1) % lanes == 0)
			row_scale(d, factors->of[k / lanes], count, d);
		turn_back(pass, word, k, states + k * count, d);
		if (k >= lanes && k % lanes == 0)
			rotate_back(pass, k / lanes - 1, states + k * count, d);
	}
}

/* ---- All steps ---- */

static struct readout readout_of(const struct neuron_pass *pass)
{
	size_t count = row_registers(pass);
	return (struct readout){.layout = pass->layout,
	                        .tables = pass->tables,
	                        .count = count,
	                        .nodes = (vec *)pass->scratch + pass->layout->neurons * count};
}

static void start(const struct neuron_pass *pass)
{
	real *first = pass->states;
	memset(first, 0, pass->layout->row * sizeof *first);
	first[0] = 1;
}

static size_t forward(const struct neuron_pass *pass)
{
	const struct readout readout = readout_of(pass);
	size_t floored = 0, words = pass->layout->words;
	struct factors factors;
	start(pass);
	for (size_t t = 0; t < pass->steps; t++) {
		uint8_t *outcome = &pass->outcomes[t * pass->stride];
		evolve(pass, t, pass->scratch, &factors);
		readout_forward(&readout, ALL_WORDS);
		const struct weights_of_words weights = weigh_words(&readout);
		for (size_t w = 0; w < words; w++)
			pass->probabilities[(t * words + w) * pass->stride] = weights.squares[w] / weights.total;
		if (*outcome == NEURON_DRAW)
			*outcome = draw_word(&weights, words, pass->uniforms[t * pass->stride]);
		struct projection *projection = &pass->projections[t];
		*projection = project(&weights, *outcome);
		floored += projection->floored;
		if (t + 1 < pass->steps)
			row_scale(readout.nodes + leaf_of(&readout, *outcome) * readout.count,
			          (real)(1.0 / projection->norm), readout.count, state_at(pass, t + 1));
	}
	return floored;
}

static bool is_scored(const struct neuron_pass *pass, size_t step)
{
	size_t words = pass->layout->words;
	for (size_t w = 0; w < words; w++)
		if (pass->d_probabilities[(step * words + w) * pass->stride] != 0.0)
			return true;
	return false;
}

/* d_nodes of the leaves = the gradient through the probabilities. */
static void probabilities_back(const struct neuron_pass *pass, const struct readout *readout, size_t step, vec *d_nodes)
{
	const struct weights_of_words weights = weigh_words(readout);
	size_t words = pass->layout->words;
	const double *d = pass->d_probabilities + step * words * pass->stride;
	double mean = 0.0;
	for (size_t w = 0; w < words; w++)
		mean += d[w * pass->stride] * (weights.squares[w] / weights.total);
	for (size_t w = 0; w < words; w++) {
		size_t at = leaf_of(readout, w) * readout->count;
		double factor = 2.0 * (d[w * pass->stride] - mean) / weights.total;
		row_scale(readout->nodes + at, (real)factor, readout->count, d_nodes + at);
	}
}

/* d_nodes of the outcome's leaf += the gradient through the projection, of which d is what reaches its result. */
static void projection_back(const struct neuron_pass *pass, size_t step, const vec *d, vec *d_leaf)
{
	const vec *after = state_at(pass, step + 1);
	size_t count = row_registers(pass);
	const struct projection *projection = &pass->projections[step];
	const vec along = SPLAT((real)(projection->floored ? 0.0 : row_dot(after, d, count)));
	const vec share = SPLAT((real)(1.0 / projection->norm));
	for (size_t v = 0; v < count; v++)
		d_leaf[v] = fma_vec(fnma_vec(along, after[v], d[v]), share, d_leaf[v]);
}

/* One step; *d: of the state after it (`reached`: not 0), then of the state before it. */
static void step_back(const struct neuron_pass *pass, size_t step, bool scored, bool reached, vec *d)
{
	const struct readout readout = readout_of(pass);
	vec *d_nodes = readout.nodes + (2 * pass->layout->words - 1) * readout.count;
	size_t outcome = pass->outcomes[step * pass->stride], leaf = leaf_of(&readout, outcome) * readout.count;
	int only = scored ? ALL_WORDS : (int)outcome;
	struct factors factors;
	evolve(pass, step, pass->scratch, &factors);
	readout_forward(&readout, only);
	if (scored)
		probabilities_back(pass, &readout, step, d_nodes);
	else
		memset(d_nodes + leaf, 0, readout.count * sizeof *d_nodes);
	if (reached)
		projection_back(pass, step, d, d_nodes + leaf);
	readout_backward(&readout, only, d_nodes, pass->sums);
	memcpy(d, d_nodes, readout.count * sizeof *d);
	evolve_back(pass, step, pass->scratch, &factors, d);
}

static void backward(const struct neuron_pass *pass)
{
	size_t count = row_registers(pass);
	vec *d = (vec *)pass->scratch + (neuron_scratch_rows(pass->layout) - 1) * count;
	bool reached = false;
	memset(d, 0, count * sizeof *d);
	for (size_t t = pass->steps; t-- > 0;) {
		bool scored = is_scored(pass, t);
		if (!scored && !reached)
			continue;
		step_back(pass, t, scored, reached, d);
		reached = true;
	}
}

/* ---- Tables ---- */

static void half_angles(const double *eta, size_t count, double *cosines, double *sines)
{
	for (size_t k = 0; k < count; k += WIDTH64) {
		vec64 c, s;
		cosine_sine(load64(eta + k, count - k) * 0.5, &c, &s);
		store64(cosines + k, c, count - k);
		store64(sines + k, s, count - k);
	}
}

static void convert(const double *from, size_t count, void *to)
{
	real *numbers = to;
	for (size_t k = 0; k < count; k++)
		numbers[k] = (real)from[k];
}

static void flush(void *sums, size_t count, double *totals)
{
	real *numbers = sums;
	for (size_t k = 0; k < count; k++) {
		totals[k] += (double)numbers[k];
		numbers[k] = 0;
	}
}

#ifdef KERNEL_FLOAT32
#define TABLE_NAME(isa) neuron_kernels_f32_##isa
#else
#define TABLE_NAME(isa) neuron_kernels_##isa
#endif
#define TABLE(isa) TABLE_NAME(isa)

extern const struct neuron_kernels TABLE(KERNEL_ISA);

const struct neuron_kernels TABLE(KERNEL_ISA) = {
    .lanes = VIRTUAL_LANES,
    .number = sizeof(real),
    .half_angles = half_angles,
    .convert = convert,
    .flush = flush,
    .forward = forward,
    .backward = backward,
};
