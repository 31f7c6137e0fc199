/* The linear map; its loops are in nn_kernel.c. */
#include "engine/nn/linear.h"

#include "engine/circuit/isa.h"
#include "engine/nn/nn_kernel.h"

void linear_forward(const struct linear *linear, const double *x, int batch, double *y)
{
	isa_pick()->nn->linear_forward(linear, x, (size_t)batch, y);
}

void linear_backward(const struct linear *linear, const double *x, const double *dy, int batch, double *dx)
{
	isa_pick()->nn->linear_backward(linear, x, dy, (size_t)batch, dx);
}
