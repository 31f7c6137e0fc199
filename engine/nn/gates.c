/* The LSTM's gate arithmetic. */
#include "engine/nn/gates.h"

#include <math.h>

struct gates gates_at(double *block, size_t n)
{
	return (struct gates){
	    .f = block, .i = block + n, .g = block + 2 * n, .o = block + 3 * n, .tanh_c = block + 4 * n};
}

static double sigmoid(double x)
{
	return 1.0 / (1.0 + exp(-x));
}

void gates_forward(const struct gates *gates, const double *c_prev, size_t n, double *c, double *m)
{
	for (size_t k = 0; k < n; k++) {
		double f = sigmoid(gates->f[k]), i = sigmoid(gates->i[k]);
		double g = tanh(gates->g[k]), o = sigmoid(gates->o[k]);
		c[k] = f * c_prev[k] + i * g;
		double t = tanh(c[k]);
		m[k] = o * t;
		gates->f[k] = f;
		gates->i[k] = i;
		gates->g[k] = g;
		gates->o[k] = o;
		gates->tanh_c[k] = t;
	}
}

/* m = o tanh(c): do = dm tanh(c), dc += dm o (1 - tanh(c)^2)
 * c = f c_prev + i g: df = dc c_prev, di = dc g, dg = dc i, dc_prev = dc f
 * sigmoid' = s (1 - s), tanh' = 1 - t^2 */
void gates_backward(const struct gates *gates, const double *c_prev, const double *dm, size_t n, double *dc,
                    const struct gates *d_pre)
{
	for (size_t k = 0; k < n; k++) {
		double f = gates->f[k], i = gates->i[k], g = gates->g[k], o = gates->o[k], t = gates->tanh_c[k];
		double d = dc[k] + dm[k] * o * (1.0 - t * t);
		d_pre->o[k] = dm[k] * t * o * (1.0 - o);
		d_pre->f[k] = d * c_prev[k] * f * (1.0 - f);
		d_pre->i[k] = d * g * i * (1.0 - i);
		d_pre->g[k] = d * i * (1.0 - g * g);
		dc[k] = d * f;
	}
}
