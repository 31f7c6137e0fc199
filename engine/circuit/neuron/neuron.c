/* A cell: memory, and the passes of its samples. */
#include "engine/circuit/neuron/neuron.h"

#include <stdlib.h>
#include <string.h>

#include "engine/circuit/neuron/neuron_cell.h"
#include "engine/vector/isa.h"

/* Steps whose gradients the sums of the kernels' precision take before they move on to float64. */
enum { SUMMED_STEPS = 256 };

/* Of the shape, which a cell has from its opening on. */
static bool allocate(struct neuron_cell *cell)
{
	cell->values = calloc(cell->parameters, sizeof(double));
	cell->sets[0] = calloc(cell->weights, sizeof(uint32_t));
	cell->sets[1] = calloc(cell->weights, sizeof(uint32_t));
	return cell->values != NULL && cell->sets[0] != NULL && cell->sets[1] != NULL;
}

/* Tables, the gradient's sums and scratch. */
static void lay_out_tables(struct neuron_cell *cell, struct arena *arena)
{
	const struct neuron_layout *layout = &cell->layout;
	size_t number = cell->kernels->number, all = layout->neurons + (size_t)layout->shape.input_bits;
	cell->eta = arena_take_numbers(arena, cell->patterns);
	cell->cosines = arena_take_numbers(arena, all * cell->patterns);
	cell->sines = arena_take_numbers(arena, all * cell->patterns);
	cell->numbers = arena_take_numbers(arena, layout->size);
	cell->totals = arena_take_numbers(arena, layout->size);
	cell->tables = arena_take(arena, layout->size * number);
	cell->sums = arena_take(arena, layout->size * number);
	cell->scratch = arena_take(arena, neuron_scratch_rows(layout) * layout->row * number);
	cell->built = false;
	cell->unflushed = 0;
}

int neuron_open(struct neuron_cell **out, const struct neuron_shape *shape, enum precision precision,
                struct qlstm_error *error)
{
	const struct isa *isa = isa_pick();
	int rc = neuron_check(shape, error);
	if (rc != 0)
		return rc;
	struct neuron_cell *cell = calloc(1, sizeof *cell);
	if (cell == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	cell->kernels = precision == PRECISION_FLOAT32 ? isa->neurons_f32 : isa->neurons;
	cell->layout = neuron_layout(shape, cell->kernels->lanes);
	cell->weights = neuron_weights(shape);
	cell->parameters = neuron_parameters(shape);
	cell->patterns = (size_t)1 << (shape->workspace + shape->input_bits - 1);
	if (!allocate(cell)) {
		neuron_close(cell);
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	}
	neuron_subsets(shape->workspace - 1, shape->input_bits, shape->degree, cell->sets[0]);
	neuron_subsets(shape->workspace, shape->input_bits - 1, shape->degree, cell->sets[1]);
	*out = cell;
	return 0;
}

void neuron_close(struct neuron_cell *cell)
{
	if (cell == NULL)
		return;
	free(cell->values);
	free(cell->sets[0]);
	free(cell->sets[1]);
	free(cell);
}

void neuron_lay_out(struct neuron_cell *cell, struct arena *arena, int steps, int samples)
{
	size_t count = (size_t)steps * (size_t)samples;
	lay_out_tables(cell, arena);
	cell->steps = (size_t)steps;
	cell->states = arena_take(arena, count * cell->layout.row * cell->kernels->number);
	cell->projections = arena_take(arena, count * sizeof *cell->projections);
}

size_t neuron_table_bytes(const struct neuron_cell *cell)
{
	struct neuron_cell copy = *cell;
	struct arena count = {0};
	lay_out_tables(&copy, &count);
	return count.used;
}

void neuron_set(struct neuron_cell *cell, const double *parameters)
{
	size_t bytes = cell->parameters * sizeof *parameters;
	if (cell->built && memcmp(cell->values, parameters, bytes) == 0)
		return;
	memcpy(cell->values, parameters, bytes);
	neuron_tables_build(cell);
	cell->built = true;
}

/* What a kernel needs to know of a sample. */
static struct neuron_pass pass_of(const struct neuron_cell *cell, const struct neuron_sequence *sequence, size_t sample)
{
	size_t first = sample * cell->steps;
	return (struct neuron_pass){.layout = &cell->layout,
	                            .tables = cell->tables,
	                            .sums = cell->sums,
	                            .states = (char *)cell->states + first * cell->layout.row * cell->kernels->number,
	                            .scratch = cell->scratch,
	                            .projections = cell->projections + first,
	                            .steps = (size_t)sequence->steps,
	                            .stride = (size_t)sequence->samples,
	                            .inputs = sequence->inputs + sample,
	                            .outcomes = sequence->outcomes + sample,
	                            .uniforms = sequence->uniforms != NULL ? sequence->uniforms + sample : NULL};
}

size_t neuron_forward(struct neuron_cell *cell, const struct neuron_sequence *sequence, size_t sample,
                      double *probabilities)
{
	struct neuron_pass pass = pass_of(cell, sequence, sample);
	pass.probabilities = probabilities + sample;
	return cell->kernels->forward(&pass);
}

static void flush(struct neuron_cell *cell)
{
	if (cell->unflushed > 0)
		cell->kernels->flush(cell->sums, cell->layout.size, cell->totals);
	cell->unflushed = 0;
}

void neuron_backward(struct neuron_cell *cell, const struct neuron_sequence *sequence, size_t sample,
                     const double *d_probabilities)
{
	struct neuron_pass pass = pass_of(cell, sequence, sample);
	pass.d_probabilities = d_probabilities + sample;
	if (cell->unflushed + pass.steps > SUMMED_STEPS)
		flush(cell);
	cell->unflushed += pass.steps;
	cell->kernels->backward(&pass);
}

void neuron_gradient_clear(struct neuron_cell *cell)
{
	flush(cell);
	memset(cell->totals, 0, cell->layout.size * sizeof *cell->totals);
}

void neuron_gradient_take(struct neuron_cell *cell, double *d_parameters)
{
	flush(cell);
	neuron_tables_gradient(cell, d_parameters);
}

/* Of 64 bytes of a state: a neuron, a rotation, a word; and what a step takes whatever its size. */
#define NS_PER_NEURON   3.0
#define NS_PER_ROTATION 2.0
#define NS_PER_WORD     2.0
#define NS_PER_STEP     300.0
/* Of a pattern of a neuron's sources: its tables and their gradient. */
#define NS_PER_PATTERN 60.0

double neuron_cost(const struct neuron_shape *shape, enum precision precision)
{
	const struct neuron_layout layout = neuron_layout(shape, precision == PRECISION_FLOAT32 ? 16 : 8);
	double lines = (double)layout.row / (double)layout.lanes;
	double rotations = (double)(layout.neurons - (size_t)shape->workspace);
	return lines * (NS_PER_NEURON * (double)layout.neurons + NS_PER_ROTATION * rotations +
	                NS_PER_WORD * (double)layout.words) +
	       NS_PER_STEP;
}

double neuron_table_cost(const struct neuron_shape *shape)
{
	int neurons = shape->workspace * (shape->stages + 1) + shape->input_bits;
	return NS_PER_PATTERN * neurons * (double)((size_t)1 << (shape->workspace + shape->input_bits - 1));
}
