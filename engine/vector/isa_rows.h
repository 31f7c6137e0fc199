/* The tables of kernels that one instruction set has, by the name that KERNEL_ISA gives them (Makefile). */
#ifndef QLSTM_VECTOR_ISA_ROWS_H
#define QLSTM_VECTOR_ISA_ROWS_H

#include "engine/vector/isa.h"

#define ISA_TABLES(isa)                                                                                                \
	extern const struct batch_kernels batch_kernels_##isa, batch_kernels_f32_##isa;                                \
	extern const struct local_kernels local_kernels_##isa, local_kernels_f32_##isa;                                \
	extern const struct wide_kernels wide_kernels_##isa, wide_kernels_f32_##isa;                                   \
	extern const struct register_ops register_cpu_##isa, register_cpu_f32_##isa;                                   \
	extern const struct neuron_kernels neuron_kernels_##isa, neuron_kernels_f32_##isa;                             \
	extern const struct hybrid_kernels hybrid_kernels_##isa, hybrid_kernels_f32_##isa;                             \
	extern const struct gates_kernels gates_kernels_##isa;                                                         \
	extern const struct gates_kernels_f32 gates_kernels_f32_##isa;                                                 \
	extern const struct gemm_kernels gemm_kernels_##isa;                                                           \
	extern const struct gemm_kernels_f32 gemm_kernels_f32_##isa;

/* A struct isa; what follows `isa` is its `supported`. */
#define ISA_ROW(label, isa, ...)                                                                                       \
	{                                                                                                              \
		label, &batch_kernels_##isa, &batch_kernels_f32_##isa, &local_kernels_##isa, &local_kernels_f32_##isa, \
		    &wide_kernels_##isa, &wide_kernels_f32_##isa, &register_cpu_##isa, &register_cpu_f32_##isa,        \
		    &neuron_kernels_##isa, &neuron_kernels_f32_##isa, &hybrid_kernels_##isa,                           \
		    &hybrid_kernels_f32_##isa, &gates_kernels_##isa, &gates_kernels_f32_##isa, &gemm_kernels_##isa,    \
		    &gemm_kernels_f32_##isa, __VA_ARGS__                                                               \
	}

#endif
