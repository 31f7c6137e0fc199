/* Picks the kernels for this processor. The Makefile compiles every file in KERNEL_SRC once per row below. */
#include "engine/vector/isa.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static bool always(void)
{
	return true;
}

#if defined __x86_64__
extern const struct batch_kernels batch_kernels_x86_64, batch_kernels_x86_64_v3, batch_kernels_x86_64_v4;
extern const struct batch_kernels batch_kernels_f32_x86_64, batch_kernels_f32_x86_64_v3, batch_kernels_f32_x86_64_v4;
extern const struct local_kernels local_kernels_x86_64, local_kernels_x86_64_v3, local_kernels_x86_64_v4;
extern const struct local_kernels local_kernels_f32_x86_64, local_kernels_f32_x86_64_v3, local_kernels_f32_x86_64_v4;
extern const struct wide_kernels wide_kernels_x86_64, wide_kernels_x86_64_v3, wide_kernels_x86_64_v4;
extern const struct wide_kernels wide_kernels_f32_x86_64, wide_kernels_f32_x86_64_v3, wide_kernels_f32_x86_64_v4;
extern const struct register_ops register_cpu_x86_64, register_cpu_x86_64_v3, register_cpu_x86_64_v4;
extern const struct register_ops register_cpu_f32_x86_64, register_cpu_f32_x86_64_v3, register_cpu_f32_x86_64_v4;
extern const struct neuron_kernels neuron_kernels_x86_64, neuron_kernels_x86_64_v3, neuron_kernels_x86_64_v4;
extern const struct neuron_kernels neuron_kernels_f32_x86_64, neuron_kernels_f32_x86_64_v3,
    neuron_kernels_f32_x86_64_v4;
extern const struct hybrid_kernels hybrid_kernels_x86_64, hybrid_kernels_x86_64_v3, hybrid_kernels_x86_64_v4;
extern const struct hybrid_kernels hybrid_kernels_f32_x86_64, hybrid_kernels_f32_x86_64_v3,
    hybrid_kernels_f32_x86_64_v4;
extern const struct gates_kernels gates_kernels_x86_64, gates_kernels_x86_64_v3, gates_kernels_x86_64_v4;
extern const struct gemm_kernels gemm_kernels_x86_64, gemm_kernels_x86_64_v3, gemm_kernels_x86_64_v4;

/* Every processor with these also has the smaller additions of its level (LZCNT, MOVBE, F16C). */
static bool has_v3(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2");
}

static bool has_v4(void)
{
	return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl");
}

static const struct isa table[] = {
    {"x86-64-v4", &batch_kernels_x86_64_v4, &batch_kernels_f32_x86_64_v4, &local_kernels_x86_64_v4,
     &local_kernels_f32_x86_64_v4, &wide_kernels_x86_64_v4, &wide_kernels_f32_x86_64_v4, &register_cpu_x86_64_v4,
     &register_cpu_f32_x86_64_v4, &neuron_kernels_x86_64_v4, &neuron_kernels_f32_x86_64_v4, &hybrid_kernels_x86_64_v4,
     &hybrid_kernels_f32_x86_64_v4, &gates_kernels_x86_64_v4, &gemm_kernels_x86_64_v4, has_v4},
    {"x86-64-v3", &batch_kernels_x86_64_v3, &batch_kernels_f32_x86_64_v3, &local_kernels_x86_64_v3,
     &local_kernels_f32_x86_64_v3, &wide_kernels_x86_64_v3, &wide_kernels_f32_x86_64_v3, &register_cpu_x86_64_v3,
     &register_cpu_f32_x86_64_v3, &neuron_kernels_x86_64_v3, &neuron_kernels_f32_x86_64_v3, &hybrid_kernels_x86_64_v3,
     &hybrid_kernels_f32_x86_64_v3, &gates_kernels_x86_64_v3, &gemm_kernels_x86_64_v3, has_v3},
    {"x86-64", &batch_kernels_x86_64, &batch_kernels_f32_x86_64, &local_kernels_x86_64, &local_kernels_f32_x86_64,
     &wide_kernels_x86_64, &wide_kernels_f32_x86_64, &register_cpu_x86_64, &register_cpu_f32_x86_64,
     &neuron_kernels_x86_64, &neuron_kernels_f32_x86_64, &hybrid_kernels_x86_64, &hybrid_kernels_f32_x86_64,
     &gates_kernels_x86_64, &gemm_kernels_x86_64, always},
};
#else
extern const struct batch_kernels batch_kernels_generic, batch_kernels_f32_generic;
extern const struct local_kernels local_kernels_generic, local_kernels_f32_generic;
extern const struct wide_kernels wide_kernels_generic, wide_kernels_f32_generic;
extern const struct register_ops register_cpu_generic, register_cpu_f32_generic;
extern const struct neuron_kernels neuron_kernels_generic, neuron_kernels_f32_generic;
extern const struct hybrid_kernels hybrid_kernels_generic, hybrid_kernels_f32_generic;
extern const struct gates_kernels gates_kernels_generic;
extern const struct gemm_kernels gemm_kernels_generic;

#if defined __aarch64__
#define GENERIC "arm64"
#else
#define GENERIC "generic"
#endif

static const struct isa table[] = {{GENERIC, &batch_kernels_generic, &batch_kernels_f32_generic, &local_kernels_generic,
                                    &local_kernels_f32_generic, &wide_kernels_generic, &wide_kernels_f32_generic,
                                    &register_cpu_generic, &register_cpu_f32_generic, &neuron_kernels_generic,
                                    &neuron_kernels_f32_generic, &hybrid_kernels_generic, &hybrid_kernels_f32_generic,
                                    &gates_kernels_generic, &gemm_kernels_generic, always}};
#endif

/* Two threads that race here compute and store the same row. */
static _Atomic(const struct isa *) chosen;

const struct isa *isa_at(int index)
{
	int count = (int)(sizeof table / sizeof *table);
	return index >= 0 && index < count ? &table[index] : NULL;
}

static bool is_fused(const char *name)
{
	static const char *const fused[] = {"x86-64-v4", "x86-64-v3", "arm64"};
	for (size_t k = 0; k < sizeof fused / sizeof fused[0]; k++)
		if (strcmp(name, fused[k]) == 0)
			return true;
	return false;
}

bool isa_same_bytes(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || (is_fused(a) && is_fused(b));
}

const struct isa *isa_pick(void)
{
	const struct isa *isa = atomic_load_explicit(&chosen, memory_order_relaxed);
	if (isa != NULL)
		return isa;
	isa = table;
	while (!isa->supported())
		isa++;
	isa_force(isa);
	return isa;
}

void isa_force(const struct isa *isa)
{
	atomic_store_explicit(&chosen, isa, memory_order_relaxed);
}
