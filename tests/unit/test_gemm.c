/* Matrix products and the linear map against loops over single elements, on every instruction set of this processor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/vector/isa.h"
#include "engine/nn/kernel/gemm_kernel.h"
#include "engine/nn/linear.h"

static double *sines(size_t n, double pace)
{
	double *values = malloc(n * sizeof *values);
	assert_non_null(values);
	for (size_t k = 0; k < n; k++)
		values[k] = sin(pace * (double)(k + 1));
	return values;
}

static void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.15g is not %.15g within %g", value, expected, tolerance);
}

static void check_linear(int n_in, int n_out, int batch)
{
	size_t in = (size_t)n_in, out = (size_t)n_out, n = (size_t)batch;
	double *w = sines(in * out, 1.0), *b = sines(out, 0.4), *x = sines(in * n, 0.3), *dy = sines(out * n, 0.7);
	double *y = sines(out * n, 1e3), *dx = sines(in * n, 1e3), *dw = sines(in * out, 0.9), *db = sines(out, 0.2);
	double *kept_dw = sines(in * out, 0.9), *kept_db = sines(out, 0.2);
	struct linear linear = {n_in, n_out, w, b, dw, db};
	linear_forward(&linear, x, 1, batch, y);
	linear_backward(&linear, x, dy, 1, batch, dx);
	double tolerance = 1e-15 * (double)(in + out + n) + 1e-15;
	for (size_t o = 0; o < out; o++) {
		for (size_t s = 0; s < n; s++) {
			double value = b[o];
			for (size_t k = 0; k < in; k++)
				value += w[o * in + k] * x[k * n + s];
			assert_near(y[o * n + s], value, tolerance);
			kept_db[o] += dy[o * n + s];
		}
		assert_near(db[o], kept_db[o], tolerance);
	}
	for (size_t k = 0; k < in; k++)
		for (size_t s = 0; s < n; s++) {
			double value = 0;
			for (size_t o = 0; o < out; o++) {
				value += w[o * in + k] * dy[o * n + s];
				kept_dw[o * in + k] += x[k * n + s] * dy[o * n + s];
			}
			assert_near(dx[k * n + s], value, tolerance);
		}
	for (size_t k = 0; k < in * out; k++)
		assert_near(dw[k], kept_dw[k], tolerance);
	double *arrays[] = {w, b, x, dy, y, dx, dw, db, kept_dw, kept_db};
	for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
		free(arrays[k]);
}

/* Several sets at once are the sets one by one. */
static void check_sets(int n_in, int n_out, int sets, int batch)
{
	size_t in = (size_t)n_in * (size_t)batch, out = (size_t)n_out * (size_t)batch, n = (size_t)sets;
	size_t weights = (size_t)(n_in * n_out);
	double *w = sines(weights, 1.0), *b = sines((size_t)n_out, 0.4), *x = sines(n * in, 0.3),
	       *dy = sines(n * out, 0.7);
	double *y[2] = {sines(n * out, 1e3), sines(n * out, 1e2)}, *dx[2] = {sines(n * in, 1e3), sines(n * in, 1e2)};
	double *dw[2] = {sines(weights, 0.9), sines(weights, 0.9)}, *db[2] = {sines(out, 0.2), sines(out, 0.2)};
	struct linear together = {n_in, n_out, w, b, dw[0], db[0]}, single = {n_in, n_out, w, b, dw[1], db[1]};
	linear_forward(&together, x, sets, batch, y[0]);
	linear_backward(&together, x, dy, sets, batch, dx[0]);
	for (size_t k = 0; k < n; k++) {
		linear_forward(&single, x + k * in, 1, batch, y[1] + k * out);
		linear_backward(&single, x + k * in, dy + k * out, 1, batch, dx[1] + k * in);
	}
	assert_memory_equal(y[0], y[1], n * out * sizeof(double));
	for (size_t k = 0; k < n * in; k++)
		assert_near(dx[0][k], dx[1][k], 1e-13);
	for (size_t k = 0; k < weights; k++)
		assert_near(dw[0][k], dw[1][k], 1e-13);
	for (size_t k = 0; k < (size_t)n_out; k++)
		assert_near(db[0][k], db[1][k], 1e-13);
	double *arrays[] = {w, b, x, dy, y[0], y[1], dx[0], dx[1], dw[0], dw[1], db[0], db[1]};
	for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
		free(arrays[k]);
}

