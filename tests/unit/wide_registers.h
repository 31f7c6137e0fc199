/* The kernels of a machine with registers of 64 bytes, on one that has narrower ones: compiled with KERNEL_BYTES=64
 * (Makefile, r64_obj), where each operation is the one that AVX-512 has, lane by lane. */
#ifndef QLSTM_TESTS_WIDE_REGISTERS_H
#define QLSTM_TESTS_WIDE_REGISTERS_H

#include <string.h>

#include "engine/vector/isa_rows.h"

ISA_TABLES(r64)

/* A supported instruction set that promises bytes (isa_same_bytes); NULL: there is none. */
static inline const struct isa *fused_isa(void)
{
	for (int k = 0; isa_at(k) != NULL; k++)
		if (isa_at(k)->supported() && isa_same_bytes(isa_at(k)->name, "arm64"))
			return isa_at(k);
	return NULL;
}

/* NULL: this processor has no fused multiply-add, for which they are compiled. */
static inline const struct isa *wide_registers(void)
{
	static const struct isa wide = ISA_ROW("64 bytes", r64, NULL);
	return fused_isa() != NULL ? &wide : NULL;
}

#endif
