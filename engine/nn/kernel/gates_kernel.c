/* Gate arithmetic on vectors. -DKERNEL_ISA names the table. */
#include "engine/nn/kernel/gates_kernel.h"

#include "engine/elementary/elementary.h"
#include "engine/nn/kernel/gates_math.h"

/* The chain of operations behind one activation is far longer than the operations are many, and a processor sees but a
 * few hundred instructions ahead. So one activation at a time, over so many elements that they stay in the cache. */
enum { NEAR = 256 };

static void sigmoid_in_place(double *x, size_t n)
{
	for (size_t k = 0; k < n; k += WIDTH64)
		store64(x + k, vector_sigmoid(load64(x + k, n - k)), n - k);
}

static void tanh_in_place(double *x, size_t n)
{
	for (size_t k = 0; k < n; k += WIDTH64)
		store64(x + k, vector_tanh(load64(x + k, n - k)), n - k);
}

static void forward_near(const struct gates *gates, const double *c_prev, size_t from, size_t n, double *c, double *m)
{
	const double *f = gates->f + from, *i = gates->i + from, *g = gates->g + from, *o = gates->o + from;
	sigmoid_in_place(gates->f + from, n);
	sigmoid_in_place(gates->i + from, n);
	tanh_in_place(gates->g + from, n);
	sigmoid_in_place(gates->o + from, n);
	for (size_t k = 0; k < n; k += WIDTH64) {
		size_t left = n - k;
		vec64 input = load64(i + k, left) * load64(g + k, left);
		vec64 cell = fma64(load64(f + k, left), load64(c_prev + from + k, left), input);
		vec64 t = vector_tanh(cell);
		store64(c + from + k, cell, left);
		store64(gates->tanh_c + from + k, t, left);
		store64(m + from + k, load64(o + k, left) * t, left);
	}
}

static void forward_gates(const struct gates *gates, const double *c_prev, size_t n, double *c, double *m)
{
	for (size_t k = 0; k < n; k += NEAR)
		forward_near(gates, c_prev, k, n - k < NEAR ? n - k : NEAR, c, m);
}

/* m = o tanh(c): do = dm tanh(c), dc += dm o (1 - tanh(c)^2)
 * c = f c_prev + i g: df = dc c_prev, di = dc g, dg = dc i, dc_prev = dc f
 * sigmoid' = s (1 - s), tanh' = 1 - t^2 */
static void backward_gates_vector(const struct gates *gates, const double *c_prev, const double *dm, size_t k,
                                  size_t count, double *dc, const struct gates *d_pre)
{
	vec64 f = load64(gates->f + k, count), i = load64(gates->i + k, count), g = load64(gates->g + k, count);
	vec64 o = load64(gates->o + k, count), t = load64(gates->tanh_c + k, count), d_m = load64(dm + k, count);
	vec64 d = fma64(d_m * o, 1.0 - t * t, load64(dc + k, count));
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

static void gru_forward_near(double *a, const double *s, const double *h_prev, size_t all, size_t n, double *h)
{
	double *r = a, *z = a + all, *c = a + 2 * all;
	for (size_t k = 0; k < n; k += WIDTH64) {
		size_t left = n - k;
		store64(r + k, load64(r + k, left) + load64(s + k, left), left);
		store64(z + k, load64(z + k, left) + load64(s + all + k, left), left);
	}
	sigmoid_in_place(r, n);
	sigmoid_in_place(z, n);
	for (size_t k = 0; k < n; k += WIDTH64) {
		size_t left = n - k;
		vec64 inner = fma64(load64(r + k, left), load64(s + 2 * all + k, left), load64(c + k, left));
		vec64 candidate = vector_tanh(inner), keep = load64(z + k, left);
		store64(c + k, candidate, left);
		store64(h + k, fma64(keep, load64(h_prev + k, left) - candidate, candidate), left);
	}
}

static void gru_forward(double *a, const double *s, const double *h_prev, size_t n, double *h)
{
	for (size_t k = 0; k < n; k += NEAR)
		gru_forward_near(a + k, s + k, h_prev + k, n, n - k < NEAR ? n - k : NEAR, h + k);
}

/* h = (1 - z) c + z h_prev: dc = d_h (1 - z), dz = d_h (h_prev - c), and d_h z on h_prev
 * c = tanh(a_n + r s_n): with d = dc (1 - c^2): d on a_n, d r on s_n, dr = d s_n */
static void gru_backward(double *a, double *s, const double *h_prev, const double *d_h, size_t n, double *d_h_prev)
{
	for (size_t k = 0; k < n; k += WIDTH64) {
		size_t left = n - k;
		vec64 r = load64(a + k, left), z = load64(a + n + k, left), c = load64(a + 2 * n + k, left);
		vec64 d = load64(d_h + k, left), inner = load64(s + 2 * n + k, left);
		vec64 on_c = d * (1.0 - z) * (1.0 - c * c);
		vec64 on_z = d * (load64(h_prev + k, left) - c) * z * (1.0 - z);
		vec64 on_r = on_c * inner * r * (1.0 - r);
		store64(a + k, on_r, left);
		store64(s + k, on_r, left);
		store64(a + n + k, on_z, left);
		store64(s + n + k, on_z, left);
		store64(a + 2 * n + k, on_c, left);
		store64(s + 2 * n + k, on_c * r, left);
		store64(d_h_prev + k, d * z, left);
	}
}

static void keep_most(const double *x, size_t n, double *most)
{
	for (size_t k = 0; k < n; k += WIDTH64) {
		vec64 a = load64(most + k, n - k), b = load64(x + k, n - k);
		store64(most + k, choose64((b > a) | (a != a), b, a), n - k);
	}
}

static void exp_less(const double *x, const double *less, size_t n, double *y)
{
	for (size_t k = 0; k < n; k += WIDTH64) {
		vec64 off = load64(x + k, n - k) - load64(less + k, n - k);
		mask64 near = (off > -EXP_NEAR) & (off < EXP_NEAR);
		vec64 e = vector_exp(off);
		for (size_t l = 0; l < WIDTH64; l++)
			if (near[l] == 0)
				e[l] = elementary_exp(off[l]);
		store64(y + k, e, n - k);
	}
}

static void scale_quotients(double *x, const double *sum, const double *scale, size_t n)
{
	for (size_t k = 0; k < n; k += WIDTH64)
		store64(x + k, load64(scale + k, n - k) * (load64(x + k, n - k) / load64(sum + k, n - k)), n - k);
}

#define TABLE_NAME(isa) gates_kernels_##isa
#define TABLE(isa)      TABLE_NAME(isa)

extern const struct gates_kernels TABLE(KERNEL_ISA);

const struct gates_kernels TABLE(KERNEL_ISA) = {
    .forward = forward_gates,
    .backward = backward_gates,
    .gru_forward = gru_forward,
    .gru_backward = gru_backward,
    .sigmoid_in_place = sigmoid_in_place,
    .tanh_in_place = tanh_in_place,
    .keep_most = keep_most,
    .exp_less = exp_less,
    .scale_quotients = scale_quotients,
};
