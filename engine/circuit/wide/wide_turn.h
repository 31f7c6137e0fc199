/* Rotations about Y on a tile. Included by wide_kernel.c only.
 *
 * The rotation is real, so real and imaginary parts are one array of numbers, in which a rotation turns pairs. It is
 * one multiply-add a number: with t = tan, (a, b) becomes (a - t b, b + t a), and the cosine is left to a factor of the
 * whole tile; where the sine is the larger one, with t = cot, (t a - b, t b + a) and the sine. Up to three rotations
 * share a pass: blocks of 2^3 rows of virtual lanes, of which a piece at a time is in registers. Bits inside a row of
 * virtual lanes are turned by cosine and sine. */
#ifndef QLSTM_CIRCUIT_WIDE_TURN_H
#define QLSTM_CIRCUIT_WIDE_TURN_H

#include <math.h>

#include "engine/circuit/wide/wide_ahead.h"

enum { BLOCK_BITS = 3, BLOCK = 1 << BLOCK_BITS };

/* Two numbers, although only one is used: with a single one gcc would take the product out of both branches and find no
 * multiply-add. */
struct turn {
	vec tangent, cotangent;
	bool steep;
};

struct pass {
	size_t below[BLOCK_BITS]; /* 2^place - 1 of each rotation, by rising place */
	size_t offset[BLOCK];
	struct turn turns[BLOCK_BITS];
	vec lane_c[VIRTUAL_LANE_BITS], lane_s[VIRTUAL_LANE_BITS][PIECES]; /* rotations of bits inside virtual lanes */
	int n_turns;
	bool lanes;
	double scale;             /* what the tile remains to be multiplied by */
	struct wide_ahead *ahead; /* asked for meanwhile */
};

/* A pass of rotations[0..n-1], all above the lanes, at most three. */
static struct pass pass_new(const struct wide_rotation *rotations, int n, bool undo)
{
	struct pass pass = {.n_turns = n, .scale = 1.0};
	for (int g = 0; g < n; g++) {
		double c = rotations[g].c, s = undo ? -rotations[g].s : rotations[g].s;
		bool steep = fabs(s) > fabs(c);
		pass.below[g] = ((size_t)1 << rotations[g].place) - 1;
		pass.turns[g] =
		    (struct turn){SPLAT((real)(steep ? 0 : s / c)), SPLAT((real)(steep ? c / s : 0)), steep};
		pass.scale *= steep ? s : c;
	}
	for (size_t j = 0; j < BLOCK; j++)
		for (int g = 0; g < n; g++)
			pass.offset[j] += (j >> g & 1) * (pass.below[g] + 1);
	return pass;
}

/* Adds rotations[0..n-1] of lane bits to a pass. */
static void pass_add_lanes(struct pass *pass, const struct wide_rotation *rotations, int n, bool undo)
{
	pass->lanes = n > 0;
	for (int p = 0; p < VIRTUAL_LANE_BITS; p++) {
		pass->lane_c[p] = SPLAT((real)1);
		for (int piece = 0; piece < PIECES; piece++)
			pass->lane_s[p][piece] = (vec){0};
	}
	for (int g = 0; g < n; g++) {
		int place = rotations[g].place;
		pass->lane_c[place] = SPLAT((real)rotations[g].c);
		for (int piece = 0; piece < PIECES; piece++)
			pass->lane_s[place][piece] =
			    lane_signs(piece, place, (real)(undo ? -rotations[g].s : rotations[g].s));
	}
}

/* Bits inside a register. */
ALWAYS_INLINE void turn_lanes(const struct pass *pass, vec *x, int count, int piece)
{
	UNROLL for (int p = 0; p < LANE_BITS; p++)
	{
		vec c = pass->lane_c[p], s = pass->lane_s[p][piece];
		UNROLL for (int j = 0; j < count; j++) x[j] = fma_vec(c, x[j], s * exchange(x[j], p));
	}
}

/* The other bits of virtual lanes, which tell the pieces apart. */
ALWAYS_INLINE void turn_pieces(const struct pass *pass, real *at, int count)
{
	UNROLL for (int j = 0; j < count && PIECES > 1; j++)
	{
		vec *x = (vec *)(at + pass->offset[j]);
		UNROLL for (int p = LANE_BITS; p < VIRTUAL_LANE_BITS; p++)
		{
			vec turned[PIECES];
			UNROLL for (int piece = 0; piece < PIECES; piece++) turned[piece] = fma_vec(
			    pass->lane_c[p], x[piece], pass->lane_s[p][piece] * exchanged((const real *)x, piece, p));
			UNROLL for (int piece = 0; piece < PIECES; piece++) x[piece] = turned[piece];
		}
	}
}

ALWAYS_INLINE void turn_block(const struct turn *turns, vec *x, int n)
{
	UNROLL for (int g = 0; g < n; g++)
	{
		if (turns[g].steep) {
			vec t = turns[g].cotangent;
			UNROLL for (int j = 0; j < 1 << n; j++) if ((j >> g & 1) == 0)
			{
				vec a = x[j], b = x[j | 1 << g];
				x[j] = fms_vec(t, a, b);
				x[j | 1 << g] = fma_vec(t, b, a);
			}
		} else {
			vec t = turns[g].tangent;
			UNROLL for (int j = 0; j < 1 << n; j++) if ((j >> g & 1) == 0)
			{
				vec a = x[j], b = x[j | 1 << g];
				x[j] = fnma_vec(t, b, a);
				x[j | 1 << g] = fma_vec(t, a, b);
			}
		}
	}
}

