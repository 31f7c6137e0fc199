/* The same loops on float32 amplitudes. */
#define KERNEL_FLOAT32
#include "engine/circuit/neuron/neuron_kernel.c"
