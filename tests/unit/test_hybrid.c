/* The cell of the hybrid network against a plain program, its adjoint against differences, and what holds of it: norms,
 * going back, bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/vector/isa.h"
#include "tests/unit/hybrid_fixture.h"

static void assert_close(double value, double expected, double tolerance, const char *what)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%s: %.15g is not %.15g within %g", what, value, expected, tolerance);
}

static void fill(double *values, size_t n, uint64_t seed, double most)
{
	struct oracle_random random = {seed};
	for (size_t k = 0; k < n; k++)
		values[k] = oracle_uniform(&random, -most, most);
}

static struct hybrid_shape random_shape(struct oracle_random *random, int qubits_most)
{
	return (struct hybrid_shape){1 + oracle_below(random, qubits_most), 1 + oracle_below(random, 3),
	                             (enum hybrid_rotations)oracle_below(random, 3),
	                             (enum hybrid_entangler)oracle_below(random, 4),
	                             (enum hybrid_readouts)oracle_below(random, 3)};
}

enum { STEPS = 3, MOST = 20 * 8 * 9 };

/* Readouts and amplitudes of every step and sample. */
static void check_against_plain(const struct hybrid_shape *shape, enum precision precision, int batch, double tolerance)
{
	static double angles[20 * MOST], readouts[MOST], z[64], one[512];
	static double complex psi[64][PLAIN_STATES];
	struct laid_out at = hybrid_laid_out(shape, precision, batch);
	size_t n_angles = hybrid_angles(shape), n = (size_t)batch;
	memset(psi, 0, sizeof psi);
	for (size_t b = 0; b < n; b++)
		psi[b][0] = 1;
	hybrid_start(at.cell, batch);
	for (int t = 0; t < STEPS; t++) {
		fill(angles, n_angles * n, (uint64_t)(7 * t + batch), 4.0);
		hybrid_step(at.cell, angles, readouts);
		for (size_t b = 0; b < n; b++) {
			for (size_t k = 0; k < n_angles; k++)
				one[k] = angles[k * n + b];
			plain_step(shape, one, psi[b]);
			size_t count = plain_readouts(shape, psi[b], z);
			assert_int_equal(count, hybrid_readouts(shape));
			for (size_t k = 0; k < count; k++)
				assert_close(readouts[k * n + b], z[k], tolerance, "readout");
			for (size_t i = 0; i < (size_t)1 << shape->qubits; i++) {
				double amplitude[2];
				hybrid_amplitude(at.cell, (int)b, i, amplitude);
				assert_close(amplitude[0], creal(psi[b][i]), tolerance, "real part");
				assert_close(amplitude[1], cimag(psi[b][i]), tolerance, "imaginary part");
			}
		}
	}
	hybrid_release(&at);
}

static void test_against_plain(void **state)
{
	(void)state;
	struct oracle_random random = {3};
	for (int k = 0; k < 40; k++) {
		const struct hybrid_shape shape = random_shape(&random, 8);
		int batch = 1 + oracle_below(&random, 18);
		check_against_plain(&shape, PRECISION_FLOAT64, batch, 1e-13);
		check_against_plain(&shape, PRECISION_FLOAT32, batch, 3e-6);
	}
}

/* The plain program itself, against products of whole matrices. */
static void test_plain_against_matrices(void **state)
{
	(void)state;
	struct oracle_random random = {5};
	for (int k = 0; k < 60; k++) {
		struct hybrid_shape shape = random_shape(&random, ORACLE_WIRES);
		static const enum gate rotations[] = {GATE_RX, GATE_RY, GATE_RZ};
		bool z = shape.entangler == HYBRID_CZ_RING || shape.entangler == HYBRID_CZ_CHAIN;
		bool ring = shape.entangler == HYBRID_CNOT_RING || shape.entangler == HYBRID_CZ_RING;
		double complex psi[PLAIN_STATES] = {1}, expected[ORACLE_STATES] = {1};
		double angles[256];
		fill(angles, hybrid_angles(&shape), (uint64_t)k, 4.0);
		plain_step(&shape, angles, psi);
		struct circuit_program *program = program_new(shape.qubits);
		const double *angle = angles;
		for (int layer = 0; layer < shape.layers; layer++) {
			for (int q = 0; q < shape.qubits; q++)
				for (int p = shape.rotations == HYBRID_RX_RY_RZ ? 0 : 1;
				     p <= (shape.rotations == HYBRID_RY ? 1 : 2); p++)
					program_rotation(program, rotations[p], q, angle_constant(*angle++));
			int pairs = shape.qubits - 1 + (ring && shape.qubits > 2);
			for (int q = 0; q < pairs; q++)
				program_gate2(program, z ? GATE_CZ : GATE_CNOT, q, (q + 1) % shape.qubits);
		}
		for (int op = 0; op < program->n_ops; op++)
			oracle_apply(shape.qubits, &program->ops[op], program->ops[op].angle.value, expected);
		program_free(program);
		for (size_t i = 0; i < (size_t)1 << shape.qubits; i++)
			assert_close(cabs(psi[i] - expected[i]), 0.0, 1e-13, "amplitude");
	}
}

