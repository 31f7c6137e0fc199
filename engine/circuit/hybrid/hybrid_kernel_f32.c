/* The same loops on float32 amplitudes. */
#define KERNEL_FLOAT32
#include "engine/circuit/hybrid/hybrid_kernel.c"
