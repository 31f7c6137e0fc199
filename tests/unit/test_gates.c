/* The LSTM's gate arithmetic on every instruction set that this processor has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/elementary/elementary.h"
#include "engine/nn/kernel/gates_kernel.h"
#include "engine/nn/kernel/gates_kernel_f32.h"
#include "engine/vector/isa.h"

static void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.15g is not %.15g within %g", value, expected, tolerance);
}

static double ulps(double found, double wanted)
{
	return fabs(found - wanted) / (nextafter(fabs(wanted), INFINITY) - fabs(wanted));
}

/* sigmoid and tanh within 4 units in the last place, c and m as the equations say, in every position of an array. */
static void check_gates(void)
{
	enum { N = 4001 };
	static double block[GATES_ARRAYS * N], c_prev[N], c[N], m[N];
	struct gates gates = gates_at(block, N);
	double x[N];
	for (int k = 0; k < N; k++) {
		x[k] = (k % 2 == 0 ? 1 : -1) * exp(-40.0 + 46.5 * k / N);
		gates.f[k] = gates.i[k] = gates.g[k] = gates.o[k] = x[k];
		c_prev[k] = sin(k);
	}
	gates_forward(&gates, c_prev, N, c, m);
	for (int k = 0; k < N; k++) {
		double s = 1.0 / (1.0 + exp(-x[k])), t = tanh(x[k]);
		assert_true(ulps(gates.f[k], s) <= 4 && ulps(gates.g[k], t) <= 4);
		assert_true(gates.i[k] == gates.f[k] && gates.o[k] == gates.f[k]);
		assert_near(c[k], s * c_prev[k] + s * t, 1e-15);
		assert_near(m[k], s * tanh(c[k]), 1e-15);
	}
	double edge[] = {NAN, 1e300, -1e300, -0.0, INFINITY};
	double five[GATES_ARRAYS * 5], zero[5] = {0};
	gates = gates_at(five, 5);
	for (int k = 0; k < 5; k++)
		gates.f[k] = gates.i[k] = gates.g[k] = gates.o[k] = edge[k];
	gates_forward(&gates, zero, 5, c, m);
	assert_true(isnan(gates.g[0]) && isnan(gates.f[0]));
	assert_true(gates.g[1] == 1 && gates.g[2] == -1 && signbit(gates.g[3]) && gates.g[4] == 1);
	assert_true(gates.f[1] == 1 && gates.f[2] >= 0 && gates.f[2] < 1e-300 && gates.f[3] == 0.5 && gates.f[4] == 1);
}

/* exp has the bits of the plain one, in every position of an array; the largest of what is not no number. */
static void check_softmax(const struct gates_kernels *kernels)
{
	enum { N = 4003 };
	static double x[N], less[N], y[N], most[N], sum[N], scale[N];
	const double edge[] = {NAN, -INFINITY, 1e300, -1e300, -0.0, -708.5, -745.0, -746.0, 709.7, 710.0};
	for (int k = 0; k < N; k++) {
		less[k] = 3 * sin(k);
		x[k] = k % 37 == 0 ? edge[k / 37 % 10] : less[k] + (k % 3 == 0 ? 1 : -1) * exp(-40.0 + 46.5 * k / N);
		most[k] = k % 5 == 0 ? (double)NAN : cos(k);
		sum[k] = 1 + fabs(sin(3 * k));
		scale[k] = cos(7 * k);
	}
	kernels->exp_less(x, less, N, y);
	for (int k = 0; k < N; k++) {
		double plain = elementary_exp(x[k] - less[k]);
		assert_true(memcmp(&y[k], &plain, sizeof plain) == 0 || (isnan(y[k]) && isnan(plain)));
	}
	kernels->keep_most(x, N, most);
	for (int k = 0; k < N; k++) {
		double larger = fmax(x[k], k % 5 == 0 ? (double)NAN : cos(k));
		assert_true(most[k] == larger || (isnan(most[k]) && isnan(larger)));
	}
	kernels->exp_less(less, most, N, y);
	memcpy(less, y, sizeof y);
	kernels->scale_quotients(y, sum, scale, N);
	for (int k = 0; k < N; k++)
		assert_true(y[k] == scale[k] * (less[k] / sum[k]) || isnan(less[k]));
}

