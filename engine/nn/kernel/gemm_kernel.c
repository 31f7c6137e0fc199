/* Matrix products in tiles that stay in registers. -DKERNEL_ISA names the table.
 *
 * A tile of a sum is ROWS rows by VECS vectors of samples: each vector of x loaded serves ROWS rows, each element of A
 * VECS vectors. Rows of x lie a whole batch apart, for large batches often a power of two, and a column of them then
 * falls into few sets of the cache. Where there are many they are first packed side by side into a panel on the stack,
 * over which all rows of A pass. */
#include "engine/nn/kernel/gemm_kernel.h"

#include "engine/vector/fused.h"

#if defined __AVX512F__ || defined __aarch64__
enum { ROWS = 8 }; /* 32 registers */
#else
enum { ROWS = 4 };
#endif
enum { VECS = 3, TILE = VECS * WIDTH64 };
enum {
	DEPTH = 3072 / TILE, /* terms of a panel: 24 KiB, most of a first-level cache */
	PACK_FROM = 24,      /* terms from which on a panel pays */
	NEAR_ROWS = 96,      /* rows of A that pass over all panels before the next ones do */
};

/* Parts of products, over the same samples. */
struct tile {
	struct product slices[GEMM_PRODUCTS];
	int n_slices;
	struct gemm_start start;
	double *y;
	size_t batch, count; /* from row to row of y; samples of the tile */
};

/* How many samples vector v of a tile has. */
static inline size_t valid(const struct tile *tile, size_t v, size_t vecs)
{
	return v + 1 < vecs ? WIDTH64 : tile->count - v * WIDTH64;
}

ALWAYS_INLINE void start_tile(const struct tile *tile, size_t row, size_t rows, size_t vecs, vec64 sums[2 * ROWS][VECS])
{
	const double *y = tile->y + row * tile->batch, *bias = tile->start.bias;
	UNROLL for (size_t r = 0; r < rows; r++)
	{
		vec64 initial = {0};
		if (!tile->start.add && bias != NULL)
			initial += bias[row + r];
		UNROLL for (size_t v = 0; v < vecs; v++)
		{
			size_t at = r * tile->batch + v * WIDTH64;
			sums[r][v] = tile->start.add ? load64(y + at, valid(tile, v, vecs)) : initial;
		}
	}
}

ALWAYS_INLINE void add_slice(const struct product *slice, size_t row, size_t rows, size_t vecs,
                             vec64 sums[2 * ROWS][VECS])
{
	const double *a = slice->a + row * slice->row_step, *x = slice->x;
	size_t row_step = slice->row_step, step = slice->step;
	for (size_t j = 0; j < slice->terms; j++, a += step, x += slice->x_step) {
		vec64 in[VECS];
		UNROLL for (size_t v = 0; v < vecs; v++) in[v] = *(const loose64 *)(x + v * WIDTH64);
		UNROLL for (size_t r = 0; r < rows; r++)
		{
			vec64 factor = SPLAT64(a[r * row_step]);
			UNROLL for (size_t v = 0; v < vecs; v++) sums[r][v] = fma64(factor, in[v], sums[r][v]);
		}
	}
}

ALWAYS_INLINE void sum_tile(const struct tile *tile, size_t row, size_t rows, size_t vecs)
{
	vec64 sums[2 * ROWS][VECS];
	start_tile(tile, row, rows, vecs, sums);
	for (int k = 0; k < tile->n_slices; k++)
		add_slice(&tile->slices[k], row, rows, vecs, sums);
	double *y = tile->y + row * tile->batch;
	UNROLL for (size_t r = 0; r < rows; r++)
	{
		UNROLL for (size_t v = 0; v < vecs; v++)
		    store64(y + r * tile->batch + v * WIDTH64, sums[r][v], valid(tile, v, vecs));
	}
}

/* Rows `row` to `end` of a tile that is `vecs` vectors wide. A single vector needs more rows to keep the multipliers
 * busy. */
ALWAYS_INLINE void sum_column(const struct tile *tile, size_t row, size_t end, size_t vecs)
{
	for (; vecs == 1 && row + 2 * ROWS <= end; row += 2 * ROWS)
		sum_tile(tile, row, 2 * ROWS, vecs);
	for (; row + ROWS <= end; row += ROWS)
		sum_tile(tile, row, ROWS, vecs);
	for (; row + 4 <= end; row += 4)
		sum_tile(tile, row, 4, vecs);
	for (; row + 2 <= end; row += 2)
		sum_tile(tile, row, 2, vecs);
	if (row < end)
		sum_tile(tile, row, 1, vecs);
}

static void sum_column_1(const struct tile *tile, size_t row, size_t end)
{
	sum_column(tile, row, end, 1);
}

static void sum_column_2(const struct tile *tile, size_t row, size_t end)
{
	sum_column(tile, row, end, 2);
}

static void sum_column_3(const struct tile *tile, size_t row, size_t end)
{
	sum_column(tile, row, end, 3);
}

/* By width in vectors, from 1. */
static void (*const column_sums[VECS + 1])(const struct tile *, size_t, size_t) = {NULL, sum_column_1, sum_column_2,
                                                                                   sum_column_3};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Terms from `at` of the product, of the tile's samples, side by side and filled up with zeros. */
