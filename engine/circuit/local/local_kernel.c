/* The local plan's inner loops; contracts in local_kernel.h. Compiled once per instruction set and precision:
 * -DKERNEL_ISA names the table, KERNEL_FLOAT32 makes the float32 one. */
#include <string.h>

#include "engine/circuit/local/local_tile.h"

/* Tiles between two moves of float32 totals to their float64 sums. */
enum { IS_NARROW = sizeof(real) < sizeof(double), TILES_PER_SUM = 16 };

/* The first vectors of rows. */
/* NOLINTNEXTLINE(readability-function-size): one case an operation, from the table */
ALWAYS_INLINE void run(const struct local_run *runs, uint32_t n_runs, const struct local_instruction *at, char *rows,
                       size_t vectors)
{
	for (uint32_t r = 0; r < n_runs; r++) {
		const struct local_instruction *end = at + runs[r].count;
		switch ((enum local_operation)runs[r].operation) {
/* The operands that an instruction does not have are never used, and never loaded. */
#define X(id, value)                                                                                                   \
	case id:                                                                                                       \
		for (; at < end; at++) {                                                                               \
			const vec *in0 = (const vec *)(rows + at->in[0]), *in1 = (const vec *)(rows + at->in[1]);      \
			const vec *in2 = (const vec *)(rows + at->in[2]), *in3 = (const vec *)(rows + at->in[3]);      \
			vec *out = (vec *)(rows + at->out);                                                            \
			UNROLL for (size_t v = 0; v < vectors; v++)                                                    \
			{                                                                                              \
				vec a = in0[v], b = in1[v], c = in2[v], d = in3[v];                                    \
				(void)a, (void)b, (void)c, (void)d;                                                    \
				out[v] = value;                                                                        \
			}                                                                                              \
		}                                                                                                      \
		break;
			LOCAL_OPERATIONS(X)
#undef X
		case LOCAL_OPERATION_COUNT:
			break;
		}
	}
}

static void run_phase(const struct tile *tile, enum local_phase phase, size_t used)
{
	const struct local_run *runs = tile->code->runs;
	const struct local_instruction *instructions = tile->code->instructions;
	uint32_t n_runs = tile->code->n_runs[phase];
	size_t vectors = whole_vectors(used) / WIDTH;
	for (int before = 0; before < (int)phase; before++) {
		runs += tile->code->n_runs[before];
		instructions += tile->code->n_instructions[before];
	}
	/* Constants for full tiles and for the small batches that are common. */
	if (vectors == ROW_VECTORS)
		run(runs, n_runs, instructions, tile->rows, ROW_VECTORS);
	else if (vectors == 1)
		run(runs, n_runs, instructions, tile->rows, 1);
	else if (vectors == 3)
		run(runs, n_runs, instructions, tile->rows, 3);
	else if (vectors == 2)
		run(runs, n_runs, instructions, tile->rows, 2);
	else
		run(runs, n_runs, instructions, tile->rows, vectors);
}

/* Copies the first vector of rows to the others that the call uses. */
static void spread(const struct tile *tile, size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		vec *to = (vec *)row(tile, first + i);
		for (size_t v = 1; v < tile->widest / WIDTH; v++)
			to[v] = to[0];
	}
}

/* Ones, and the angles that are the same for every sample, a register of them at a time. */
static void load_shared(const struct tile *tile)
{
	const struct local_code *code = tile->code;
	*(vec *)row(tile, 0) = SPLAT((real)1);
	for (int first = 0; first < code->n_shared_angles; first += WIDTH64) {
		const struct local_angle *angles = code->angles + first;
		int count = code->n_shared_angles - first;
		vec64 angle = {0}, cosine, sine;
		for (int i = 0; i < (int)WIDTH64 && i < count; i++)
			angle[i] = angles[i].slot.angle.source == ANGLE_WEIGHT
			               ? tile->call->weights[angles[i].slot.angle.index]
			               : angles[i].slot.angle.value;
		cosine_sine(angle, &cosine, &sine);
		for (int i = 0; i < (int)WIDTH64 && i < count; i++) {
			*(vec *)row(tile, angles[i].cosine) = SPLAT((real)cosine[i]);
			*(vec *)row(tile, angles[i].sine) = SPLAT((real)sine[i]);
		}
	}
	run_phase(tile, PHASE_BEFORE, WIDTH);
	spread(tile, 0, 1);
	spread(tile, 1 + code->n_totals, code->n_spread);
}