/* L = sum over steps and readouts of weights times readouts. */
static double weighted(struct hybrid_cell *cell, const struct hybrid_shape *shape, int batch, const double *angles,
                       const double *weights)
{
	static double z[MOST];
	size_t a = hybrid_angles(shape) * (size_t)batch, m = hybrid_readouts(shape) * (size_t)batch;
	double sum = 0.0;
	hybrid_start(cell, batch);
	for (size_t t = 0; t < STEPS; t++) {
		hybrid_step(cell, angles + t * a, z);
		for (size_t k = 0; k < m; k++)
			sum += weights[t * m + k] * z[k];
	}
	return sum;
}

static void test_adjoint(void **state)
{
	(void)state;
	static double angles[STEPS * 20 * MOST], weights[STEPS * MOST], slopes[20 * MOST];
	struct oracle_random random = {11};
	for (int k = 0; k < 25; k++) {
		const struct hybrid_shape shape = random_shape(&random, 6);
		int batch = 1 + oracle_below(&random, 10);
		size_t a = hybrid_angles(&shape) * (size_t)batch, m = hybrid_readouts(&shape) * (size_t)batch;
		struct laid_out at = hybrid_laid_out(&shape, PRECISION_FLOAT64, batch);
		fill(angles, STEPS * a, (uint64_t)k, 4.0);
		fill(weights, STEPS * m, (uint64_t)k + 100, 1.0);
		for (int probe = 0; probe < 12; probe++) {
			size_t place = (size_t)oracle_below(&random, (int)(STEPS * a));
			double kept = angles[place], h = 1e-5;
			angles[place] = kept + h;
			double up = weighted(at.cell, &shape, batch, angles, weights);
			angles[place] = kept - h;
			double down = weighted(at.cell, &shape, batch, angles, weights);
			angles[place] = kept;
			weighted(at.cell, &shape, batch, angles, weights);
			hybrid_start_back(at.cell);
			for (size_t t = STEPS; t-- > place / a;)
				hybrid_step_back(at.cell, angles + t * a, weights + t * m, slopes);
			assert_close(slopes[place % a], (up - down) / (2 * h), 1e-9, "slope");
		}
		hybrid_release(&at);
	}
}

/* Forward through `steps` and back again: how far amplitudes are from |0 .. 0>, and the norm from 1 at the end. */
static void go_and_return(const struct hybrid_shape *shape, enum precision precision, int steps, double *off,
                          double *drift)
{
	enum { batch = 5 };
	static double angles[512 * batch], z[64 * batch], zero[64 * batch], slopes[512 * batch];
	struct laid_out at = hybrid_laid_out(shape, precision, batch);
	size_t n_angles = hybrid_angles(shape) * batch;
	double amplitude[2], norm = 0.0;
	hybrid_start(at.cell, batch);
	for (int t = 0; t < steps; t++) {
		fill(angles, n_angles, (uint64_t)t, 3.0);
		hybrid_step(at.cell, angles, z);
	}
	for (size_t i = 0; i < (size_t)1 << shape->qubits; i++) {
		hybrid_amplitude(at.cell, 4, i, amplitude);
		norm += amplitude[0] * amplitude[0] + amplitude[1] * amplitude[1];
	}
	*drift = fabs(norm - 1.0);
	hybrid_start_back(at.cell);
	for (int t = steps; t-- > 0;) {
		fill(angles, n_angles, (uint64_t)t, 3.0);
		hybrid_step_back(at.cell, angles, zero, slopes);
		for (size_t k = 0; k < n_angles; k++)
			assert_true(slopes[k] == 0.0);
	}
	*off = 0.0;
	for (size_t i = 0; i < (size_t)1 << shape->qubits; i++) {
		hybrid_amplitude(at.cell, 4, i, amplitude);
		amplitude[0] -= i == 0 ? 1.0 : 0.0;
		*off = fmax(*off, fmax(fabs(amplitude[0]), fabs(amplitude[1])));
	}
	hybrid_release(&at);
}