static struct product pack(const struct product *product, size_t at, size_t terms, size_t s, size_t count,
                           double *panel)
{
	size_t width = (count + WIDTH64 - 1) / WIDTH64 * WIDTH64;
	const double *x = product->x + (ptrdiff_t)at * product->x_step + s;
	double *to = panel;
	for (size_t j = 0; j < terms; j++, x += product->x_step, to += width)
		for (size_t v = 0; v < width; v += WIDTH64)
			*(vec64 *)(to + v) = load64(x + v, count - v);
	return (struct product){.a = product->a + at * product->step,
	                        .row_step = product->row_step,
	                        .step = product->step,
	                        .x = panel,
	                        .x_step = (ptrdiff_t)width,
	                        .terms = terms};
}

/* The samples from s on, DEPTH terms at a time, whichever products they are of. */
static void sum_packed(struct tile *tile, const struct product *products, int count, size_t s, size_t from, size_t to)
{
	_Alignas(64) double panel[DEPTH * TILE];
	size_t vecs = (tile->count + WIDTH64 - 1) / WIDTH64, at = 0;
	int k = 0;
	do {
		size_t used = 0;
		tile->n_slices = 0;
		while (k < count && used < DEPTH) {
			size_t terms = smaller(products[k].terms - at, DEPTH - used);
			tile->slices[tile->n_slices++] =
			    pack(&products[k], at, terms, s, tile->count, panel + used * vecs * WIDTH64);
			used += terms;
			at += terms;
			if (at == products[k].terms)
				k++, at = 0;
		}
		column_sums[vecs](tile, from, to);
		tile->start.add = true;
	} while (k < count);
}

static void sum_in_place(struct tile *tile, const struct product *products, int count, size_t s, size_t from, size_t to)
{
	for (int k = 0; k < count; k++) {
		tile->slices[k] = products[k];
		tile->slices[k].x += s;
	}
	tile->n_slices = count;
	column_sums[tile->count / WIDTH64](tile, from, to);
}

/* One sample: its rows are independent chains of numbers. */
ALWAYS_INLINE void sum_single_rows(const struct product *products, int count, struct gemm_start start, size_t row,
                                   size_t rows, double *y)
{
	double sums[2 * ROWS];
	UNROLL for (size_t r = 0; r < rows; r++)
	{
		double initial = start.bias != NULL ? start.bias[row + r] : 0.0;
		sums[r] = start.add ? y[row + r] : initial;
	}
	for (int k = 0; k < count; k++) {
		const struct product *p = &products[k];
		const double *a = p->a + row * p->row_step, *x = p->x;
		size_t row_step = p->row_step;
		for (size_t j = 0; j < p->terms; j++, a += p->step, x += p->x_step) {
			UNROLL for (size_t r = 0; r < rows; r++) sums[r] = FUSED_NUMBER(a[r * row_step], *x, sums[r]);
		}
	}
	UNROLL for (size_t r = 0; r < rows; r++) y[row + r] = sums[r];
}

static void sum_single(const struct product *products, int count, struct gemm_start start, size_t rows, double *y)
{
	size_t row = 0;
	for (; row + 2 * ROWS <= rows; row += 2 * ROWS)
		sum_single_rows(products, count, start, row, 2 * ROWS, y);
	for (; row + 4 <= rows; row += 4)
		sum_single_rows(products, count, start, row, 4, y);
	for (; row < rows; row++)
		sum_single_rows(products, count, start, row, 1, y);
}

static void sum(const struct product *products, int count, struct gemm_start start, size_t rows, size_t batch,
                double *y)
{
	if (batch == 1) {
		sum_single(products, count, start, rows, y);
		return;
	}
	size_t terms = 0;
	for (int k = 0; k < count; k++)
		terms += products[k].terms;
	size_t near = terms < PACK_FROM ? rows : NEAR_ROWS;
	for (size_t from = 0; from < rows; from += near)
		for (size_t s = 0, width; s < batch; s += width) {
			/* Four vectors are better done as two and two than as three and one. */
			bool four = batch - s > TILE && batch - s <= 4 * WIDTH64;
			width = four ? 2 * WIDTH64 : smaller(batch - s, TILE);
			struct tile tile = {.start = start, .y = y + s, .batch = batch, .count = width};
			size_t to = smaller(rows, from + near);
			if (terms < PACK_FROM && width % WIDTH64 == 0)
				sum_in_place(&tile, products, count, s, from, to);
			else
				sum_packed(&tile, products, count, s, from, to);
		}
}

/* Sums over samples run in eight lanes on every instruction set, sample s in lane s mod 8: in PARTS registers. The
 * lanes are added up in one order: i and i + 4, then i and i + 2, then i and i + 1. */
enum { LANES = 8, PARTS = LANES / WIDTH64 };

/* Keeps a value in a register: a compiler would rather read it again for every operation, which makes three operations
 * of two. */
#if defined __x86_64__
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

static void transpose(const double *from, size_t rows, size_t columns, double *to, size_t to_step)
{
	enum { BLOCK = 8 }; /* a cache line */
	for (size_t r = 0; r < rows; r += BLOCK)
		for (size_t c = 0; c < columns; c++)
			for (size_t k = r; k < smaller(rows, r + BLOCK); k++)
				to[c * to_step + k] = from[k * columns + c];
}

#define TABLE_NAME(isa) gemm_kernels_##isa
#define TABLE(isa)      TABLE_NAME(isa)

extern const struct gemm_kernels TABLE(KERNEL_ISA);

const struct gemm_kernels TABLE(KERNEL_ISA) = {
    .sum = sum,
    .outer = add_outer,
    .totals = add_totals,
    .transpose = transpose,
};
