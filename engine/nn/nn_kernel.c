/* Gate arithmetic and the linear map on vectors of samples. -DKERNEL_ISA names the table. */
#include "engine/nn/nn_kernel.h"

#include <string.h>

#include "engine/nn/nn_math.h"

static void forward_gates_vector(const struct gates *gates, const double *c_prev, size_t k, size_t count, double *c,
                                 double *m)
{
	vec64 f = vector_sigmoid(load64(gates->f + k, count)), i = vector_sigmoid(load64(gates->i + k, count));
	vec64 g = vector_tanh(load64(gates->g + k, count)), o = vector_sigmoid(load64(gates->o + k, count));
	vec64 cell = f * load64(c_prev + k, count) + i * g, t = vector_tanh(cell);
	store64(c + k, cell, count);
	store64(m + k, o * t, count);
	store64(gates->f + k, f, count);
	store64(gates->i + k, i, count);
	store64(gates->g + k, g, count);
	store64(gates->o + k, o, count);
	store64(gates->tanh_c + k, t, count);
}

static void forward_gates(const struct gates *gates, const double *c_prev, size_t n, double *c, double *m)
{
	size_t k = 0;
	for (; k + WIDTH64 <= n; k += WIDTH64)
		forward_gates_vector(gates, c_prev, k, WIDTH64, c, m);
	if (k < n)
		forward_gates_vector(gates, c_prev, k, n - k, c, m);
}

/* m = o tanh(c): do = dm tanh(c), dc += dm o (1 - tanh(c)^2)
 * c = f c_prev + i g: df = dc c_prev, di = dc g, dg = dc i, dc_prev = dc f
 * sigmoid' = s (1 - s), tanh' = 1 - t^2 */
static void backward_gates_vector(const struct gates *gates, const double *c_prev, const double *dm, size_t k,
                                  size_t count, double *dc, const struct gates *d_pre)
{
	vec64 f = load64(gates->f + k, count), i = load64(gates->i + k, count), g = load64(gates->g + k, count);
	vec64 o = load64(gates->o + k, count), t = load64(gates->tanh_c + k, count), d_m = load64(dm + k, count);
	vec64 d = load64(dc + k, count) + d_m * o * (1.0 - t * t);
	store64(d_pre->o + k, d_m * t * o * (1.0 - o), count);
	store64(d_pre->f + k, d * load64(c_prev + k, count) * f * (1.0 - f), count);
	store64(d_pre->i + k, d * g * i * (1.0 - i), count);
	store64(d_pre->g + k, d * i * (1.0 - g * g), count);
	store64(dc + k, d * f, count);
}

static void backward_gates(const struct gates *gates, const double *c_prev, const double *dm, size_t n, double *dc,
                           const struct gates *d_pre)
{
	size_t k = 0;
	for (; k + WIDTH64 <= n; k += WIDTH64)
		backward_gates_vector(gates, c_prev, dm, k, WIDTH64, dc, d_pre);
	if (k < n)
		backward_gates_vector(gates, c_prev, dm, k, n - k, dc, d_pre);
}

/* Rows of a result that are summed at the same time, so that each operand loaded serves several of them. */
enum { ROWS = 4 };

/* sums[r] += sum_j matrix[r * row_step + j * step] * x[j][s ..] for the first `rows` rows. */
static inline __attribute__((always_inline)) void weighted_sums(const double *matrix, size_t row_step, size_t step,
                                                                const double *x, size_t batch, size_t terms, size_t s,
                                                                size_t count, size_t rows, vec64 sums[ROWS])
{
	for (size_t j = 0; j < terms; j++) {
		vec64 in = load64(x + j * batch + s, count);
		for (size_t r = 0; r < rows; r++)
			sums[r] += matrix[r * row_step + j * step] * in;
	}
}

/* y[r] (+)= the weighted sums of x, for all rows and samples; y starts from bias[r], or, where bias is NULL, from y. */
static inline __attribute__((always_inline)) void map_vector(const double *matrix, size_t row_step, size_t step,
                                                             const double *bias, const double *x, size_t batch,
                                                             size_t terms, size_t n_rows, size_t s, size_t count,
                                                             double *y)
{
	for (size_t first = 0; first < n_rows; first += ROWS) {
		size_t rows = n_rows - first < ROWS ? n_rows - first : ROWS;
		vec64 sums[ROWS] = {{0}};
		for (size_t r = 0; r < rows; r++)
			if (bias != NULL)
				sums[r] += bias[first + r];
			else
				sums[r] = load64(y + (first + r) * batch + s, count);
		const double *from = matrix + first * row_step;
		if (rows == ROWS)
			weighted_sums(from, row_step, step, x, batch, terms, s, count, ROWS, sums);
		else
			weighted_sums(from, row_step, step, x, batch, terms, s, count, rows, sums);
		for (size_t r = 0; r < rows; r++)
			store64(y + (first + r) * batch + s, sums[r], count);
	}
}

