/* Sums over samples, of float64: outer products and totals. Included by gemm_kernel.c only, behind its `smaller`. */
#ifndef QLSTM_NN_GEMM_OUTER_H
#define QLSTM_NN_GEMM_OUTER_H

/* Sums over samples run in eight lanes on every instruction set, sample s in lane s mod 8: in PARTS registers. The
 * lanes are added up in one order: i and i + 4, then i and i + 2, then i and i + 1. */
enum { LANES = 8, PARTS = LANES / WIDTH64 };

/* Keeps a value in a register: a compiler would rather read it again for every operation, which makes three operations
 * of two. */
#if defined __x86_64__ && !defined KERNEL_BYTES
#define KEEP(v) __asm__("" : "+v"(v))
#else
#define KEEP(v) ((void)0)
#endif

/* Of two registers the `low` lanes plus the `high` ones. */
#define FOLD(a, b, low, high) (__builtin_shufflevector(a, b, low) + __builtin_shufflevector(a, b, high))

/* WIDTH64 such sums together, each in one lane of the result. */
ALWAYS_INLINE vec64 totals(vec64 v[WIDTH64][PARTS])
{
#if VECTOR_BYTES == 64
#define LOW_FOURS  0, 1, 2, 3, 8, 9, 10, 11
#define HIGH_FOURS 4, 5, 6, 7, 12, 13, 14, 15
#define LOW_TWOS   0, 1, 4, 5, 8, 9, 12, 13
#define HIGH_TWOS  2, 3, 6, 7, 10, 11, 14, 15
	vec64 twos[2];
	UNROLL for (size_t k = 0; k < 2; k++)
	{
		vec64 a = FOLD(v[4 * k][0], v[4 * k + 1][0], LOW_FOURS, HIGH_FOURS);
		vec64 b = FOLD(v[4 * k + 2][0], v[4 * k + 3][0], LOW_FOURS, HIGH_FOURS);
		twos[k] = FOLD(a, b, LOW_TWOS, HIGH_TWOS);
	}
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD  1, 3, 5, 7, 9, 11, 13, 15
	return FOLD(twos[0], twos[1], EVEN, ODD);
#elif VECTOR_BYTES == 32
#define LOW_TWOS  0, 1, 4, 5
#define HIGH_TWOS 2, 3, 6, 7
	vec64 a = FOLD(v[0][0] + v[0][1], v[1][0] + v[1][1], LOW_TWOS, HIGH_TWOS);
	vec64 b = FOLD(v[2][0] + v[2][1], v[3][0] + v[3][1], LOW_TWOS, HIGH_TWOS);
#define EVEN      0, 2, 4, 6
#define ODD       1, 3, 5, 7
	return FOLD(a, b, EVEN, ODD);
#else
	vec64 a = (v[0][0] + v[0][2]) + (v[0][1] + v[0][3]), b = (v[1][0] + v[1][2]) + (v[1][1] + v[1][3]);
#define EVEN 0, 2
#define ODD  1, 3
	return FOLD(a, b, EVEN, ODD);
#endif
}

/* A tile of an outer product: so many rows of dy by so many of x. While a block of dy, at home in the second-level
 * cache, passes, rows of x of at most so many numbers stay in the first. */
#if VECTOR_BYTES == 64
enum { OUTER_ROWS = 8 };
#else
enum { OUTER_ROWS = 4 };
#endif
enum { OUTER_TERMS = 3, OUTER_SUMS = OUTER_ROWS * OUTER_TERMS, OUTER_NEAR = 2560, OUTER_BLOCK = 128 };

struct outer {
	const double *dy, *x;
	size_t rows, terms, sets, batch;
	double *d;
};

ALWAYS_INLINE void outer_vector(const double *dy, const double *x, size_t batch, size_t valid, size_t rows,
                                size_t terms, vec64 sums[OUTER_ROWS][OUTER_TERMS])
{
	vec64 in[OUTER_TERMS];
	UNROLL for (size_t c = 0; c < terms; c++) in[c] = load64(x + c * batch, valid);
	UNROLL for (size_t r = 0; r < rows; r++)
	{
		vec64 g = load64(dy + r * batch, valid);
		KEEP(g);
		UNROLL for (size_t c = 0; c < terms; c++) sums[r][c] = fma64(g, in[c], sums[r][c]);
	}
}

/* The sums of one part: the samples of its lanes. A part at a time keeps a whole tile of sums in registers; the second
 * one finds dy and x in the nearest cache. */
