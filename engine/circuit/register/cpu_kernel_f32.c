/* The same loops on float32 amplitudes: the same source, twice as many samples in a tile. */
#define KERNEL_FLOAT32
#include "engine/circuit/register/cpu_kernel.c"
