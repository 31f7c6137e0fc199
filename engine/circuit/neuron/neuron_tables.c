/* Parameters to tables, by subset sums, and the gradient back. */
#include <string.h>

#include "engine/circuit/neuron/neuron_cell.h"

/* Where the parameters of a neuron stand; neurons as in the tables, behind them the output's. */
static size_t neuron_parameter(const struct neuron_cell *cell, size_t neuron)
{
	size_t lanes = (size_t)cell->layout.shape.workspace;
	size_t rotations = (neuron < cell->layout.neurons ? neuron : cell->layout.neurons - 1) / lanes * lanes;
	return neuron * (cell->weights + 1) + rotations;
}

static size_t rotation_parameter(const struct neuron_cell *cell, size_t stage, size_t lane)
{
	size_t lanes = (size_t)cell->layout.shape.workspace;
	return neuron_parameter(cell, (stage + 1) * lanes) - lanes + lane;
}

static bool is_output(const struct neuron_cell *cell, size_t neuron)
{
	return neuron >= cell->layout.neurons;
}

/* sums[x] = the sum of a over the subsets of x, in place; transposed: over the supersets. */
static void subset_sums(double *a, size_t patterns)
{
	for (size_t bit = 1; bit < patterns; bit *= 2)
		for (size_t x = 0; x < patterns; x++)
			if ((x & bit) != 0)
				a[x] += a[x ^ bit];
}

static void superset_sums(double *a, size_t patterns)
{
	for (size_t bit = 1; bit < patterns; bit *= 2)
		for (size_t x = 0; x < patterns; x++)
			if ((x & bit) == 0)
				a[x] += a[x | bit];
}

/* value^(2^order) */
static double power_of(double value, int order)
{
	for (int k = 0; k < order; k++)
		value *= value;
	return value;
}

/* Where c and s of a pattern stand in the block: at most two places each, for a near target one for either value of
 * it. */
struct places {
	size_t c[2], s[2];
	double sign[2]; /* of s */
	int count;
};

static struct places work_places(const struct neuron_layout *layout, size_t neuron, size_t pattern)
{
	size_t lane = neuron % (size_t)layout->shape.workspace, bit = neuron_bit(layout, lane);
	size_t half = layout->amplitudes / 2, among = pattern % half;
	size_t at = neuron_table(layout, pattern / half, neuron);
	if (neuron_is_far(layout, lane))
		return (struct places){{at + among}, {at + layout->row / 2 + among}, {1.0}, 1};
	size_t low = at + (among / bit * bit * 2 + among % bit), high = low + bit;
	return (struct places){{low, high}, {low + layout->row, high + layout->row}, {-1.0, 1.0}, 2};
}

/* count is 0 where a lane behind it would carry 1. */
static struct places output_places(const struct neuron_layout *layout, size_t neuron, size_t pattern)
{
	size_t j = neuron - layout->neurons, behind = (size_t)layout->shape.input_bits - 1 - j;
	size_t others = pattern / layout->amplitudes, prefix = others >> behind;
	if (prefix << behind != others)
		return (struct places){.count = 0};
	size_t at = neuron_output_table(layout, ((size_t)1 << j) - 1 + prefix) + pattern % layout->amplitudes;
	return (struct places){{at}, {at + layout->row}, {1.0}, 1};
}

static struct places places_of(const struct neuron_cell *cell, size_t neuron, size_t pattern)
{
	return is_output(cell, neuron) ? output_places(&cell->layout, neuron, pattern)
	                               : work_places(&cell->layout, neuron, pattern);
}

static void build_neuron(struct neuron_cell *cell, size_t neuron)
{
	const double *values = cell->values + neuron_parameter(cell, neuron);
	const uint32_t *sets = cell->sets[is_output(cell, neuron)];
	double *cosines = cell->cosines + neuron * cell->patterns, *sines = cell->sines + neuron * cell->patterns;
	memset(cell->eta, 0, cell->patterns * sizeof *cell->eta);
	cell->eta[0] = cell->layout.shape.bias + values[cell->weights];
	for (size_t k = 0; k < cell->weights; k++)
		cell->eta[sets[k]] = values[k];
	subset_sums(cell->eta, cell->patterns);
	cell->kernels->half_angles(cell->eta, cell->patterns, cosines, sines);
	for (size_t x = 0; x < cell->patterns; x++) {
		const struct places places = places_of(cell, neuron, x);
		double c = power_of(cosines[x], cell->layout.shape.order);
		double s = power_of(sines[x], cell->layout.shape.order);
		for (int k = 0; k < places.count; k++) {
			cell->numbers[places.c[k]] = c;
			cell->numbers[places.s[k]] = places.sign[k] * s;
		}
	}
}