ALWAYS_INLINE void outer_part(const struct outer *outer, size_t o, size_t k, size_t rows, size_t terms, size_t part,
                              vec64 out[OUTER_SUMS][PARTS])
{
	vec64 sums[OUTER_ROWS][OUTER_TERMS] = {{{0}}};
	const double *dy = outer->dy + o * outer->batch, *x = outer->x + k * outer->batch;
	size_t batch = outer->batch;
	for (size_t set = 0; set < outer->sets; set++, dy += outer->rows * batch, x += outer->terms * batch) {
		size_t s = part * WIDTH64;
		for (; s + WIDTH64 <= batch; s += LANES)
			outer_vector(dy + s, x + s, batch, WIDTH64, rows, terms, sums);
		if (s < batch)
			outer_vector(dy + s, x + s, batch, batch - s, rows, terms, sums);
	}
	UNROLL for (size_t r = 0; r < rows; r++)
	{
		UNROLL for (size_t c = 0; c < terms; c++) out[r * terms + c][part] = sums[r][c];
	}
}

ALWAYS_INLINE void outer_tile(const struct outer *outer, size_t o, size_t k, size_t rows, size_t terms)
{
	vec64 sums[OUTER_SUMS + WIDTH64][PARTS];
	UNROLL for (size_t part = 0; part < PARTS; part++) outer_part(outer, o, k, rows, terms, part, sums);
	UNROLL for (size_t n = 0; n < WIDTH64; n++)
	{
		UNROLL for (size_t part = 0; part < PARTS; part++) sums[rows * terms + n][part] = (vec64){0};
	}
	double *d = outer->d + o * outer->terms + k;
	double all[OUTER_SUMS + WIDTH64];
	UNROLL for (size_t n = 0; n < rows * terms; n += WIDTH64) * (loose64 *)(all + n) = totals(sums + n);
	UNROLL for (size_t r = 0; r < rows; r++)
	{
		UNROLL for (size_t c = 0; c < terms; c++) d[r * outer->terms + c] += all[r * terms + c];
	}
}

ALWAYS_INLINE void outer_row(const struct outer *outer, size_t o, size_t k, size_t end, size_t rows)
{
	for (; k + OUTER_TERMS <= end; k += OUTER_TERMS)
		outer_tile(outer, o, k, rows, OUTER_TERMS);
	for (; k < end; k++)
		outer_tile(outer, o, k, rows, 1);
}

static void add_outer(const double *dy, size_t rows, const double *x, size_t terms, size_t sets, size_t batch,
                      double *d)
{
	struct outer outer = {dy, x, rows, terms, sets, batch, d};
	size_t tiles = OUTER_NEAR / (batch * OUTER_TERMS), near = (tiles > 1 ? tiles : 1) * OUTER_TERMS;
	for (size_t from = 0; from < rows; from += OUTER_BLOCK)
		for (size_t k = 0; k < terms; k += near) {
			size_t o = from, to = smaller(rows, from + OUTER_BLOCK), end = smaller(terms, k + near);
			for (; o + OUTER_ROWS <= to; o += OUTER_ROWS)
				outer_row(&outer, o, k, end, OUTER_ROWS);
			for (; o + 2 <= to; o += 2)
				outer_row(&outer, o, k, end, 2);
			for (; o < to; o++)
				outer_row(&outer, o, k, end, 1);
		}
}

/* Of `count` rows, at most WIDTH64. */
ALWAYS_INLINE void totals_of_rows(const double *row, size_t rows, size_t sets, size_t batch, size_t count, double *sums)
{
	vec64 parts[WIDTH64][PARTS] = {{{0}}};
	for (size_t set = 0; set < sets; set++, row += rows * batch)
		for (size_t s = 0; s < batch; s += LANES)
			UNROLL for (size_t r = 0; r < count; r++)
			{
				UNROLL for (size_t part = 0; part < PARTS; part++)
				{
					size_t at = s + part * WIDTH64;
					parts[r][part] += load64(row + r * batch + at, at < batch ? batch - at : 0);
				}
			}
	vec64 all = totals(parts);
	UNROLL for (size_t r = 0; r < count; r++) sums[r] += all[r];
}

static void add_totals(const double *dy, size_t rows, size_t sets, size_t batch, double *sums)
{
	size_t o = 0;
	for (; o + WIDTH64 <= rows; o += WIDTH64)
		totals_of_rows(dy + o * batch, rows, sets, batch, WIDTH64, sums + o);
	for (; o < rows; o++)
		totals_of_rows(dy + o * batch, rows, sets, batch, 1, sums + o);
}

#endif
