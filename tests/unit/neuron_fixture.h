/* Networks of quantum neurons for tests: a plain program on all 2^n amplitudes, as the definition reads, and the loss.
 */
#ifndef QLSTM_TESTS_NEURON_FIXTURE_H
#define QLSTM_TESTS_NEURON_FIXTURE_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/neuron/neuron.h"
#include "tests/unit/oracle.h"

enum { PLAIN_STEPS = 12, PLAIN_WORDS = 64, PLAIN_STATES = 4096 };

/* ---- The plain program ---- */

/* The sets of 1 to `degree` of n sources, by size, then in lexicographic order; source 0 is the highest bit of n. */
static inline int plain_sets(int n, int degree, unsigned *sets)
{
	int count = 0;
	for (int size = 1; size <= degree && size <= n; size++)
		for (unsigned set = (1u << n) - 1; set > 0; set--)
			if (__builtin_popcount(set) == size)
				sets[count++] = set;
	return count;
}

/* The neuron with target `out`, whose sources are `lanes` [n - 1]; lane 0 is the highest bit. Normalises, and returns
 * the norm before. */
static inline double plain_neuron(double *psi, int n, int out, const int *lanes, const double *phi, double theta,
                                  const struct neuron_shape *shape)
{
	double norm = 0.0, q = pow(2.0, shape->order);
	unsigned bit = 1u << (n - 1 - out), sets[PLAIN_STATES];
	int n_sets = plain_sets(n - 1, shape->degree, sets);
	for (unsigned h = 0; h < 1u << n; h++) {
		unsigned x = 0;
		double eta = shape->bias + theta;
		if ((h & bit) != 0)
			continue;
		for (int k = 0; k < n - 1; k++)
			x = x << 1 | (h >> (n - 1 - lanes[k]) & 1);
		for (int k = 0; k < n_sets; k++)
			eta += (x & sets[k]) == sets[k] ? phi[k] : 0.0;
		double c = pow(cos(eta / 2), q), s = pow(sin(eta / 2), q), p0 = psi[h], p1 = psi[h | bit];
		psi[h] = c * p0 - s * p1;
		psi[h | bit] = s * p0 + c * p1;
		norm += psi[h] * psi[h] + psi[h | bit] * psi[h | bit];
	}
	norm = sqrt(norm);
	for (unsigned h = 0; h < 1u << n; h++)
		psi[h] /= norm;
	return norm;
}

/* Sources: workspace lanes, then in/out lanes, without the target. */
static inline void plain_sources(const struct neuron_shape *shape, int out, int *lanes)
{
	int at = 0, n = shape->workspace + shape->input_bits;
	for (int k = 0; k < n; k++) {
		int lane = k < shape->workspace ? shape->input_bits + k : k - shape->workspace;
		if (lane != out)
			lanes[at++] = lane;
	}
}

static inline void plain_flip(double *psi, int n, int bits, int word)
{
	static double copy[PLAIN_STATES];
	unsigned mask = (unsigned)word << (n - bits);
	memcpy(copy, psi, sizeof *psi << n);
	for (unsigned h = 0; h < 1u << n; h++)
		psi[h ^ mask] = copy[h];
}

static inline const double *plain_stage(double *psi, const struct neuron_shape *shape, const double *parameters,
                                        int first, int end)
{
	int n = shape->workspace + shape->input_bits, lanes[16];
	size_t weights = neuron_weights(shape);
	for (int out = first; out < end; out++, parameters += weights + 1) {
		plain_sources(shape, out, lanes);
		plain_neuron(psi, n, out, lanes, parameters, parameters[weights], shape);
	}
	return parameters;
}

/* One step: returns the probabilities, projects on the outcome. */
static inline void plain_step(double *psi, const struct neuron_shape *shape, const double *parameters, int input,
                              int outcome, double *p)
{
	int bits = shape->input_bits, n = shape->workspace + bits;
	plain_flip(psi, n, bits, input);
	parameters = plain_stage(psi, shape, parameters, bits, n);
	for (int stage = 0; stage < shape->stages; stage++) {
		for (int lane = bits; lane < n; lane++) {
			double c = cos(*parameters / 2), s = sin(*parameters / 2);
			unsigned bit = 1u << (n - 1 - lane);
			for (unsigned h = 0; h < 1u << n; h++)
				if ((h & bit) == 0) {
					double p0 = psi[h], p1 = psi[h | bit];
					psi[h] = c * p0 - s * p1;
					psi[h | bit] = s * p0 + c * p1;
				}
			parameters++;
		}
		parameters = plain_stage(psi, shape, parameters, bits, n);
	}
	plain_flip(psi, n, bits, input);
	plain_stage(psi, shape, parameters, 0, bits);
	memset(p, 0, sizeof *p << bits);
	for (unsigned h = 0; h < 1u << n; h++)
		p[h >> shape->workspace] += psi[h] * psi[h];
	for (unsigned h = 0; h < 1u << n; h++)
		psi[h] = (int)(h >> shape->workspace) == outcome ? psi[h] / sqrt(p[outcome]) : 0.0;
	plain_flip(psi, n, bits, outcome);
}

/* ---- Networks ---- */

struct network {
	struct neuron_shape shape;
	enum precision precision;
	int steps, samples;
	size_t n_parameters;
	double *parameters;
	uint8_t *inputs, *outcomes; /* [steps][samples] */
	bool scored[PLAIN_STEPS];
};