/* The sign of a number of a rotation's row of s. */
static double rotation_sign(const struct neuron_layout *layout, size_t lane, size_t number)
{
	return neuron_is_far(layout, lane) || (number & neuron_bit(layout, lane)) != 0 ? 1.0 : -1.0;
}

static double *rotation_row(const struct neuron_cell *cell, double *block, size_t stage, size_t lane)
{
	size_t lanes = (size_t)cell->layout.shape.workspace;
	return block + cell->layout.at_rotations + 2 * (stage * lanes + lane) * cell->layout.lanes;
}

static void build_rotation(struct neuron_cell *cell, size_t stage, size_t lane)
{
	double c, s, *row = rotation_row(cell, cell->numbers, stage, lane);
	cell->kernels->half_angles(&cell->values[rotation_parameter(cell, stage, lane)], 1, &c, &s);
	for (size_t l = 0; l < cell->layout.lanes; l++) {
		row[l] = c;
		row[cell->layout.lanes + l] = rotation_sign(&cell->layout, lane, l) * s;
	}
}

void neuron_tables_build(struct neuron_cell *cell)
{
	const struct neuron_shape *shape = &cell->layout.shape;
	for (size_t k = 0; k < cell->layout.neurons + (size_t)shape->input_bits; k++)
		build_neuron(cell, k);
	for (size_t stage = 0; stage < (size_t)shape->stages; stage++)
		for (size_t lane = 0; lane < (size_t)shape->workspace; lane++)
			build_rotation(cell, stage, lane);
	cell->kernels->convert(cell->numbers, cell->layout.size, cell->tables);
}

/* With q = 2^order, of c = cosine^q and s = sine^q: d eta = q/2 (sine^(q-1) cosine ds - cosine^(q-1) sine dc). */
static double on_eta(const struct neuron_cell *cell, double cosine, double sine, double dc, double ds)
{
	double half_q = 0.5, c = 1.0, s = 1.0, c_power = cosine, s_power = sine;
	for (int k = 0; k < cell->layout.shape.order; k++) {
		half_q *= 2.0;
		c *= c_power;
		s *= s_power;
		c_power *= c_power;
		s_power *= s_power;
	}
	return half_q * (s * cosine * ds - c * sine * dc);
}

static void gradient_neuron(struct neuron_cell *cell, size_t neuron, double *d_parameters)
{
	double *to = d_parameters + neuron_parameter(cell, neuron);
	const uint32_t *sets = cell->sets[is_output(cell, neuron)];
	const double *cosines = cell->cosines + neuron * cell->patterns, *sines = cell->sines + neuron * cell->patterns;
	for (size_t x = 0; x < cell->patterns; x++) {
		const struct places places = places_of(cell, neuron, x);
		double dc = 0.0, ds = 0.0;
		for (int k = 0; k < places.count; k++) {
			dc += cell->totals[places.c[k]];
			ds += places.sign[k] * cell->totals[places.s[k]];
		}
		cell->eta[x] = on_eta(cell, cosines[x], sines[x], dc, ds);
	}
	superset_sums(cell->eta, cell->patterns);
	for (size_t k = 0; k < cell->weights; k++)
		to[k] += cell->eta[sets[k]];
	to[cell->weights] += cell->eta[0];
}

static double gradient_rotation(const struct neuron_cell *cell, size_t stage, size_t lane)
{
	const double *row = rotation_row(cell, cell->totals, stage, lane);
	double sum = 0.0;
	for (size_t l = 0; l < cell->layout.lanes; l++)
		sum += rotation_sign(&cell->layout, lane, l) * row[l];
	return 0.5 * sum;
}

void neuron_tables_gradient(struct neuron_cell *cell, double *d_parameters)
{
	const struct neuron_shape *shape = &cell->layout.shape;
	for (size_t k = 0; k < cell->layout.neurons + (size_t)shape->input_bits; k++)
		gradient_neuron(cell, k, d_parameters);
	for (size_t stage = 0; stage < (size_t)shape->stages; stage++)
		for (size_t lane = 0; lane < (size_t)shape->workspace; lane++)
			d_parameters[rotation_parameter(cell, stage, lane)] += gradient_rotation(cell, stage, lane);
}
