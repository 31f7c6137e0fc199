/* Gate arithmetic on vectors. -DKERNEL_ISA names the table. */
#include "engine/nn/gates_kernel.h"

#include "engine/nn/gates_math.h"

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

#define TABLE_NAME(isa) gates_kernels_##isa
#define TABLE(isa)      TABLE_NAME(isa)

extern const struct gates_kernels TABLE(KERNEL_ISA);

const struct gates_kernels TABLE(KERNEL_ISA) = {
    .forward = forward_gates,
    .backward = backward_gates,
};