/* The i-th block's first register. */
ALWAYS_INLINE size_t block_at(const struct pass *pass, size_t i, int n)
{
	UNROLL for (int g = 0; g < n; g++) i += i & ~pass->below[g];
	return i;
}

/* A piece of a block. */
ALWAYS_INLINE void turn_piece(const struct pass *pass, real *at, int piece, int n, bool lanes)
{
	vec x[BLOCK];
	UNROLL for (int j = 0; j < 1 << n; j++) x[j] = *(vec *)(at + pass->offset[j]);
	turn_block(pass->turns, x, n);
	if (lanes)
		turn_lanes(pass, x, 1 << n, piece);
	UNROLL for (int j = 0; j < 1 << n; j++) * (vec *)(at + pass->offset[j]) = x[j];
}

ALWAYS_INLINE void pass_forward(const struct pass *pass, real *tile, size_t size, int n, bool lanes)
{
	for (size_t i = 0; i < size >> n; i += VIRTUAL_LANES) {
		ask_ahead(pass->ahead);
		real *at = tile + block_at(pass, i, n);
		UNROLL for (int piece = 0; piece < PIECES; piece++)
		    turn_piece(pass, at + piece * WIDTH, piece, n, lanes);
		if (lanes)
			turn_pieces(pass, at, 1 << n);
	}
}

/* Sums of Im <lambda|Y|psi>, of each rotation and each lane bit. */
struct pass_sums {
	vec turns[BLOCK_BITS][PIECES], lanes[VIRTUAL_LANE_BITS][PIECES];
};

/* Before either state is turned; `psi` and `lambda` are where the piece's virtual lanes begin. */
ALWAYS_INLINE void add_slopes(struct pass_sums *sums, const struct pass *pass, const real *psi, const real *lambda,
                              int piece, int n, bool lanes)
{
	vec x[BLOCK], here[BLOCK_BITS] = {{0}}, in_lanes[VIRTUAL_LANE_BITS] = {{0}};
	UNROLL for (int j = 0; j < 1 << n; j++) x[j] = *((const vec *)(psi + pass->offset[j]) + piece);
	UNROLL for (int j = 0; j < 1 << n; j++)
	{
		vec l = *((const vec *)(lambda + pass->offset[j]) + piece);
		UNROLL for (int g = 0; g < n; g++) here[g] =
		    (j >> g & 1) != 0 ? fma_vec(l, x[j ^ 1 << g], here[g]) : fnma_vec(l, x[j ^ 1 << g], here[g]);
		UNROLL for (int p = 0; p < VIRTUAL_LANE_BITS && lanes; p++)
		{
			vec other = p < LANE_BITS ? exchange(x[j], p) : exchanged(psi + pass->offset[j], piece, p);
			in_lanes[p] = fma_vec(l, other, in_lanes[p]);
		}
	}
	UNROLL for (int g = 0; g < n; g++) sums->turns[g][piece] += here[g];
	UNROLL for (int p = 0; p < VIRTUAL_LANE_BITS && lanes; p++) sums->lanes[p][piece] += in_lanes[p];
}

ALWAYS_INLINE void pass_backward(const struct pass *pass, real *psi, real *lambda, size_t size, struct pass_sums *sums,
                                 int n, bool lanes)
{
	struct pass_sums all = {.turns = {{{0}}}};
	for (size_t i = 0; i < size >> n; i += VIRTUAL_LANES) {
		ask_ahead(pass->ahead);
		real *p = psi + block_at(pass, i, n), *l = lambda + block_at(pass, i, n);
		/* All slopes first where a piece's need the numbers of another one. */
		UNROLL for (int piece = 0; piece < PIECES && lanes; piece++)
		    add_slopes(&all, pass, p, l, piece, n, lanes);
		UNROLL for (int piece = 0; piece < PIECES; piece++)
		{
			if (!lanes)
				add_slopes(&all, pass, p, l, piece, n, lanes);
			turn_piece(pass, p + piece * WIDTH, piece, n, lanes);
			turn_piece(pass, l + piece * WIDTH, piece, n, lanes);
		}
		if (lanes) {
			turn_pieces(pass, p, 1 << n);
			turn_pieces(pass, l, 1 << n);
		}
	}
	*sums = all;
}

/* The loops for every number of rotations. */
#define PASSES(X) X(0, true) X(1, false) X(1, true) X(2, false) X(2, true) X(3, false) X(3, true)
#define X(n, lanes)                                                                                                    \
	static void pass_forward_##n##_##lanes(const struct pass *pass, real *tile, size_t size)                       \
	{                                                                                                              \
		pass_forward(pass, tile, size, n, lanes);                                                              \
	}                                                                                                              \
	static void pass_backward_##n##_##lanes(const struct pass *pass, real *psi, real *lambda, size_t size,         \
	                                        struct pass_sums *sums)                                                \
	{                                                                                                              \
		pass_backward(pass, psi, lambda, size, sums, n, lanes);                                                \
	}
PASSES(X)
#undef X

typedef void (*pass_forward_fn)(const struct pass *pass, real *tile, size_t size);
typedef void (*pass_backward_fn)(const struct pass *pass, real *psi, real *lambda, size_t size, struct pass_sums *sums);

#define X(n, lanes) [n][lanes] = pass_forward_##n##_##lanes,
static const pass_forward_fn passes_forward[BLOCK_BITS + 1][2] = {PASSES(X)};
#undef X
#define X(n, lanes) [n][lanes] = pass_backward_##n##_##lanes,
static const pass_backward_fn passes_backward[BLOCK_BITS + 1][2] = {PASSES(X)};
#undef X
#undef PASSES

#endif
