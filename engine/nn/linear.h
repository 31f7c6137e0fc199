/* The linear map y = W x + b on arrays [sets][rows][batch] with the batch innermost; W [n_out][n_in] row-major, b may
 * be NULL. Sets lie one behind the other and go through the same map: the gates of a cell, or the steps of a sequence.
 */
#ifndef QLSTM_NN_LINEAR_H
#define QLSTM_NN_LINEAR_H

struct linear {
	int n_in, n_out;
	const double *weight, *bias;
	double *d_weight, *d_bias; /* accumulated by linear_backward */
};

/* y [sets][n_out][batch] is overwritten. */
void linear_forward(const struct linear *linear, const double *x, int sets, int batch, double *y);
/* d_weight += dy x^T and d_bias += dy, summed over samples and sets; dx [sets][n_in][batch] = W^T dy, overwritten,
 * unless NULL. */
void linear_backward(const struct linear *linear, const double *x, const double *dy, int sets, int batch, double *dx);

/* The two halves of linear_backward; the second adds to dx. */
void linear_backward_weights(const struct linear *linear, const double *x, const double *dy, int sets, int batch);
void linear_add_input(const struct linear *linear, const double *dy, int sets, int batch, double *dx);

#endif