/* A of r x j as it lies, and lying on its side; x with rows in reverse. */
static void check_sum(size_t rows, size_t first, size_t second, size_t batch, struct gemm_start start)
{
	double *a = sines(rows * first, 1.0), *b = sines(rows * second, 0.8), *x = sines(first * batch, 0.3);
	double *z = sines(second * batch, 0.6), *y = sines(rows * batch, 0.1), *kept = sines(rows * batch, 0.1);
	struct product products[GEMM_PRODUCTS] = {
	    {a, first, 1, x + (first - 1) * batch, -(ptrdiff_t)batch, first},
	    {b, 1, rows, z, (ptrdiff_t)batch, second},
	};
	int count = second > 0 ? 2 : 1;
	const struct gemm_kernels *gemm = isa_pick()->gemm;
	gemm->sum(products, count, start, rows, batch, y);
	for (size_t s = 0; s < batch; s++)
		for (size_t r = 0; r < rows; r++) {
			double value = start.add ? kept[r * batch + s] : start.bias != NULL ? start.bias[r] : 0.0;
			for (size_t j = 0; j < first; j++)
				value += a[r * first + j] * x[(first - 1 - j) * batch + s];
			for (size_t j = 0; j < second; j++)
				value += b[j * rows + r] * z[j * batch + s];
			assert_near(y[r * batch + s], value, 1e-15 * (double)(first + second) + 1e-15);
		}
	/* The last sample on its own. */
	double *alone = sines(rows, 0.1), *x_alone = sines(first, 1.0), *z_alone = sines(second + 1, 1.0);
	for (size_t j = 0; j < first; j++)
		x_alone[j] = x[(j + 1) * batch - 1];
	for (size_t j = 0; j < second; j++)
		z_alone[j] = z[(j + 1) * batch - 1];
	for (size_t r = 0; r < rows; r++)
		alone[r] = kept[(r + 1) * batch - 1];
	products[0].x = x_alone + first - 1, products[0].x_step = -1;
	products[1].x = z_alone, products[1].x_step = 1;
	gemm->sum(products, count, start, rows, 1, alone);
	for (size_t r = 0; r < rows; r++)
		assert_true(alone[r] == y[(r + 1) * batch - 1]);
	double *arrays[] = {a, b, x, z, y, kept, alone, x_alone, z_alone};
	for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
		free(arrays[k]);
}

/* Of float32, term by term, each rounded once; where nothing is fused, nearly so. */
static void check_sum_f32(const struct isa *isa, size_t rows, size_t terms, size_t batch)
{
	double *numbers = sines(rows * terms + terms * batch + 2 * rows * batch, 0.7);
	float *a = malloc((rows * terms + terms * batch + 2 * rows * batch) * sizeof *a), *x = a + rows * terms;
	float *y = x + terms * batch, *kept = y + rows * batch;
	for (size_t k = 0; k < rows * terms + terms * batch + rows * batch; k++)
		a[k] = (float)numbers[k];
	memcpy(kept, y, rows * batch * sizeof *y);
	const struct product_f32 product = {a, 1, rows, x, (ptrdiff_t)batch, terms};
	isa->gemm_f32->sum(&product, 1, (struct gemm_start_f32){.add = true}, rows, batch, y);
	for (size_t k = 0; k < rows * batch; k++) {
		float value = kept[k];
		for (size_t j = 0; j < terms; j++)
			value = fmaf(a[j * rows + k / batch], x[j * batch + k % batch], value);
		if (isa_same_bytes(isa->name, "arm64"))
			assert_true(y[k] == value);
		else
			assert_near(y[k], value, 0x1p-24 * (double)((terms + 1) * (terms + 1)));
	}
	free(numbers);
	free(a);
}

static void check_all_f32(const struct isa *isa)
{
	static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 16, 23, 24, 25, 31, 40, 65};
	enum { SIZES = sizeof sizes / sizeof sizes[0] };
	for (size_t k = 0; k < SIZES * SIZES; k++)
		for (size_t b = 0; b < SIZES; b++)
			check_sum_f32(isa, sizes[k % SIZES], sizes[k / SIZES], sizes[b]);
	check_sum_f32(isa, 101, 600, 29);
	check_sum_f32(isa, 97, 1024, 3);
	check_sum_f32(isa, 50, 300, 1);
}

static void check_all(void)
{
	for (int batch = 1; batch <= 20; batch++)
		for (int n = 1; n <= 8; n++)
			check_linear(n, 9 - n, batch);
	for (int batch = 1; batch <= 11; batch++)
		check_sets(4, 17, 3, batch);
	check_linear(100, 30, 37);
	check_linear(29, 203, 64);
	check_linear(600, 3, 5);
	check_linear(1, 400, 1);
	static const size_t batches[] = {1, 2, 3, 5, 8, 13, 16, 17, 31, 50, 97};
	double *bias = sines(200, 0.5);
	for (size_t k = 0; k < sizeof batches / sizeof batches[0]; k++)
		for (size_t rows = 1; rows <= 18; rows++) {
			check_sum(rows, 3, rows % 4, batches[k], (struct gemm_start){.add = true});
			check_sum(rows, 20, 30, batches[k], (struct gemm_start){.bias = bias});
		}
	check_sum(101, 300, 700, 29, (struct gemm_start){0});
	check_sum(200, 512, 1, 11, (struct gemm_start){.bias = bias});
	check_sum(97, 1024, 0, 3, (struct gemm_start){.add = true});
	free(bias);
}

static void test_products(void **state)
{
	(void)state;
	const struct isa *chosen = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		isa_force(isa_at(i));
		check_all();
		check_all_f32(isa_at(i));
	}
	isa_force(chosen);
}

static void test_transpose(void **state)
{
	(void)state;
	enum { ROWS = 13, COLUMNS = 9, STEP = 16 };
	double from[ROWS * COLUMNS], to[COLUMNS * STEP];
	for (int k = 0; k < ROWS * COLUMNS; k++)
		from[k] = k;
	for (int k = 0; k < COLUMNS * STEP; k++)
		to[k] = -1;
	isa_pick()->gemm->transpose(from, ROWS, COLUMNS, to, STEP);
	for (int c = 0; c < COLUMNS; c++)
		for (int r = 0; r < STEP; r++)
			assert_true(to[c * STEP + r] == (r < ROWS ? from[r * COLUMNS + c] : -1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_products),
	    cmocka_unit_test(test_transpose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
