/* The local plan's inner loops in float32: the same source, twice as many samples in a row. */
#define KERNEL_FLOAT32
#include "engine/circuit/local/local_kernel.c"
