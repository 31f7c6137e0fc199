/* The wide plan's inner loops on float32 amplitudes: the same source, twice as many amplitudes in a register. */
#define KERNEL_FLOAT32
#include "engine/circuit/wide/wide_kernel.c"
