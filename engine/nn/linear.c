/* The linear map, plain loops that run along the batch. */
#include "engine/nn/linear.h"

#include <stddef.h>

void linear_forward(const struct linear *linear, const double *x, int batch, double *y)
{
	size_t n = (size_t)batch;
	for (int o = 0; o < linear->n_out; o++) {
		double *row = y + (size_t)o * n;
		double b = linear->bias != NULL ? linear->bias[o] : 0.0;
		for (size_t s = 0; s < n; s++)
			row[s] = b;
		const double *w = linear->weight + (size_t)o * (size_t)linear->n_in;
		for (int k = 0; k < linear->n_in; k++) {
			const double *in = x + (size_t)k * n;
			double wk = w[k];
			for (size_t s = 0; s < n; s++)
				row[s] += wk * in[s];
		}
	}
}

/* y = W x + b  =>  dW[o][k] = sum_s dy[o][s] x[k][s],  db[o] = sum_s dy[o][s],  dx[k][s] = sum_o W[o][k] dy[o][s] */
void linear_backward(const struct linear *linear, const double *x, const double *dy, int batch, double *dx)
{
	size_t n = (size_t)batch;
	for (int o = 0; o < linear->n_out; o++) {
		const double *row = dy + (size_t)o * n;
		const double *w = linear->weight + (size_t)o * (size_t)linear->n_in;
		double *dw = linear->d_weight + (size_t)o * (size_t)linear->n_in;
		double total = 0.0;
		for (size_t s = 0; s < n; s++)
			total += row[s];
		if (linear->d_bias != NULL)
			linear->d_bias[o] += total;
		for (int k = 0; k < linear->n_in; k++) {
			const double *in = x + (size_t)k * n;
			double sum = 0.0;
			for (size_t s = 0; s < n; s++)
				sum += row[s] * in[s];
			dw[k] += sum;
			if (dx == NULL)
				continue;
			double *out = dx + (size_t)k * n;
			double wk = w[k];
			for (size_t s = 0; s < n; s++)
				out[s] += wk * row[s];
		}
	}
}
