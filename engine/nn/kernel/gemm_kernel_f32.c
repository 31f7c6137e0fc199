/* The same products of float32: the same source, twice as many samples in a register. */
#define KERNEL_FLOAT32
#include "engine/nn/kernel/gemm_kernel.c"
