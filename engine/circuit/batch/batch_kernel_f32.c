/* The batch plan's inner loops on float32 amplitudes: the same source, twice as many samples in a register. */
#define KERNEL_FLOAT32
#include "engine/circuit/batch/batch_kernel.c"
