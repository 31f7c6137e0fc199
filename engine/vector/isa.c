/* Picks the kernels for this processor. The Makefile compiles every file in KERNEL_SRC once per row below. */
#include "engine/vector/isa_rows.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static bool always(void)
{
	return true;
}

#if defined __x86_64__
ISA_TABLES(x86_64)
ISA_TABLES(x86_64_v3)
ISA_TABLES(x86_64_v4)

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
    ISA_ROW("x86-64-v4", x86_64_v4, has_v4),
    ISA_ROW("x86-64-v3", x86_64_v3, has_v3),
    ISA_ROW("x86-64", x86_64, always),
};
#else
ISA_TABLES(generic)

#if defined __aarch64__
#define GENERIC "arm64"
#else
#define GENERIC "generic"
#endif

static const struct isa table[] = {ISA_ROW(GENERIC, generic, always)};
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
