/* Matrix products in tiles that stay in registers. -DKERNEL_ISA names the table, -DKERNEL_FLOAT32 chooses the numbers.
 *
 * A tile of a sum is ROWS rows by VECS vectors of samples: each vector of x loaded serves ROWS rows, each element of A
 * VECS vectors. Rows of x lie a whole batch apart, for large batches often a power of two, and a column of them then
 * falls into few sets of the cache. Where there are many they are first packed side by side into a panel on the stack,
 * over which all rows of A pass. */
#include "engine/nn/kernel/gemm_kernel.h"

#include "engine/vector/fused.h"

#ifdef KERNEL_FLOAT32
#define OF_NUMBER(name) name##_f32
#else
#define OF_NUMBER(name) name
#endif
#define PRODUCT      OF_NUMBER(product)
#define GEMM_START   OF_NUMBER(gemm_start)
#define GEMM_KERNELS OF_NUMBER(gemm_kernels)

#if VECTOR_BYTES == 64 || defined __aarch64__
enum { ROWS = 8 }; /* 32 registers */
#else
enum { ROWS = 4 };
#endif
enum { VECS = 3, TILE = VECS * WIDTH };
enum {
	DEPTH = 24576 / sizeof(real) / TILE, /* terms of a panel: 24 KiB, most of a first-level cache */
	PACK_FROM = 24,                      /* terms from which on a panel pays */
	NEAR_ROWS = 96,                      /* rows of A that pass over all panels before the next ones do */
};

/* Parts of products, over the same samples. */
struct tile {
	struct PRODUCT slices[GEMM_PRODUCTS];
	int n_slices;
	struct GEMM_START start;
	real *y;
	size_t batch, count; /* from row to row of y; samples of the tile */
};

/* How many samples vector v of a tile has. */
static inline size_t valid(const struct tile *tile, size_t v, size_t vecs)
{
	return v + 1 < vecs ? WIDTH : tile->count - v * WIDTH;
}

ALWAYS_INLINE void start_tile(const struct tile *tile, size_t row, size_t rows, size_t vecs, vec sums[2 * ROWS][VECS])
{
	const real *y = tile->y + row * tile->batch, *bias = tile->start.bias;
	UNROLL for (size_t r = 0; r < rows; r++)
	{
		vec initial = {0};
		if (!tile->start.add && bias != NULL)
			initial += bias[row + r];
		UNROLL for (size_t v = 0; v < vecs; v++)
		{
			size_t at = r * tile->batch + v * WIDTH;
			sums[r][v] = tile->start.add ? load_vec(y + at, valid(tile, v, vecs)) : initial;
		}
	}
}

ALWAYS_INLINE void add_slice(const struct PRODUCT *slice, size_t row, size_t rows, size_t vecs,
                             vec sums[2 * ROWS][VECS])
{
	const real *a = slice->a + row * slice->row_step, *x = slice->x;
	size_t row_step = slice->row_step, step = slice->step;
	for (size_t j = 0; j < slice->terms; j++, a += step, x += slice->x_step) {
		vec in[VECS];
		UNROLL for (size_t v = 0; v < vecs; v++) in[v] = *(const loose *)(x + v * WIDTH);
		UNROLL for (size_t r = 0; r < rows; r++)
		{
			vec factor = SPLAT(a[r * row_step]);
			UNROLL for (size_t v = 0; v < vecs; v++) sums[r][v] = fma_vec(factor, in[v], sums[r][v]);
		}
	}
}