/* Of 784 steps, as many as MNIST has pixels. */
static void test_taken_back(void **state)
{
	(void)state;
	const struct hybrid_shape shape = {8, 2, HYBRID_RX_RY_RZ, HYBRID_CNOT_RING, HYBRID_XYZ};
	double off, drift;
	go_and_return(&shape, PRECISION_FLOAT64, 784, &off, &drift);
	print_message("784 steps, float64: %.2g off, norm %.2g\n", off, drift);
	assert_true(off < 1e-12 && drift < 1e-12);
	go_and_return(&shape, PRECISION_FLOAT32, 784, &off, &drift);
	print_message("784 steps, float32: %.2g off, norm %.2g\n", off, drift);
	assert_true(off < 5e-5 && drift < 5e-5);
}

/* ry alone, with CNOTs or CZs: nothing imaginary, so Y reads exactly 0; a vector of Bloch is no longer than 1. */
static void test_bloch_vectors(void **state)
{
	(void)state;
	static double angles[16 * 9], z[3 * 9 * 9];
	for (int k = 0; k < 8; k++) {
		bool real = k % 2 == 0;
		const struct hybrid_shape shape = {1 + k, 1, real ? HYBRID_RY : HYBRID_RX_RY_RZ,
		                                   k < 4 ? HYBRID_CNOT_RING : HYBRID_CZ_CHAIN, HYBRID_XYZ};
		static double many[24 * 9];
		struct laid_out at = hybrid_laid_out(&shape, PRECISION_FLOAT64, 3);
		hybrid_start(at.cell, 3);
		for (int t = 0; t < 4; t++) {
			fill(real ? angles : many, hybrid_angles(&shape) * 3, (uint64_t)t, 5.0);
			hybrid_step(at.cell, real ? angles : many, z);
			for (size_t q = 0; q < (size_t)shape.qubits; q++)
				for (size_t b = 0; b < 3; b++) {
					const double *at_q = z + 9 * q + b;
					double length = at_q[0] * at_q[0] + at_q[3] * at_q[3] + at_q[6] * at_q[6];
					assert_true(length <= 1.0 + 1e-12);
					assert_true(!real || at_q[3] == 0.0);
				}
		}
		hybrid_release(&at);
	}
}

/* All that a cell computes of three steps and back. */
static void run(const struct hybrid_shape *shape, enum precision precision, int batch, const double *angles,
                const double *weights, double *out)
{
	struct laid_out at = hybrid_laid_out(shape, precision, batch);
	size_t a = hybrid_angles(shape) * (size_t)batch, m = hybrid_readouts(shape) * (size_t)batch;
	hybrid_start(at.cell, batch);
	for (size_t t = 0; t < STEPS; t++)
		hybrid_step(at.cell, angles + t * a, out + t * m);
	hybrid_start_back(at.cell);
	for (size_t t = STEPS; t-- > 0;)
		hybrid_step_back(at.cell, angles + t * a, weights + t * m, out + STEPS * m + t * a);
	hybrid_release(&at);
}

/* Samples one by one, and on every instruction set that promises it: the same bytes. */
static void test_bytes(void **state)
{
	(void)state;
	static double angles[STEPS * 20 * MOST], weights[STEPS * MOST], out[STEPS * 21 * MOST],
	    other[STEPS * 21 * MOST], one[STEPS * 21 * MOST], own[2][STEPS * 20 * 64];
	const struct isa *chosen = isa_pick(), *isa;
	struct oracle_random random = {17};
	for (int k = 0; k < 24; k++) {
		const struct hybrid_shape shape = random_shape(&random, 7);
		enum precision precision = k % 3 == 2 ? PRECISION_FLOAT32 : PRECISION_FLOAT64;
		int batch = 1 + oracle_below(&random, 19);
		size_t n = (size_t)batch, a = hybrid_angles(&shape), m = hybrid_readouts(&shape),
		       rows = STEPS * (a + m);
		fill(angles, STEPS * a * n, (uint64_t)k, k % 4 == 3 ? 2e5 : 4.0);
		fill(weights, STEPS * m * n, (uint64_t)k + 50, 1.0);
		run(&shape, precision, batch, angles, weights, out);
		for (int i = 0; (isa = isa_at(i)) != NULL; i++) {
			if (!isa->supported() || !isa_same_bytes(isa->name, chosen->name))
				continue;
			isa_force(isa);
			run(&shape, precision, batch, angles, weights, other);
			isa_force(chosen);
			assert_memory_equal(out, other, rows * n * sizeof *out);
		}
		size_t b = n - 1;
		for (size_t j = 0; j < STEPS * a; j++)
			own[0][j] = angles[j * n + b];
		for (size_t j = 0; j < STEPS * m; j++)
			own[1][j] = weights[j * n + b];
		run(&shape, precision, 1, own[0], own[1], one);
		for (size_t j = 0; j < rows; j++)
			assert_true(one[j] == out[j * n + b]);
	}
}

