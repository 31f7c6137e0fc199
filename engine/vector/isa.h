/* Which instruction set the kernels use. Internal to the engine.
 *
 * A family of kernels is a struct of functions that one room declares and compiles once per instruction set; here they
 * are known by name alone, so that this room includes none of those that use it. */
#ifndef QLSTM_VECTOR_ISA_H
#define QLSTM_VECTOR_ISA_H

#include <stdbool.h>

struct batch_kernels;
struct local_kernels;
struct wide_kernels;
struct register_ops;
struct neuron_kernels;
struct hybrid_kernels;
struct gates_kernels;
struct gates_kernels_f32;
struct gemm_kernels;
struct gemm_kernels_f32;

struct isa {
	const char *name;
	const struct batch_kernels *batch, *batch_f32;
	const struct local_kernels *local, *local_f32;
	const struct wide_kernels *wide, *wide_f32;
	const struct register_ops *registers, *registers_f32;
	const struct neuron_kernels *neurons, *neurons_f32;
	const struct hybrid_kernels *hybrid, *hybrid_f32;
	const struct gates_kernels *gates;
	const struct gates_kernels_f32 *gates_f32;
	const struct gemm_kernels *gemm;
	const struct gemm_kernels_f32 *gemm_f32;
	bool (*supported)(void);
};

/* Whether both, by name, give the same bytes for the same spec, data and seed: the same one, or any two of x86-64-v3,
 * x86-64-v4 and arm64. */
bool isa_same_bytes(const char *a, const char *b);

/* The widest one that this processor supports, chosen once. */
const struct isa *isa_pick(void);
/* The i-th one compiled in, widest first, whether supported or not; NULL past the last. */
const struct isa *isa_at(int index);
/* Makes layers, and plans created from now on, use `isa`, which must be supported: for tests and benchmarks. */
void isa_force(const struct isa *isa);

#endif