static void map(const double *matrix, size_t row_step, size_t step, const double *bias, const double *x, size_t batch,
                size_t terms, size_t n_rows, double *y)
{
	size_t s = 0;
	for (; s + WIDTH64 <= batch; s += WIDTH64)
		map_vector(matrix, row_step, step, bias, x, batch, terms, n_rows, s, WIDTH64, y);
	if (s < batch)
		map_vector(matrix, row_step, step, bias, x, batch, terms, n_rows, s, batch - s, y);
}

static void forward_linear(const struct linear *linear, const double *x, size_t batch, double *y)
{
	size_t n_in = (size_t)linear->n_in, n_out = (size_t)linear->n_out;
	if (linear->bias == NULL)
		memset(y, 0, n_out * batch * sizeof *y);
	map(linear->weight, n_in, 1, linear->bias, x, batch, n_in, n_out, y);
}

static double total(vec64 v)
{
	double sum = 0.0;
	for (size_t l = 0; l < WIDTH64; l++)
		sum += v[l];
	return sum;
}

/* d_weight[o][k] += sum_s dy[o][s] x[k][s] for one o and the `rows` first k. */
static inline __attribute__((always_inline)) void products(const double *dy, const double *x, size_t batch, size_t rows,
                                                           double *d_weight)
{
	vec64 sums[ROWS] = {{0}};
	size_t s = 0;
	for (; s + WIDTH64 <= batch; s += WIDTH64) {
		vec64 g = *(const loose64 *)(dy + s);
		for (size_t r = 0; r < rows; r++)
			sums[r] += g * *(const loose64 *)(x + r * batch + s);
	}
	if (s < batch) {
		vec64 g = load64(dy + s, batch - s);
		for (size_t r = 0; r < rows; r++)
			sums[r] += g * load64(x + r * batch + s, batch - s);
	}
	for (size_t r = 0; r < rows; r++)
		d_weight[r] += total(sums[r]);
}

static void add_products(const double *dy, const double *x, size_t batch, size_t n_in, double *d_weight)
{
	size_t k = 0;
	if (batch == 1)
		for (; k < n_in; k++)
			d_weight[k] += *dy * x[k];
	for (; k + ROWS <= n_in; k += ROWS)
		products(dy, x + k * batch, batch, ROWS, d_weight + k);
	for (; k < n_in; k++)
		products(dy, x + k * batch, batch, 1, d_weight + k);
}

static double row_total(const double *row, size_t batch)
{
	vec64 sum = {0};
	for (size_t s = 0; s < batch; s += WIDTH64)
		sum += load64(row + s, batch - s);
	return total(sum);
}

/* y = W x + b  =>  dW[o][k] = sum_s dy[o][s] x[k][s],  db[o] = sum_s dy[o][s],  dx[k][s] = sum_o W[o][k] dy[o][s] */
static void backward_linear(const struct linear *linear, const double *x, const double *dy, size_t batch, double *dx)
{
	size_t n_in = (size_t)linear->n_in, n_out = (size_t)linear->n_out;
	for (size_t o = 0; o < n_out; o++) {
		add_products(dy + o * batch, x, batch, n_in, linear->d_weight + o * n_in);
		if (linear->d_bias != NULL)
			linear->d_bias[o] += row_total(dy + o * batch, batch);
	}
	if (dx != NULL)
		map(linear->weight, 1, n_in, NULL, dy, batch, n_out, n_in, dx);
}

#define TABLE_NAME(isa) nn_kernels_##isa
#define TABLE(isa)      TABLE_NAME(isa)

extern const struct nn_kernels TABLE(KERNEL_ISA);

const struct nn_kernels TABLE(KERNEL_ISA) = {
    .gates_forward = forward_gates,
    .gates_backward = backward_gates,
    .linear_forward = forward_linear,
    .linear_backward = backward_linear,
};
