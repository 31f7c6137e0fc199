/* The local plan's inner loops; contracts in local_kernel.h. Compiled once per instruction set: -DKERNEL_ISA names the
 * table. */
#include <math.h>
#include <stddef.h>

#include "engine/circuit/local_kernel.h"

#if defined __AVX512F__
#define VECTOR_BYTES 64
#elif defined __AVX__
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

typedef double vec __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef long long mask __attribute__((vector_size(VECTOR_BYTES), may_alias));

enum { WIDTH = VECTOR_BYTES / sizeof(double) };

/* Beyond this the reduction below loses digits. */
#define ANGLE_FAST 1.0e5

/* Reduction by Cody and Waite in three steps of pi / 2, then the kernel polynomials of fdlibm (k_sin.c, k_cos.c). */
static inline void cosine_sine_fast(vec angle, vec *cosine, vec *sine)
{
	/* Adding this rounds to an integer, whose low bits are then those of the sum. */
	const double shift = 0x1.8p52;
	vec shifted = angle * M_2_PI + shift;
	mask quadrant = (mask)shifted;
	vec q = shifted - shift;
	vec r = angle - q * 1.57079632673412561417e+00;
	r = r - q * 6.07710050630396597660e-11;
	r = r - q * 2.02226624879595063154e-21;
	vec z = r * r;
	vec s = 1.58969099521155010221e-10 * z - 2.50507602534068634195e-08;
	s = s * z + 2.75573137070700676789e-06;
	s = s * z - 1.98412698298579493134e-04;
	s = s * z + 8.33333333332248946124e-03;
	s = s * z - 1.66666666666666324348e-01;
	s = r + r * z * s;
	vec c = -1.13596475577881948265e-11 * z + 2.08757232129817482790e-09;
	c = c * z - 2.75573143513906633035e-07;
	c = c * z + 2.48015872894767294178e-05;
	c = c * z - 1.38888888888741095749e-03;
	c = c * z + 4.16666666666666019037e-02;
	c = 1.0 - 0.5 * z + z * z * c;
	mask odd = -(quadrant & 1), even = ~odd;
	mask swapped_sine = (odd & (mask)c) | (even & (mask)s), swapped_cosine = (odd & (mask)s) | (even & (mask)c);
	*sine = (vec)(swapped_sine ^ ((quadrant & 2) << 62));
	*cosine = (vec)(swapped_cosine ^ (((quadrant + 1) & 2) << 62));
}

static void cosine_sine(const double *angle, double *cosine, double *sine)
{
	const mask magnitude = (mask){0} + INT64_MAX, limit = (mask)((vec){0} + ANGLE_FAST);
	mask beyond = {0}; /* compared as integers, where a NaN is large, too */
	for (size_t i = 0; i < LOCAL_LANES; i += WIDTH) {
		beyond |= (*(const mask *)(angle + i) & magnitude) > limit;
		cosine_sine_fast(*(const vec *)(angle + i), (vec *)(cosine + i), (vec *)(sine + i));
	}
	long long any = 0;
	for (size_t j = 0; j < WIDTH; j++)
		any |= beyond[j];
	for (size_t i = 0; i < LOCAL_LANES && any != 0; i++) {
		cosine[i] = cos(angle[i]);
		sine[i] = sin(angle[i]);
	}
}

/* The operands of an instruction; those that it does not have are never used, and never loaded. */
#define OPERANDS                                                                                                       \
	vec a = *(const vec *)(rows + (size_t)in[0] * LOCAL_LANES + l);                                                \
	vec b = *(const vec *)(rows + (size_t)in[1] * LOCAL_LANES + l);                                                \
	vec c = *(const vec *)(rows + (size_t)in[2] * LOCAL_LANES + l);                                                \
	vec d = *(const vec *)(rows + (size_t)in[3] * LOCAL_LANES + l);                                                \
	(void)a, (void)b, (void)c, (void)d

/* NOLINTNEXTLINE(readability-function-size): one case an operation, from the table */
static void forward(const struct local_code *code, uint32_t first, uint32_t end, double *rows)
{
	double *out = rows + local_code_result_row(code, first) * LOCAL_LANES;
	for (uint32_t i = first; i < end; i++, out += LOCAL_LANES) {
		const uint32_t *in = code->instructions[i].in;
		switch ((enum local_operation)code->instructions[i].operation) {
#define X(id, value, slopes)                                                                                           \
	case id:                                                                                                       \
		for (size_t l = 0; l < LOCAL_LANES; l += WIDTH) {                                                      \
			OPERANDS;                                                                                      \
			*(vec *)(out + l) = value;                                                                     \
		}                                                                                                      \
		break;
			LOCAL_OPERATIONS(X)
#undef X
		}
	}
}

/* Operands may coincide, so each cotangent is loaded after the one before is stored. */
enum { OPERAND_a, OPERAND_b, OPERAND_c, OPERAND_d };
#define SLOPE(operand, value) *(vec *)(cotangents + (size_t)in[OPERAND_##operand] * LOCAL_LANES + l) += (value);

/* NOLINTNEXTLINE(readability-function-size): one case an operation, from the table */
static void backward(const struct local_code *code, uint32_t first, uint32_t end, const double *rows,
                     double *cotangents)
{
	const double *out = cotangents + local_code_result_row(code, first) * LOCAL_LANES;
	for (uint32_t i = end; i-- > first;) {
		const uint32_t *in = code->instructions[i].in;
		const double *from = out + (size_t)(i - first) * LOCAL_LANES;
		switch ((enum local_operation)code->instructions[i].operation) {
#define X(id, value, slopes)                                                                                           \
	case id:                                                                                                       \
		for (size_t l = 0; l < LOCAL_LANES; l += WIDTH) {                                                      \
			vec g = *(const vec *)(from + l);                                                              \
			OPERANDS;                                                                                      \
			slopes                                                                                         \
		}                                                                                                      \
		break;
			LOCAL_OPERATIONS(X)
#undef X
		}
	}
}

#define TABLE_NAME(isa) local_kernels_##isa
#define TABLE(isa)      TABLE_NAME(isa)

extern const struct local_kernels TABLE(KERNEL_ISA);

const struct local_kernels TABLE(KERNEL_ISA) = {
    .cosine_sine = cosine_sine,
    .forward = forward,
    .backward = backward,
};
