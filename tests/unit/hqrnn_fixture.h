/* Models of the hybrid network for tests, and the parameters that its golden values are of. */
#ifndef QLSTM_TESTS_HQRNN_FIXTURE_H
#define QLSTM_TESTS_HQRNN_FIXTURE_H

#include "tests/unit/nn_fixture.h"

/* Three qubits, one layer of RX RY RZ and a ring of CNOTs, everything read, a controller of four by GLU. */
static inline struct layer_config hqrnn_layer(void)
{
	return (struct layer_config){.type = "hqrnn",
	                             .hqrnn = {.n_qubits = 3,
	                                       .depth = 1,
	                                       .hidden_size = 4,
	                                       .controller = CONTROLLER_GLU,
	                                       .rotations = HYBRID_RX_RY_RZ,
	                                       .entangler = HYBRID_CNOT_RING,
	                                       .readouts = HYBRID_XYZ}};
}

/* p_k = 0.3 sin(k + 1) */
static inline void set_golden(double *values, size_t count)
{
	for (size_t k = 0; k < count; k++)
		values[k] = 0.3 * sin((double)(k + 1));
}

/* Cross entropy of `frames` rows of one sample, logits [frames][classes]: its mean and gradient. */
static inline double cross_entropy(const double *logits, int frames, int classes, const int *targets, double *d_logits)
{
	double loss = 0.0;
	for (int t = 0; t < frames; t++) {
		const double *row = logits + t * classes;
		double sum = 0.0;
		for (int c = 0; c < classes; c++)
			sum += exp(row[c]);
		loss += (log(sum) - row[targets[t]]) / frames;
		for (int c = 0; c < classes; c++)
			d_logits[t * classes + c] = (exp(row[c]) / sum - (c == targets[t])) / frames;
	}
	return loss;
}

static inline double norm_of(const double *values, size_t count)
{
	double sum = 0.0;
	for (size_t k = 0; k < count; k++)
		sum += values[k] * values[k];
	return sqrt(sum);
}

static inline void assert_values(const double *values, const double *expected, size_t count, double tolerance)
{
	for (size_t k = 0; k < count; k++)
		assert_near(values[k], expected[k], tolerance);
}

/* An entry of the gradient. */
struct entry {
	int index;
	double value;
};

static inline void assert_entries(const double *gradient, const struct entry *entries, size_t count, double tolerance)
{
	for (size_t k = 0; k < count; k++)
		assert_near(gradient[entries[k].index], entries[k].value, tolerance);
}

#endif
