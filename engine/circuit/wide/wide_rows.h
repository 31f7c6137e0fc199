/* What goes over the amplitudes of a tile row by row: diagonal gates, measuring Z-strings, product states. Included by
 * wide_kernel.c only. */
#ifndef QLSTM_CIRCUIT_WIDE_ROWS_H
#define QLSTM_CIRCUIT_WIDE_ROWS_H

#include "engine/circuit/wide/wide_vector.h"

struct row {
	vec re[ROW_VECS], im[ROW_VECS];
};

ALWAYS_INLINE bool group_negative(const struct wide_factors *factors, int group, size_t row)
{
	const struct wide_group *g = &factors->groups[group];
	return (__builtin_parity((uint32_t)row & g->high) ^ __builtin_parity(factors->base & g->out)) != 0;
}

/* The factors of a diagonal in a row, or their conjugates. */
ALWAYS_INLINE void row_factors(const struct wide_factors *factors, size_t row, bool conjugate, struct row *out)
{
	real re = (real)factors->rows[row], im = (real)(conjugate ? -factors->rows_im[row] : factors->rows_im[row]);
	UNROLL_SOME for (int v = 0; v < ROW_VECS; v++)
	{
		out->re[v] = SPLAT(re);
		out->im[v] = SPLAT(im);
	}
	for (int g = 0; g < factors->n_groups; g++) {
		const vec *c = (const vec *)((const real *)factors->low + (size_t)g * 2 * WIDE_ROW), *s = c + ROW_VECS;
		real sign = group_negative(factors, g, row) != conjugate ? -1 : 1;
		UNROLL_SOME for (int v = 0; v < ROW_VECS; v++)
		{
			vec a = out->re[v], b = out->im[v], signed_s = sign * s[v];
			out->re[v] = fms_vec(a, c[v], b * signed_s);
			out->im[v] = fma_vec(a, signed_s, b * c[v]);
		}
	}
}

static vec *row_at(void *tile, size_t row)
{
	return (vec *)((real *)tile + row * 2 * WIDE_ROW);
}

ALWAYS_INLINE void multiply_row(vec *at, const struct row *factors)
{
	UNROLL_SOME for (int v = 0; v < ROW_VECS; v++)
	{
		vec re = at[v], im = at[v + ROW_VECS];
		at[v] = fms_vec(re, factors->re[v], im * factors->im[v]);
		at[v + ROW_VECS] = fma_vec(re, factors->im[v], im * factors->re[v]);
	}
}

static void fill(const struct wide_factors *factors, void *tile, size_t n_rows)
{
	const vec *c = (const vec *)factors->low, *s = c + ROW_VECS;
	for (size_t r = 0; r < n_rows; r++) {
		vec re = SPLAT((real)factors->rows[r]), im = SPLAT((real)factors->rows_im[r]);
		vec *at = row_at(tile, r);
		for (int v = 0; v < ROW_VECS; v++) {
			at[v] = fms_vec(re, c[v], im * s[v]);
			at[v + ROW_VECS] = fma_vec(re, s[v], im * c[v]);
		}
	}
}

/* Rows first .. first + n - 1. */
static void diagonal_forward(const struct wide_factors *factors, void *tile, size_t first, size_t n)
{
	for (size_t r = first; r < first + n; r++) {
		struct row row;
		row_factors(factors, r, false, &row);
		multiply_row(row_at(tile, r), &row);
	}
}

/* The weights of one row go to the sums. */
ALWAYS_INLINE void add_weights(const struct wide_factors *factors, size_t row, const vec *weights,
                               const struct wide_sums *sums)
{
	vec all[PIECES] = {{0}};
	for (int v = 0; v < ROW_VECS; v++)
		all[v % PIECES] += weights[v];
	sums->rows[row] = pieces_total(all, 1, PIECES);
	for (int g = 0; g < factors->n_groups; g++) {
		real sign = __builtin_parity((uint32_t)row & factors->groups[g].high) != 0 ? -1 : 1;
		for (int v = 0; v < ROW_VECS; v++)
			accumulate(sums->low + (size_t)g * WIDE_ROW + (size_t)v * WIDTH, sign * weights[v]);
	}
}

