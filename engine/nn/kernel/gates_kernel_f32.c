/* Gate arithmetic on float32 vectors. -DKERNEL_ISA names the table. */
#define KERNEL_FLOAT32
#include "engine/nn/kernel/gates_kernel_f32.h"

#include "engine/nn/kernel/gates_math_f32.h"

/* One activation at a time, over so many elements that they stay in the cache: gates_kernel.c. */
enum { NEAR = 256 };

static void sigmoid_in_place(float *x, size_t n)
{
	for (size_t k = 0; k < n; k += WIDTH)
		store_vec(x + k, vector_sigmoid(load_vec(x + k, n - k)), n - k);
}

static void tanh_in_place(float *x, size_t n)
{
	for (size_t k = 0; k < n; k += WIDTH)
		store_vec(x + k, vector_tanh(load_vec(x + k, n - k)), n - k);
}

static void forward_near(const struct gates_f32 *gates, const double *c_prev, size_t from, size_t n, double *c,
                         double *m, float *m32)
{
	const float *f = gates->f + from, *i = gates->i + from, *g = gates->g + from, *o = gates->o + from;
	sigmoid_in_place(gates->f + from, n);
	sigmoid_in_place(gates->i + from, n);
	tanh_in_place(gates->g + from, n);
	sigmoid_in_place(gates->o + from, n);
	for (size_t k = 0; k < n; k += WIDTH) {
		size_t left = n - k;
		vec input = load_vec(i + k, left) * load_vec(g + k, left);
		vec cell = fma_vec(load_vec(f + k, left), load_row(c_prev + from + k, left), input);
		vec t = vector_tanh(cell), out = load_vec(o + k, left) * t;
		store_row(c + from + k, cell, left);
		store_vec(gates->tanh_c + from + k, t, left);
		store_row(m + from + k, out, left);
		store_vec(m32 + from + k, out, left);
	}
}

static void forward_gates(const struct gates_f32 *gates, const double *c_prev, size_t n, double *c, double *m,
                          float *m32)
{
	for (size_t k = 0; k < n; k += NEAR)
		forward_near(gates, c_prev, k, n - k < NEAR ? n - k : NEAR, c, m, m32);
}

/* The equations: gates_kernel.c. */
static void backward_gates(const struct gates_f32 *gates, const double *c_prev, const double *dm, size_t n, double *dc)
{
	for (size_t k = 0; k < n; k += WIDTH) {
		size_t left = n - k;
		vec f = load_vec(gates->f + k, left), i = load_vec(gates->i + k, left),
		    g = load_vec(gates->g + k, left);
		vec o = load_vec(gates->o + k, left), t = load_vec(gates->tanh_c + k, left);
		vec d_m = load_row(dm + k, left);
		vec d = fma_vec(d_m * o, 1.0f - t * t, load_row(dc + k, left));
		store_vec(gates->o + k, d_m * t * o * (1.0f - o), left);
		store_vec(gates->f + k, d * load_row(c_prev + k, left) * f * (1.0f - f), left);
		store_vec(gates->i + k, d * g * i * (1.0f - i), left);
		store_vec(gates->g + k, d * i * (1.0f - g * g), left);
		store_row(dc + k, d * f, left);
	}
}

static void narrow(const double *from, size_t n, float *to)
{
	for (size_t k = 0; k < n; k++)
		to[k] = (float)from[k];
}

static void add(const float *from, size_t n, double *to)
{
	for (size_t k = 0; k < n; k++)
		to[k] += (double)from[k];
}

#define TABLE_NAME(isa) gates_kernels_f32_##isa
#define TABLE(isa)      TABLE_NAME(isa)

extern const struct gates_kernels_f32 TABLE(KERNEL_ISA);

const struct gates_kernels_f32 TABLE(KERNEL_ISA) = {
    .forward = forward_gates,
    .backward = backward_gates,
    .narrow = narrow,
    .add = add,
};
