/* The LSTM's gate arithmetic; its loops are in gates_kernel.c. */
#include "engine/nn/kernel/gates.h"

#include "engine/vector/isa.h"
#include "engine/nn/kernel/gates_kernel.h"

struct gates gates_at(double *block, size_t n)
{
	return (struct gates){
	    .f = block, .i = block + n, .g = block + 2 * n, .o = block + 3 * n, .tanh_c = block + 4 * n};
}

void gates_forward(const struct gates *gates, const double *c_prev, size_t n, double *c, double *m)
{
	isa_pick()->gates->forward(gates, c_prev, n, c, m);
}

void gates_backward(const struct gates *gates, const double *c_prev, const double *dm, size_t n, double *dc,
                    const struct gates *d_pre)
{
	isa_pick()->gates->backward(gates, c_prev, dm, n, dc, d_pre);
}
