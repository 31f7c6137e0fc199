/* The gated recurrent unit (Cho et al. 2014) with PyTorch's equations (torch.nn.GRU); rows in the order r, z, n:
 *
 *   r = sigmoid(a_r + s_r),  z = sigmoid(a_z + s_z),  n = tanh(a_n + r s_n)
 *   h = (1 - z) n + z h_prev
 *
 * The loops are in gates_kernel.c. */
#include "engine/nn/cell/affine_cell.h"
#include "engine/nn/kernel/gates_kernel.h"
#include "engine/vector/isa.h"

static void gru_forward(const struct cell *cell, double *a, double *s, const double *h_prev, size_t n, double *h)
{
	(void)cell;
	isa_pick()->gates->gru_forward(a, s, h_prev, n, h);
}

static void gru_backward(const struct cell *cell, double *a, double *s, const double *h_prev, const double *h,
                         const double *d_h, size_t n, double *d_h_prev)
{
	(void)cell, (void)h;
	isa_pick()->gates->gru_backward(a, s, h_prev, d_h, n, d_h_prev);
}

static const struct affine_steps gru_steps = {.gates = 3, .forward = gru_forward, .backward = gru_backward};

static int gru_open(struct cell *cell, const char *prefix, struct qlstm_error *error)
{
	return affine_open(cell, prefix, &gru_steps, error);
}

const struct cell_ops gru_ops = {
    .open = gru_open,
    .lay_out = affine_lay_out,
    .forward_all = affine_forward_all,
    .backward_all = affine_backward_all,
};