static double ulps_f32(float found, double wanted)
{
	float nearest = (float)fabs(wanted);
	return fabs((double)found - wanted) / ((double)nextafterf(nearest, INFINITY) - (double)nearest);
}

/* x of both signs from 2^-40 on, in every position of an array: within 3 units in the last place. */
static void check_float32(const struct gates_kernels_f32 *kernels)
{
	enum { N = 100003 };
	static float x[N], block[5][N], m32[N];
	static double c_prev[N], c[N], m[N], dc[N], dm[N];
	const struct gates_f32 gates = {block[0], block[1], block[2], block[3], block[4]};
	for (int k = 0; k < N; k++) {
		x[k] = (float)((k % 2 == 0 ? 1 : -1) * exp(-28.0 + 32.4 * k / N));
		block[0][k] = block[1][k] = block[2][k] = block[3][k] = x[k];
		c_prev[k] = (float)sin(k);
	}
	kernels->forward(&gates, c_prev, N, c, m, m32);
	for (int k = 0; k < N; k++) {
		double s = 1.0 / (1.0 + exp(-(double)x[k])), t = tanh(x[k]), f = gates.f[k], g = gates.g[k];
		assert_true(ulps_f32(gates.f[k], s) <= 3 && ulps_f32(gates.g[k], t) <= 3);
		assert_true(gates.i[k] == gates.f[k] && gates.o[k] == gates.f[k] && m[k] == (double)m32[k]);
		assert_near(c[k], f * c_prev[k] + f * g, 0x1p-23);
		assert_true(ulps_f32(gates.tanh_c[k], tanh(c[k])) <= 3 && c[k] == (double)(float)c[k]);
		assert_near(m[k], f * (double)gates.tanh_c[k], 0x1p-25);
		block[0][k] = block[1][k] = block[3][k] = (float)f;
		dm[k] = (float)cos(3 * k);
		dc[k] = (float)sin(2 * k);
	}
	kernels->backward(&gates, c_prev, dm, N, dc);
	for (int k = 0; k < N; k++) {
		double s = 1.0 / (1.0 + exp(-(double)x[k])), t = tanh(x[k]), u = tanh(s * c_prev[k] + s * t);
		double d = dm[k] * s * (1 - u * u) + (double)(float)sin(2 * k), slope = s * (1 - s);
		assert_near(gates.o[k], dm[k] * u * slope, 0x1p-20);
		assert_near(gates.f[k], d * c_prev[k] * slope, 0x1p-20);
		assert_near(gates.i[k], d * t * slope, 0x1p-20);
		assert_near(gates.g[k], d * s * (1 - t * t), 0x1p-20);
		assert_near(dc[k], d * s, 0x1p-20);
	}
}

static void check_edges_f32(const struct gates_kernels_f32 *kernels)
{
	const float edge[] = {NAN, 1e30f, -1e30f, -0.0f, INFINITY};
	float block[5][5], m32[5];
	double zero[5] = {0}, c[5], m[5];
	const struct gates_f32 gates = {block[0], block[1], block[2], block[3], block[4]};
	for (int k = 0; k < 5; k++)
		block[0][k] = block[1][k] = block[2][k] = block[3][k] = edge[k];
	kernels->forward(&gates, zero, 5, c, m, m32);
	assert_true(isnan(gates.g[0]) && isnan(gates.f[0]));
	assert_true(gates.g[1] == 1 && gates.g[2] == -1 && signbit(gates.g[3]) && gates.g[4] == 1);
	assert_true(gates.f[1] == 1 && gates.f[2] >= 0 && gates.f[2] < 1e-37f && gates.f[3] == 0.5f && gates.f[4] == 1);
}

static void test_gates(void **state)
{
	(void)state;
	const struct isa *chosen = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		isa_force(isa_at(i));
		check_gates();
		check_softmax(isa_at(i)->gates);
		check_float32(isa_at(i)->gates_f32);
		check_edges_f32(isa_at(i)->gates_f32);
	}
	isa_force(chosen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
