/* The wide plan's inner loops; contracts in wide_kernel.h. The amplitudes of one sample lie in the lanes. Compiled once
 * per instruction set, whose name -DKERNEL_ISA gives, and once more for float32 (wide_kernel_f32.c). */
#include "engine/circuit/wide/wide_image.h"
#include "engine/circuit/wide/wide_move.h"
#include "engine/circuit/wide/wide_rows.h"
#include "engine/circuit/wide/wide_turn.h"

/* Rotations below this place share chunks of a tile that fit the L1 cache. */
enum { CHUNK_BITS = 11, CHUNK_ROWS = (1 << CHUNK_BITS) / (2 * WIDE_ROW) };

static void narrow(void *to, const double *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		((real *)to)[i] = (real)from[i];
}

static int count_below(const struct wide_rotation *rotations, int n, int place)
{
	int count = 0;
	while (count < n && rotations[count].place < place)
		count++;
	return count;
}

/* The passes of a tile: those of whole chunks, then those of the tile. */
struct passes {
	struct pass pass[WIDE_TILE_BITS_MOST];
	int first[WIDE_TILE_BITS_MOST]; /* the first rotation above the lanes of each */
	int n_lanes, n_low, n;          /* rotations of lanes; passes of chunks; all passes */
};

static void add_passes(struct passes *passes, const struct wide_rotation *rotations, int from, int to, bool undo)
{
	for (int i = from; i < to; i += BLOCK_BITS) {
		int n = to - i < BLOCK_BITS ? to - i : BLOCK_BITS;
		passes->first[passes->n] = i;
		passes->pass[passes->n++] = pass_new(rotations + i, n, undo);
	}
}

static void find_passes(struct passes *passes, const struct wide_work *work, bool undo)
{
	const struct wide_rotation *rotations = work->rotations;
	int n = work->n, lanes = count_below(rotations, n, VIRTUAL_LANE_BITS),
	    low = count_below(rotations, n, CHUNK_BITS);
	passes->n = 0;
	passes->n_lanes = lanes;
	add_passes(passes, rotations, lanes, low, undo);
	if (lanes > 0 && passes->n == 0) {
		passes->first[0] = lanes;
		passes->pass[passes->n++] = pass_new(rotations, 0, undo);
	}
	if (lanes > 0)
		pass_add_lanes(&passes->pass[0], rotations, lanes, undo);
	passes->n_low = passes->n;
	add_passes(passes, rotations, low, n, undo);
	for (int i = 0; i < passes->n; i++)
		passes->pass[i].ahead = work->ahead;
}

static double all_scales(const struct passes *passes)
{
	double scale = 1.0;
	for (int i = 0; i < passes->n; i++)
		scale *= passes->pass[i].scale;
	return scale;
}

static void run_forward(const struct pass *pass, real *tile, size_t size)
{
	passes_forward[pass->n_turns][pass->lanes](pass, tile, size);
}

static double forward(const struct wide_work *work, void *tile, size_t n_rows)
{
	const struct wide_factors *diagonal = work->diagonal;
	struct passes passes;
	find_passes(&passes, work, false);
	size_t size = n_rows * 2 * WIDE_ROW, chunk_rows = n_rows < CHUNK_ROWS ? n_rows : CHUNK_ROWS;
	for (int i = passes.n_low; i < passes.n; i++)
		run_forward(&passes.pass[i], tile, size);
	for (size_t row = 0; row < n_rows && (passes.n_low > 0 || diagonal != NULL); row += chunk_rows) {
		for (int i = 0; i < passes.n_low; i++)
			run_forward(&passes.pass[i], (real *)tile + row * 2 * WIDE_ROW, chunk_rows * 2 * WIDE_ROW);
		if (diagonal != NULL)
			diagonal_forward(diagonal, tile, row, chunk_rows);
	}
	return all_scales(&passes);
}

/* `square` makes inner products of the states from those of their buffers. */
static void run_backward(const struct passes *passes, int i, const struct wide_rotation *rotations, double square,
                         real *psi, real *lambda, size_t size, double *slopes)
{
	const struct pass *pass = &passes->pass[i];
	struct pass_sums sums;
	passes_backward[pass->n_turns][pass->lanes](pass, psi, lambda, size, &sums);
	for (int g = 0; g < pass->n_turns; g++)
		slopes[passes->first[i] + g] += square * pieces_total(sums.turns[g], 1, PIECES);
	for (int g = 0; g < passes->n_lanes && pass->lanes; g++) {
		int place = rotations[g].place;
		for (int piece = 0; piece < PIECES; piece++)
			sums.lanes[place][piece] *= lane_signs(piece, place, 1);
		slopes[g] += square * pieces_total(sums.lanes[place], 1, PIECES);
	}
}

static double backward(const struct wide_work *work, double scale, void *psi, void *lambda, size_t n_rows,
                       double *slopes, const struct wide_sums *sums)
{
	const struct wide_factors *diagonal = work->diagonal;
	struct passes passes;
	find_passes(&passes, work, true);
	size_t size = n_rows * 2 * WIDE_ROW, chunk_rows = n_rows < CHUNK_ROWS ? n_rows : CHUNK_ROWS;
	double done = scale;
	for (size_t row = 0; row < n_rows && (passes.n_low > 0 || diagonal != NULL); row += chunk_rows) {
		if (diagonal != NULL)
			diagonal_backward(diagonal, psi, lambda, row, chunk_rows, (real)(scale * scale), sums);
		done = scale;
		for (int i = passes.n_low - 1; i >= 0; i--) {
			run_backward(&passes, i, work->rotations, done * done, (real *)psi + row * 2 * WIDE_ROW,
			             (real *)lambda + row * 2 * WIDE_ROW, chunk_rows * 2 * WIDE_ROW, slopes);
			done *= passes.pass[i].scale;
		}
	}
	for (int i = passes.n - 1; i >= passes.n_low; i--) {
		run_backward(&passes, i, work->rotations, done * done, psi, lambda, size, slopes);
		done *= passes.pass[i].scale;
	}
	return done;
}

#ifdef KERNEL_FLOAT32
#define TABLE_NAME(isa) wide_kernels_f32_##isa
#else
#define TABLE_NAME(isa) wide_kernels_##isa
#endif
#define TABLE(isa) TABLE_NAME(isa)

extern const struct wide_kernels TABLE(KERNEL_ISA);

const struct wide_kernels TABLE(KERNEL_ISA) = {
    .real_size = sizeof(real),
    .narrow = narrow,
    .move = move_tile,
    .fill = fill,
    .forward = forward,
    .backward = backward,
    .measure = measure,
    .seed_adjoint = seed_adjoint,
    .contract = contract,
    .expect = expect,
    .add_image = add_image,
};
