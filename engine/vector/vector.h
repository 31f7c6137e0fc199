/* The vector types of the kernels: plain C on GCC vector extensions, as wide as the registers of the instruction set
 * that the including file is compiled for. Only files in KERNEL_SRC (Makefile) include it. */
#ifndef QLSTM_VECTOR_VECTOR_H
#define QLSTM_VECTOR_VECTOR_H

#include <stddef.h>

/* -DKERNEL_BYTES: wider than the instruction set's registers, so that tests can run kernels of machines to come. */
#if defined KERNEL_BYTES
#define VECTOR_BYTES KERNEL_BYTES
#elif defined __AVX512F__
#define VECTOR_BYTES 64
#elif defined __AVX__
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

typedef double vec64 __attribute__((vector_size(VECTOR_BYTES), may_alias));
/* At any address. */
typedef double loose64 __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
/* The bits of a vec64; mask64 is what comparing two gives. */
typedef unsigned long long bits64 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef long long mask64 __attribute__((vector_size(VECTOR_BYTES), may_alias));

/* What amplitudes are made of: -DKERNEL_FLOAT32 or float64. */
#ifdef KERNEL_FLOAT32
typedef float real;
/* Half a register, as many numbers as a vec64. */
typedef real half_vec __attribute__((vector_size(VECTOR_BYTES / 2), may_alias));
/* The bits of a vec. */
typedef unsigned int bits32 __attribute__((vector_size(VECTOR_BYTES), may_alias));
#else
typedef double real;
#endif
/* Not may_alias: storing a row must not make the compiler read every pointer again. Rows lie in memory that holds rows
 * or plain numbers of their kind. */
typedef real vec __attribute__((vector_size(VECTOR_BYTES)));

enum { WIDTH64 = VECTOR_BYTES / sizeof(double), WIDTH = VECTOR_BYTES / sizeof(real) };

#define ALWAYS_INLINE static inline __attribute__((always_inline))
/* UNROLL stands before a loop over a block whose bounds are constants, so that the block stays in registers,
 * UNROLL_SOME before one over a state. -DKERNEL_ROLLED: sanitizers, whose builds would take minutes. */
#ifdef KERNEL_ROLLED
#define UNROLL
#define UNROLL_SOME
#elif defined __clang__
/* Which obeys GCC's words too late to keep blocks in registers: V(4,2) took twice as long. */
#pragma clang diagnostic ignored "-Wpass-failed" /* where it does not unroll a loop, that is no fault */
#define UNROLL      _Pragma("clang loop unroll(full)")
#define UNROLL_SOME _Pragma("clang loop unroll_count(4)")
#else
#define UNROLL      _Pragma("GCC unroll 16")
#define UNROLL_SOME _Pragma("GCC unroll 4")
#endif

/* `yes` where the mask is all ones, `no` where it is zero. */
static inline vec64 choose64(mask64 where, vec64 yes, vec64 no)
{
	return (vec64)((where & (mask64)yes) | (~where & (mask64)no));
}

/* The first `count` elements, at most WIDTH64, and zeros: arrays end where they end, and the same arithmetic serves the
 * last elements as all others, so that no result depends on where in an array an element stands. One element at a time,
 * since a memcpy of unknown length is a call. */
static inline vec64 load64(const double *from, size_t count)
{
	if (count >= WIDTH64)
		return *(const loose64 *)from;
	vec64 v = {0};
	for (size_t l = 0; l < WIDTH64 - 1; l++)
		if (l < count)
			v[l] = from[l];
	return v;
}

static inline void store64(double *to, vec64 v, size_t count)
{
	if (count >= WIDTH64) {
		*(loose64 *)to = v;
		return;
	}
	for (size_t l = 0; l < WIDTH64 - 1; l++)
		if (l < count)
			to[l] = v[l];
}

/* The same between float64 arrays and a vec. */
#ifdef KERNEL_FLOAT32
#if VECTOR_BYTES == 64
#define LOW_HALF  0, 1, 2, 3, 4, 5, 6, 7
#define HIGH_HALF 8, 9, 10, 11, 12, 13, 14, 15
#elif VECTOR_BYTES == 32
#define LOW_HALF  0, 1, 2, 3
#define HIGH_HALF 4, 5, 6, 7
#else
#define LOW_HALF  0, 1
#define HIGH_HALF 2, 3
#endif

static inline vec load_row(const double *from, size_t count)
{
	vec64 low = load64(from, count), high = count > WIDTH64 ? load64(from + WIDTH64, count - WIDTH64) : (vec64){0};
	half_vec a = __builtin_convertvector(low, half_vec), b = __builtin_convertvector(high, half_vec);
	return __builtin_shufflevector(a, b, LOW_HALF, HIGH_HALF);
}

static inline void store_row(double *to, vec row, size_t count)
{
	half_vec a = __builtin_shufflevector(row, row, LOW_HALF), b = __builtin_shufflevector(row, row, HIGH_HALF);
	store64(to, __builtin_convertvector(a, vec64), count);
	if (count > WIDTH64)
		store64(to + WIDTH64, __builtin_convertvector(b, vec64), count - WIDTH64);
}
#else
static inline vec load_row(const double *from, size_t count)
{
	return load64(from, count);
}

static inline void store_row(double *to, vec row, size_t count)
{
	store64(to, row, count);
}
#endif

/* At any address. */
typedef real loose __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));

/* Of an array of such numbers the first `count`, at most WIDTH, and zeros: as load64 and store64. */
static inline vec load_vec(const real *from, size_t count)
{
	if (count >= WIDTH)
		return *(const loose *)from;
	vec v = {0};
	for (size_t l = 0; l < WIDTH - 1; l++)
		if (l < count)
			v[l] = from[l];
	return v;
}

static inline void store_vec(real *to, vec v, size_t count)
{
	if (count >= WIDTH) {
		*(loose *)to = v;
		return;
	}
	for (size_t l = 0; l < WIDTH - 1; l++)
		if (l < count)
			to[l] = v[l];
}

/* A number in all lanes. */
#define SPLAT(x) ((x) - (vec){0})

#endif