ALWAYS_INLINE void sum_tile(const struct tile *tile, size_t row, size_t rows, size_t vecs)
{
	vec sums[2 * ROWS][VECS];
	start_tile(tile, row, rows, vecs, sums);
	for (int k = 0; k < tile->n_slices; k++)
		add_slice(&tile->slices[k], row, rows, vecs, sums);
	real *y = tile->y + row * tile->batch;
	UNROLL for (size_t r = 0; r < rows; r++)
	{
		UNROLL for (size_t v = 0; v < vecs; v++)
		    store_vec(y + r * tile->batch + v * WIDTH, sums[r][v], valid(tile, v, vecs));
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

/* Terms from `at` of the product, of the tile's samples, side by side and filled up with zeros; where they lie so. */
static struct PRODUCT pack(const struct PRODUCT *product, size_t at, size_t terms, size_t s, size_t count, real *panel)
{
	size_t width = (count + WIDTH - 1) / WIDTH * WIDTH;
	const real *x = product->x + (ptrdiff_t)at * product->x_step + s;
	bool packed = count == width && product->x_step == (ptrdiff_t)width;
	for (size_t j = 0; !packed && j < terms; j++)
		for (size_t v = 0; v < width; v += WIDTH)
			*(vec *)(panel + j * width + v) = load_vec(x + (ptrdiff_t)j * product->x_step + v, count - v);
	return (struct PRODUCT){.a = product->a + at * product->step,
	                        .row_step = product->row_step,
	                        .step = product->step,
	                        .x = packed ? x : panel,
	                        .x_step = (ptrdiff_t)width,
	                        .terms = terms};
}

/* The samples from s on, DEPTH terms at a time, whichever products they are of. */
static void sum_packed(struct tile *tile, const struct PRODUCT *products, int count, size_t s, size_t from, size_t to)
{
	_Alignas(64) real panel[DEPTH * TILE];
	size_t vecs = (tile->count + WIDTH - 1) / WIDTH, at = 0;
	int k = 0;
	do {
		size_t used = 0;
		tile->n_slices = 0;
		while (k < count && used < DEPTH) {
			size_t terms = smaller(products[k].terms - at, DEPTH - used);
			tile->slices[tile->n_slices++] =
			    pack(&products[k], at, terms, s, tile->count, panel + used * vecs * WIDTH);
			used += terms;
			at += terms;
			if (at == products[k].terms)
				k++, at = 0;
		}
		column_sums[vecs](tile, from, to);
		tile->start.add = true;
	} while (k < count);
}

static void sum_in_place(struct tile *tile, const struct PRODUCT *products, int count, size_t s, size_t from, size_t to)
{
	for (int k = 0; k < count; k++) {
		tile->slices[k] = products[k];
		tile->slices[k].x += s;
	}
	tile->n_slices = count;
	column_sums[tile->count / WIDTH](tile, from, to);
}

/* One sample: its rows are independent chains of numbers. */
ALWAYS_INLINE void sum_single_rows(const struct PRODUCT *products, int count, struct GEMM_START start, size_t row,
                                   size_t rows, real *y)
{
	real sums[2 * ROWS];
	UNROLL for (size_t r = 0; r < rows; r++)
	{
		real initial = start.bias != NULL ? start.bias[row + r] : 0;
		sums[r] = start.add ? y[row + r] : initial;
	}
	for (int k = 0; k < count; k++) {
		const struct PRODUCT *p = &products[k];
		const real *a = p->a + row * p->row_step, *x = p->x;
		size_t row_step = p->row_step;
		for (size_t j = 0; j < p->terms; j++, a += p->step, x += p->x_step) {
			UNROLL for (size_t r = 0; r < rows; r++) sums[r] = FUSED_NUMBER(a[r * row_step], *x, sums[r]);
		}
	}
	UNROLL for (size_t r = 0; r < rows; r++) y[row + r] = sums[r];
}

static void sum_single(const struct PRODUCT *products, int count, struct GEMM_START start, size_t rows, real *y)
{
	size_t row = 0;
	for (; row + 2 * ROWS <= rows; row += 2 * ROWS)
		sum_single_rows(products, count, start, row, 2 * ROWS, y);
	for (; row + 4 <= rows; row += 4)
		sum_single_rows(products, count, start, row, 4, y);
	for (; row < rows; row++)
		sum_single_rows(products, count, start, row, 1, y);
}

static void sum(const struct PRODUCT *products, int count, struct GEMM_START start, size_t rows, size_t batch, real *y)
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
			bool four = batch - s > TILE && batch - s <= 4 * WIDTH;
			width = four ? 2 * WIDTH : smaller(batch - s, TILE);
			struct tile tile = {.start = start, .y = y + s, .batch = batch, .count = width};
			size_t to = smaller(rows, from + near);
			if (terms < PACK_FROM && width % WIDTH == 0)
				sum_in_place(&tile, products, count, s, from, to);
			else
				sum_packed(&tile, products, count, s, from, to);
		}
}

#ifndef KERNEL_FLOAT32
#include "engine/nn/kernel/gemm_outer.h"
#endif

static void transpose(const real *from, size_t rows, size_t columns, real *to, size_t to_step)
{
	enum { BLOCK = 8 }; /* a cache line of float64 */
	size_t r = 0;
	for (; r + BLOCK <= rows; r += BLOCK)
		for (size_t c = 0; c < columns; c++)
			UNROLL for (size_t k = 0; k < BLOCK; k++) to[c * to_step + r + k] = from[(r + k) * columns + c];
	for (; r < rows; r++)
		for (size_t c = 0; c < columns; c++)
			to[c * to_step + r] = from[r * columns + c];
}

#ifdef KERNEL_FLOAT32
#define TABLE_NAME(isa) gemm_kernels_f32_##isa
#else
#define TABLE_NAME(isa) gemm_kernels_##isa
#endif
#define TABLE(isa) TABLE_NAME(isa)

extern const struct GEMM_KERNELS TABLE(KERNEL_ISA);

const struct GEMM_KERNELS TABLE(KERNEL_ISA) = {
    .sum = sum,
#ifndef KERNEL_FLOAT32
    .outer = add_outer,
    .totals = add_totals,
#endif
    .transpose = transpose,
};