static void diagonal_backward(const struct wide_factors *factors, void *psi, void *lambda, size_t first, size_t n,
                              real scale, const struct wide_sums *sums)
{
	for (size_t r = first; r < first + n; r++) {
		vec *p = row_at(psi, r), *l = row_at(lambda, r), weights[ROW_VECS];
		struct row row;
		for (int v = 0; v < ROW_VECS; v++)
			weights[v] = scale * fms_vec(l[v], p[v + ROW_VECS], l[v + ROW_VECS] * p[v]);
		add_weights(factors, r, weights, sums);
		row_factors(factors, r, true, &row);
		multiply_row(p, &row);
		multiply_row(l, &row);
	}
}

static void measure(const struct wide_factors *readout, const void *psi, size_t n_rows, double scale,
                    const struct wide_sums *sums)
{
	for (size_t r = 0; r < n_rows; r++) {
		const vec *p = row_at((void *)(uintptr_t)psi, r);
		vec weights[ROW_VECS];
		for (int v = 0; v < ROW_VECS; v++)
			weights[v] = (real)scale * fma_vec(p[v], p[v], p[v + ROW_VECS] * p[v + ROW_VECS]);
		add_weights(readout, r, weights, sums);
	}
}

static void seed_adjoint(const struct wide_factors *readout, const void *psi, void *lambda, size_t n_rows)
{
	for (size_t r = 0; r < n_rows; r++) {
		const vec *p = row_at((void *)(uintptr_t)psi, r);
		vec *l = row_at(lambda, r), factors[ROW_VECS];
		for (int v = 0; v < ROW_VECS; v++)
			factors[v] = SPLAT((real)readout->rows[r]);
		for (int g = 0; g < readout->n_groups; g++) {
			const vec *low = (const vec *)((const real *)readout->low + (size_t)g * WIDE_ROW);
			real sign = group_negative(readout, g, r) ? -1 : 1;
			for (int v = 0; v < ROW_VECS; v++)
				factors[v] += sign * low[v];
		}
		for (int v = 0; v < ROW_VECS; v++) {
			l[v] = factors[v] * p[v];
			l[v + ROW_VECS] = factors[v] * p[v + ROW_VECS];
		}
	}
}

static void contract(const struct wide_factors *factors, const void *lambda, size_t n_rows, double scale,
                     double *low_re, double *low_im, double *rows_re, double *rows_im)
{
	const vec *c = (const vec *)factors->low, *s = c + ROW_VECS;
	struct row low = {.re = {{0}}};
	for (size_t r = 0; r < n_rows; r++) {
		const vec *l = row_at((void *)(uintptr_t)lambda, r);
		vec u_re = SPLAT((real)(scale * factors->rows[r])), u_im = SPLAT((real)(scale * factors->rows_im[r]));
		vec re[PIECES] = {{0}}, im[PIECES] = {{0}};
		for (int v = 0; v < ROW_VECS; v++) {
			vec x = l[v], y = l[v + ROW_VECS];
			int piece = v % PIECES;
			low.re[v] = fma_vec(u_im, y, fma_vec(u_re, x, low.re[v]));
			low.im[v] = fnma_vec(u_im, x, fma_vec(u_re, y, low.im[v]));
			re[piece] = fma_vec(s[v], y, fma_vec(c[v], x, re[piece]));
			im[piece] = fnma_vec(s[v], x, fma_vec(c[v], y, im[piece]));
		}
		rows_re[r] = scale * pieces_total(re, 1, PIECES);
		rows_im[r] = scale * pieces_total(im, 1, PIECES);
	}
	for (int v = 0; v < ROW_VECS; v++) {
		accumulate(low_re + v * WIDTH, low.re[v]);
		accumulate(low_im + v * WIDTH, low.im[v]);
	}
}

#endif
