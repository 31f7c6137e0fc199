/* Arithmetic on amplitudes made of vectors of samples. Included by batch_kernel.c and register/cpu_kernel.c only. */
#ifndef QLSTM_CIRCUIT_AMPLITUDE_VECTOR_H
#define QLSTM_CIRCUIT_AMPLITUDE_VECTOR_H

#include "engine/circuit/program.h"
#include "engine/vector/fused.h"

struct amplitude {
	vec re, im;
};

static inline struct amplitude scale(struct amplitude a, vec factor)
{
	return (struct amplitude){a.re * factor, a.im * factor};
}

static inline struct amplitude add(struct amplitude a, struct amplitude b)
{
	return (struct amplitude){a.re + b.re, a.im + b.im};
}

static inline struct amplitude multiply(struct amplitude a, struct amplitude b)
{
	return (struct amplitude){fms_vec(a.re, b.re, a.im * b.im), fma_vec(a.re, b.im, a.im * b.re)};
}

static inline struct amplitude multiply_conj(struct amplitude a, struct amplitude b)
{
	return (struct amplitude){fma_vec(a.re, b.re, a.im * b.im), fms_vec(a.re, b.im, a.im * b.re)};
}

static inline struct amplitude add_scaled(struct amplitude sum, struct amplitude a, vec factor)
{
	return (struct amplitude){fma_vec(a.re, factor, sum.re), fma_vec(a.im, factor, sum.im)};
}

/* sum + a b, sum + conj(a) b. */
static inline struct amplitude add_product(struct amplitude sum, struct amplitude a, struct amplitude b)
{
	return (struct amplitude){fma_vec(a.re, b.re, fnma_vec(a.im, b.im, sum.re)),
	                          fma_vec(a.re, b.im, fma_vec(a.im, b.re, sum.im))};
}

static inline struct amplitude add_product_conj(struct amplitude sum, struct amplitude a, struct amplitude b)
{
	return (struct amplitude){fma_vec(a.re, b.re, fma_vec(a.im, b.im, sum.re)),
	                          fma_vec(a.re, b.im, fnma_vec(a.im, b.re, sum.im))};
}

/* |a|^2. */
static inline vec squared(struct amplitude a)
{
	return fma_vec(a.re, a.re, a.im * a.im);
}

/* exp(-i t P / 2) on the two states that P exchanges; c and s are of t / 2, and -s undoes it. */
static inline void turn_x(struct amplitude *zero, struct amplitude *one, vec c, vec s)
{
	struct amplitude a = *zero, b = *one;
	*zero = (struct amplitude){fma_vec(c, a.re, s * b.im), fms_vec(c, a.im, s * b.re)};
	*one = (struct amplitude){fma_vec(c, b.re, s * a.im), fms_vec(c, b.im, s * a.re)};
}

static inline void turn_y(struct amplitude *zero, struct amplitude *one, vec c, vec s)
{
	struct amplitude a = *zero, b = *one;
	*zero = (struct amplitude){fms_vec(c, a.re, s * b.re), fms_vec(c, a.im, s * b.im)};
	*one = (struct amplitude){fma_vec(s, a.re, c * b.re), fma_vec(s, a.im, c * b.im)};
}

static inline void turn_z(struct amplitude *zero, struct amplitude *one, vec c, vec s)
{
	*zero = multiply(*zero, (struct amplitude){c, -s});
	*one = multiply(*one, (struct amplitude){c, s});
}

/* Their part of Im <lambda|P|psi>, the derivative with respect to t of Re <lambda|psi> * 2. */
static inline vec slope_x(const struct amplitude *l0, const struct amplitude *l1, const struct amplitude *p0,
                          const struct amplitude *p1)
{
	return fnma_vec(l0->im, p1->re, fma_vec(l0->re, p1->im, fms_vec(l1->re, p0->im, l1->im * p0->re)));
}

static inline vec slope_y(const struct amplitude *l0, const struct amplitude *l1, const struct amplitude *p0,
                          const struct amplitude *p1)
{
	return fnma_vec(l0->im, p1->im, fnma_vec(l0->re, p1->re, fma_vec(l1->re, p0->re, l1->im * p0->im)));
}

static inline vec slope_z(const struct amplitude *l0, const struct amplitude *l1, const struct amplitude *p0,
                          const struct amplitude *p1)
{
	return fma_vec(l1->im, p1->re, fnma_vec(l1->re, p1->im, fms_vec(l0->re, p0->im, l0->im * p0->re)));
}

/* The rotation and its derivative for an axis known at run time only. Switches, so that the operands stay in registers.
 */
static inline void turn(enum pauli axis, struct amplitude *zero, struct amplitude *one, vec c, vec s)
{
	switch (axis) {
	case PAULI_X:
		turn_x(zero, one, c, s);
		break;
	case PAULI_Y:
		turn_y(zero, one, c, s);
		break;
	case PAULI_Z:
		turn_z(zero, one, c, s);
	}
}

static inline vec slope(enum pauli axis, const struct amplitude *l0, const struct amplitude *l1,
                        const struct amplitude *p0, const struct amplitude *p1)
{
	switch (axis) {
	case PAULI_X:
		return slope_x(l0, l1, p0, p1);
	case PAULI_Y:
		return slope_y(l0, l1, p0, p1);
	default:
		return slope_z(l0, l1, p0, p1);
	}
}

/* t[m] = sum_k (-1)^parity(k & m) t[k]: all parity sums at once (Walsh-Hadamard). */
ALWAYS_INLINE void parity_sums(vec *t, size_t size)
{
	size_t half = 1;
	/* Two bits a pass while two are left. */
	UNROLL_SOME for (; 4 * half <= size; half *= 4)
	{
		UNROLL_SOME for (size_t i = 0; i < size; i += 4 * half)
		{
			UNROLL_SOME for (size_t j = i; j < i + half; j++)
			{
				vec a = t[j] + t[j + half], b = t[j] - t[j + half];
				vec c = t[j + 2 * half] + t[j + 3 * half], d = t[j + 2 * half] - t[j + 3 * half];
				t[j] = a + c;
				t[j + half] = b + d;
				t[j + 2 * half] = a - c;
				t[j + 3 * half] = b - d;
			}
		}
	}
	UNROLL_SOME for (size_t j = 0; half < size && j < half; j++)
	{
		vec a = t[j], b = t[j + half];
		t[j] = a + b;
		t[j + half] = a - b;
	}
}

#endif