/* Measured once more without a step between, the last operator says the same; draws have the distribution that the
 * expectations say; the state stays normalised. */
static void test_measurement(void **state)
{
	(void)state;
	enum { batch = 400 };
	static double angles[18 * batch], z[9 * batch], uniforms[9 * batch], found[9 * batch], again[9 * batch];
	const struct hybrid_shape shape = {3, 2, HYBRID_RX_RY_RZ, HYBRID_CNOT_RING, HYBRID_Z};
	struct laid_out at = hybrid_laid_out(&shape, PRECISION_FLOAT64, batch);
	for (size_t k = 0; k < 18; k++)
		for (size_t b = 0; b < batch; b++)
			angles[k * batch + b] = 0.3 * (double)(k % 5) + 0.2;
	hybrid_start(at.cell, batch);
	hybrid_step(at.cell, angles, z);
	fill(uniforms, 3 * batch, 9, 0.5);
	for (size_t k = 0; k < 3 * batch; k++)
		uniforms[k] += 0.5;
	hybrid_measure(at.cell, uniforms, found);
	hybrid_measure(at.cell, uniforms, again);
	assert_memory_equal(found, again, 3 * batch * sizeof *found);
	for (size_t k = 0; k < 3; k++) {
		double mean = 0.0;
		for (size_t b = 0; b < batch; b++) {
			assert_true(fabs(found[k * batch + b]) == 1.0);
			mean += found[k * batch + b] / batch;
		}
		assert_close(mean, z[k * batch], 4.0 / sqrt(batch), "mean of what was measured");
	}
	/* All three qubits are known: a basis state is left. */
	for (int b = 0; b < 8; b++) {
		double amplitude[2];
		size_t basis =
		    (found[b] < 0 ? 4u : 0u) + (found[batch + b] < 0 ? 2u : 0u) + (found[2 * batch + b] < 0 ? 1u : 0u);
		hybrid_amplitude(at.cell, b, basis, amplitude);
		assert_close(hypot(amplitude[0], amplitude[1]), 1.0, 1e-12, "norm of what is left");
	}
	hybrid_release(&at);
}

static void test_refusals(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	struct hybrid_cell *cell = NULL;
	struct hybrid_shape shape = {0, 1, HYBRID_RY, HYBRID_CZ_RING, HYBRID_Z};
	assert_int_equal(hybrid_open(&cell, &shape, PRECISION_FLOAT64, &error), ERR_OUT_OF_RANGE);
	assert_string_equal(error.pointer, "/n_qubits");
	error = (struct qlstm_error){0};
	shape.qubits = HYBRID_QUBITS_MOST + 1;
	assert_int_equal(hybrid_check(&shape, &error), ERR_OUT_OF_RANGE);
	error = (struct qlstm_error){0};
	shape = (struct hybrid_shape){2, 17, HYBRID_RY, HYBRID_CZ_RING, HYBRID_Z};
	assert_int_equal(hybrid_check(&shape, &error), ERR_OUT_OF_RANGE);
	assert_string_equal(error.pointer, "/depth");
	hybrid_close(NULL);
}

/* What is said of memory and operations. */
static void test_sizes(void **state)
{
	(void)state;
	const struct hybrid_shape shape = {8, 2, HYBRID_RX_RY_RZ, HYBRID_CNOT_RING, HYBRID_XYZ};
	struct laid_out one = hybrid_laid_out(&shape, PRECISION_FLOAT64, 8),
	                two = hybrid_laid_out(&shape, PRECISION_FLOAT64, 16),
	                half = hybrid_laid_out(&shape, PRECISION_FLOAT32, 16);
	assert_int_equal(two.bytes - one.bytes, 8 * 32 * 256);
	assert_int_equal(one.bytes - hybrid_fixed_bytes(one.cell), 8 * 32 * 256);
	assert_int_equal(half.bytes, one.bytes);
	assert_int_equal(hybrid_multiple(PRECISION_FLOAT64), 8);
	assert_int_equal(hybrid_multiple(PRECISION_FLOAT32), 16);
	assert_true(hybrid_flop(&shape) == 4.0 * 256 * (14 * 2 * 8 + 4 * 24));
	assert_true(hybrid_cost(&shape, PRECISION_FLOAT64) > hybrid_cost(&shape, PRECISION_FLOAT32));
	hybrid_release(&one);
	hybrid_release(&two);
	hybrid_release(&half);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain_against_matrices),
	    cmocka_unit_test(test_against_plain),
	    cmocka_unit_test(test_adjoint),
	    cmocka_unit_test(test_taken_back),
	    cmocka_unit_test(test_bloch_vectors),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_measurement),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