/* Moves totals to their sums. */
static void sum_totals(const struct tile *tile, double *sums)
{
	for (size_t k = 0; k < tile->code->n_totals; k++) {
		real *total = row(tile, 1 + k);
		for (size_t l = 0; l < tile->widest; l += WIDTH64) {
			*(vec64 *)(sums + k * LANES + l) += get(total + l);
			put(total + l, (vec64){0});
		}
	}
}

/* Sums over the lanes: first those as far apart as there are virtual lanes, then over these. Lanes that no tile used
 * hold zeros. */
static void finish_totals(const struct tile *tile, const double *sums)
{
	for (size_t k = 0; k < tile->code->n_totals; k++, sums += LANES) {
		real *total = row(tile, 1 + k);
		vec64 lanes[LANES_REGISTERS] = {{0}};
		UNROLL for (size_t l = 0; l < LANES; l += WIDTH64)
		{
			lanes[l % VIRTUAL_LANES / WIDTH64] +=
			    get(total + l) + (IS_NARROW ? *(const vec64 *)(sums + l) : (vec64){0});
		}
		*(vec *)total = SPLAT((real)registers_total(lanes));
	}
}

static void store_weights(const struct tile *tile)
{
	const struct local_ports *weights = &tile->code->weights;
	run_phase(tile, PHASE_AFTER, WIDTH);
	for (int i = 0; i < weights->count; i++)
		tile->call->d_weights[weights->at[i].index] +=
		    weights->at[i].sign * (double)row(tile, weights->at[i].row)[0];
}

static void next_tile(struct tile *tile)
{
	size_t left = tile->call->batch - tile->first;
	tile->used = left < LANES ? left : LANES;
}

static struct tile start_call(const struct local_code *code, const struct local_call *call, void *rows)
{
	size_t widest = call->batch < LANES ? whole_vectors(call->batch) : LANES;
	struct tile tile = {.code = code, .call = call, .rows = rows, .widest = widest};
	load_shared(&tile);
	return tile;
}

static void forward(const struct local_code *code, const struct local_call *call, void *rows)
{
	struct tile tile = start_call(code, call, rows);
	for (; tile.first < call->batch; tile.first += LANES) {
		next_tile(&tile);
		FULL_OR_NOT(load_angles, &tile);
		run_phase(&tile, PHASE_TILE, tile.used);
		FULL_OR_NOT(store_outputs, &tile);
	}
}

static void backward(const struct local_code *code, const struct local_call *call, void *rows, double *sums)
{
	struct tile tile = start_call(code, call, rows);
	memset(row(&tile, 1), 0, code->n_totals * (size_t)LOCAL_ROW_BYTES);
	if (IS_NARROW)
		memset(sums, 0, code->n_totals * LANES * sizeof *sums);
	for (size_t tiles = 1; tile.first < call->batch; tile.first += LANES, tiles++) {
		next_tile(&tile);
		FULL_OR_NOT(load_angles, &tile);
		FULL_OR_NOT(load_cotangents, &tile);
		run_phase(&tile, PHASE_TILE, tile.used);
		if (call->d_features != NULL)
			FULL_OR_NOT(store_features, &tile);
		if (IS_NARROW && tiles % TILES_PER_SUM == 0)
			sum_totals(&tile, sums);
	}
	if (call->d_weights == NULL)
		return;
	finish_totals(&tile, sums);
	store_weights(&tile);
}

#ifdef KERNEL_FLOAT32
#define TABLE_NAME(isa) local_kernels_f32_##isa
#else
#define TABLE_NAME(isa) local_kernels_##isa
#endif
#define TABLE(isa) TABLE_NAME(isa)

extern const struct local_kernels TABLE(KERNEL_ISA);

const struct local_kernels TABLE(KERNEL_ISA) = {
    .lanes = LANES,
    .forward = forward,
    .backward = backward,
};
