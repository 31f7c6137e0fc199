/* y = W x + b on arrays [rows][batch] with the batch innermost; W [n_out][n_in] row-major. b may be NULL. */
#ifndef QLSTM_NN_LINEAR_H
#define QLSTM_NN_LINEAR_H

struct linear {
	int n_in, n_out;
	const double *weight, *bias;
	double *d_weight, *d_bias; /* accumulated by linear_backward */
};

/* y [n_out][batch] is overwritten. */
void linear_forward(const struct linear *linear, const double *x, int batch, double *y);
/* d_weight += dy x^T, d_bias += sum dy; dx [n_in][batch] = W^T dy, overwritten, unless NULL. */
void linear_backward(const struct linear *linear, const double *x, const double *dy, int batch, double *dx);

#endif