static inline size_t network_words(const struct network *network)
{
	return (size_t)1 << network->shape.input_bits;
}

static inline size_t network_probabilities(const struct network *network)
{
	return (size_t)(network->steps * network->samples) * network_words(network);
}

static inline struct network network_new(struct neuron_shape shape, int steps, int samples)
{
	struct network network = {.shape = shape, .steps = steps, .samples = samples};
	network.n_parameters = neuron_parameters(&shape);
	network.parameters = calloc(network.n_parameters, sizeof(double));
	network.inputs = calloc((size_t)(steps * samples), 1);
	network.outcomes = calloc((size_t)(steps * samples), 1);
	for (int t = 0; t < steps; t++)
		network.scored[t] = true;
	return network;
}

static inline void network_free(struct network *network)
{
	free(network->parameters);
	free(network->inputs);
	free(network->outcomes);
}

static inline void network_draw(struct network *network, struct oracle_random *random)
{
	int words = (int)network_words(network);
	for (size_t k = 0; k < network->n_parameters; k++)
		network->parameters[k] = oracle_uniform(random, -1.0, 1.0);
	for (int k = 0; k < network->steps * network->samples; k++) {
		network->inputs[k] = (uint8_t)oracle_below(random, words);
		network->outcomes[k] = (uint8_t)oracle_below(random, words);
	}
	for (int t = 0; t < network->steps; t++)
		network->scored[t] = t + 1 == network->steps || oracle_below(random, 2) == 0;
}

/* p [steps][2^I][samples] by the plain program. */
static inline void network_plain(const struct network *network, const double *parameters, double *p)
{
	static double psi[PLAIN_STATES];
	size_t words = network_words(network), samples = (size_t)network->samples;
	for (size_t b = 0; b < samples; b++) {
		memset(psi, 0, sizeof psi);
		psi[0] = 1.0;
		for (size_t t = 0; t < (size_t)network->steps; t++) {
			double of_words[PLAIN_WORDS];
			plain_step(psi, &network->shape, parameters, network->inputs[t * samples + b],
			           network->outcomes[t * samples + b], of_words);
			for (size_t w = 0; w < words; w++)
				p[(t * words + w) * samples + b] = of_words[w];
		}
	}
}

/* The mean over scored steps of all samples of ln sum_c e^p_c - p_w, minus its least value, and its gradient (NULL: not
 * wanted); *least is the smallest p of an outcome. */
static inline double network_loss(const struct network *network, const double *p, double *dp, double *least)
{
	size_t words = network_words(network), samples = (size_t)network->samples;
	double kept = 0.0, loss = 0.0, smallest = 1.0;
	for (int t = 0; t < network->steps; t++)
		kept += network->scored[t] ? network->samples : 0;
	if (dp != NULL)
		memset(dp, 0, network_probabilities(network) * sizeof *dp);
	for (size_t t = 0; t < (size_t)network->steps; t++)
		for (size_t b = 0; b < samples; b++) {
			size_t outcome = network->outcomes[t * samples + b];
			double sum = 0.0, right = p[(t * words + outcome) * samples + b];
			smallest = fmin(smallest, right);
			for (size_t w = 0; w < words; w++)
				sum += exp(p[(t * words + w) * samples + b]);
			for (size_t w = 0; w < words && network->scored[t] && dp != NULL; w++) {
				size_t at = (t * words + w) * samples + b;
				dp[at] = (exp(p[at]) / sum - (w == outcome)) / kept;
			}
			loss += network->scored[t] ? (log(sum) - right) / kept : 0.0;
		}
	if (least != NULL)
		*least = smallest;
	return loss + 1.0 - log((double)words - 1.0 + exp(1.0));
}

/* p by the cell, and with dp the gradient [n_parameters], which is overwritten. */
static inline void network_run(const struct network *network, const double *parameters, double *p, const double *dp,
                               double *gradient)
{
	struct neuron_cell *cell;
	struct qlstm_error error = {0};
	if (neuron_open(&cell, &network->shape, network->precision, &error) != 0)
		fail_msg("%s %s", error.pointer, error.message);
	struct arena arena = {0};
	neuron_lay_out(cell, &arena, network->steps, network->samples);
	arena = (struct arena){.base = aligned_alloc(ARENA_ALIGN, arena.used)};
	void *memory = arena.base;
	neuron_lay_out(cell, &arena, network->steps, network->samples);
	memset(memory, 0, arena.used);
	const struct neuron_sequence sequence = {network->steps, network->samples, network->inputs, network->outcomes,
	                                         NULL};
	neuron_set(cell, parameters);
	for (size_t b = 0; b < (size_t)network->samples; b++)
		neuron_forward(cell, &sequence, b, p);
	if (dp != NULL) {
		neuron_gradient_clear(cell);
		for (size_t b = 0; b < (size_t)network->samples; b++)
			neuron_backward(cell, &sequence, b, dp);
		memset(gradient, 0, network->n_parameters * sizeof *gradient);
		neuron_gradient_take(cell, gradient);
	}
	neuron_close(cell);
	free(memory);
}

/* Loss, p, dp and gradient by the cell; the arrays are the caller's. */
static inline double network_gradient(const struct network *network, double *p, double *dp, double *gradient)
{
	network_run(network, network->parameters, p, NULL, NULL);
	double loss = network_loss(network, p, dp, NULL);
	network_run(network, network->parameters, p, dp, gradient);
	return loss;
}

#endif
