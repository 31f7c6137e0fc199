/* Published recurrent cells written on a register, against their golden values: Bausch's network of quantum neurons
 * (arXiv 2006.14619: non-unitary, shared parameters, projected on a word at each step) and a hybrid network (arXiv
 * 2510.25557: unitary, each sample with its own angles). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/register_fixture.h"

/* ---- Bausch, W = 2, I = 1, S = 1, d = 2, ord = 2 ----
 *
 * Wire 0 is the in/out lane, wires 1 and 2 are the memory. A neuron is a plane on its target: for each word x of the
 * two other lanes, c = cos(eta / 2)^4 and s = sin(eta / 2)^4 with eta = pi / 2 + theta + phi_0 x_0 + phi_1 x_1 + phi_2
 * x_0 x_1, where lanes are counted memory first. Weights 0 .. 39 are the planes of five neurons, 40 and 41 the RY
 * angles. */

enum { NEURONS = 5, TIME = 3, PARAMETERS = 22, LANES = 3, RY_ANGLES = 40 };

static const struct {
	int parameters; /* the first of phi_0, phi_1, phi_2, theta */
	int target;
	uint32_t lanes; /* the source lanes */
	bool reversed;  /* the lowest wire is the last lane, so x_0 is the low bit of a word */
} neurons[NEURONS] = {{0, 1, 5, true}, {4, 2, 3, true}, {10, 1, 5, true}, {14, 2, 3, true}, {18, 0, 6, false}};

static void lanes_of(int neuron, int word, double x[3])
{
	x[0] = neurons[neuron].reversed ? word & 1 : word >> 1;
	x[1] = neurons[neuron].reversed ? word >> 1 : word & 1;
	x[2] = x[0] * x[1];
}

static double half_eta(const double *parameters, int neuron, int word)
{
	const double *phi = parameters + neurons[neuron].parameters;
	double x[3];
	lanes_of(neuron, word, x);
	return (M_PI / 2 + phi[3] + phi[0] * x[0] + phi[1] * x[1] + phi[2] * x[2]) / 2;
}

static void weights_forward(const double *parameters, double *weights)
{
	for (int i = 0; i < NEURONS; i++)
		for (int word = 0; word < 4; word++) {
			double h = half_eta(parameters, i, word);
			weights[8 * i + 2 * word] = pow(cos(h), 4);
			weights[8 * i + 2 * word + 1] = pow(sin(h), 4);
		}
	weights[RY_ANGLES] = parameters[8];
	weights[RY_ANGLES + 1] = parameters[9];
}

static void weights_backward(const double *parameters, const double *d_weights, double *d_parameters)
{
	for (int i = 0; i < NEURONS; i++)
		for (int word = 0; word < 4; word++) {
			double h = half_eta(parameters, i, word), x[3], *to = d_parameters + neurons[i].parameters;
			double d_eta = 2 * (pow(sin(h), 3) * cos(h) * d_weights[8 * i + 2 * word + 1] -
			                    pow(cos(h), 3) * sin(h) * d_weights[8 * i + 2 * word]);
			lanes_of(i, word, x);
			for (int k = 0; k < 3; k++)
				to[k] += d_eta * x[k];
			to[3] += d_eta;
		}
	d_parameters[8] += d_weights[RY_ANGLES];
	d_parameters[9] += d_weights[RY_ANGLES + 1];
}

static struct register_op neuron_op(int i)
{
	return (struct register_op){.kind = REGISTER_PLANE,
	                            .wires = {neurons[i].target},
	                            .table = {ANGLE_WEIGHT, 8 * i, neurons[i].lanes, false}};
}

/* Row 0 of the words is the step's input. */
static struct register_sequence *bausch_step(struct register_state *reg)
{
	struct register_op write = {.kind = REGISTER_FLIP, .flipped = 1};
	struct register_op ry = {.gate = GATE_RY, .wires = {1}, .angle = angle_weight(RY_ANGLES)}, ry2 = ry;
	ry2.wires[0] = 2;
	ry2.angle.index++;
	const struct register_op ops[] = {write,        neuron_op(0), neuron_op(1), ry,          ry2,
	                                  neuron_op(2), neuron_op(3), write,        neuron_op(4)};
	return prepared(reg, ops, sizeof ops / sizeof *ops);
}

static const uint32_t bausch_inputs[] = {0, 1, 1, 0}, bausch_targets[] = {0, 1, 0, 1};

/* Softmax cross entropy of the probabilities themselves, minus its best value, as its share of the loss. */
static double word_loss(const double p[2], uint32_t target, double dp[2])
{
	double sum = exp(p[0]) + exp(p[1]);
	for (uint32_t w = 0; w < 2; w++)
		dp[w] = (exp(p[w]) / sum - (w == target)) / TIME;
	return (log(sum) - p[target] - (log(1 + M_E) - 1)) / TIME;
}

/* Normalise, read, project on the target, reset the lane; dp [TIME][2]. Returns the loss. */
static double bausch_forward(struct register_state *reg, const struct register_sequence *step,
                             const struct register_sequence *erase, const double *weights, double p[TIME][2],
                             double dp[TIME][2])
{
	double loss = 0.0;
	register_reset(reg);
	for (int t = 0; t < TIME; t++) {
		struct register_inputs inputs = {NULL, weights, &bausch_inputs[t]};
		struct register_inputs word = {NULL, NULL, &bausch_targets[t + 1]};
		assert_int_equal(register_evolve(reg, step, &inputs, true, NULL), 0);
		assert_int_equal(register_project(reg, 0, NULL, true, NULL, NULL, NULL), 0);
		assert_int_equal(register_probabilities(reg, 1, p[t], NULL), 0);
		assert_int_equal(register_project(reg, 1, word.words, true, NULL, NULL, NULL), 0);
		assert_int_equal(register_evolve(reg, erase, &word, true, NULL), 0);
		loss += word_loss(p[t], bausch_targets[t + 1], dp[t]);
	}
	return loss;
}

static void bausch_backward(struct register_state *reg, const struct register_sequence *step,
                            const struct register_sequence *erase, const double *weights, double dp[TIME][2],
                            double *d_weights)
{
	struct register_gradients to = {NULL, d_weights}, none = {NULL, NULL};
	assert_int_equal(register_cotangent_clear(reg, NULL), 0);
	for (int t = TIME - 1; t >= 0; t--) {
		struct register_inputs inputs = {NULL, weights, &bausch_inputs[t]};
		struct register_inputs word = {NULL, NULL, &bausch_targets[t + 1]};
		assert_int_equal(register_evolve_backward(reg, erase, &word, &none, NULL), 0);
		assert_int_equal(register_project_backward(reg, 1, word.words, NULL, NULL), 0);
		assert_int_equal(register_probabilities_backward(reg, 1, dp[t], NULL), 0);
		assert_int_equal(register_project_backward(reg, 0, NULL, NULL, NULL), 0);
		assert_int_equal(register_evolve_backward(reg, step, &inputs, &to, NULL), 0);
	}
}

static void bausch_golden(void **state)
{
	(void)state;
	static const double probabilities[] = {0.0454097049, 0.9545902951, 0.4480995153,
	                                       0.5519004847, 0.0921526885, 0.9078473115};
	static const double gradient[PARAMETERS] = {
	    0.0735338767,  0.0776588346,  0.0735338767,  0.1599202721,  -0.1532870886, -0.239957716,
	    -0.1258487825, -0.3191495501, 0.0584758245,  -0.098087981,  0.0852374775,  0.1259290878,
	    0.058365885,   0.2073697943,  -0.1138167421, -0.1700763676, -0.053757702,  -0.1860210484,
	    0.1200752272,  -0.0883935878, -0.0332642939, 0.4909454333};
	double parameters[PARAMETERS], weights[RY_ANGLES + 2], d_weights[RY_ANGLES + 2] = {0};
	double p[TIME][2], dp[TIME][2], d_parameters[PARAMETERS] = {0};
	for (int k = 0; k < PARAMETERS; k++)
		parameters[k] = 0.3 * sin(k + 1);
	weights_forward(parameters, weights);
	struct register_op flip = {.kind = REGISTER_FLIP, .flipped = 1};
	struct register_state *reg = opened(&(struct register_shape){
	    .n_wires = LANES, .samples = 1, .gradients = true, .n_kept = TIME * (NEURONS + 2)});
	struct register_sequence *step = bausch_step(reg), *erase = prepared(reg, &flip, 1);
	double loss = bausch_forward(reg, step, erase, weights, p, dp);
	bausch_backward(reg, step, erase, weights, dp, d_weights);
	weights_backward(parameters, d_weights, d_parameters);
	double norm = 0.0;
	for (int k = 0; k < PARAMETERS; k++)
		norm += d_parameters[k] * d_parameters[k];
	assert_array("p", 0, &p[0][0], probabilities, 2 * TIME, 6e-11);
	assert_array("gradient", 0, d_parameters, gradient, PARAMETERS, 6e-11);
	assert_array("loss", 0, &loss, &(double){0.17045964107525746}, 1, 1e-14);
	assert_array("gradient norm", 0, &(double){sqrt(norm)}, &(double){0.8170087173625947}, 1, 1e-13);
	register_sequence_free(step);
	register_sequence_free(erase);
	register_close(reg);
}

/* ---- Hybrid, n = 3, K = 1, RX RY RZ on every wire and a CNOT ring, X, Y, Z of every wire ----
 *
 * Angles come from a controller: theta_t = W2 glu(W1 [z_(t-1); e_t] + b1) + b2. */

enum { M = 9, HIDDEN = 4, INPUTS = 2, U = M + INPUTS, W1 = 0, B1 = 88, W2 = 96, B2 = 132, V = 141, C = 159, P = 161 };

static const double hybrid_inputs[TIME][INPUTS] = {{0.5, -0.25}, {1.0, 0.75}, {-0.5, 0.25}};

/* What a step of the controller leaves for its gradient. */
struct controller {
	double u[U], a[2 * HIDDEN], h[HIDDEN], theta[M], z[M];
};

static double dot(const double *a, const double *b, int count)
{
	double sum = 0.0;
	for (int i = 0; i < count; i++)
		sum += a[i] * b[i];
	return sum;
}

static void controller_forward(const double *p, struct controller *at)
{
	for (int i = 0; i < 2 * HIDDEN; i++)
		at->a[i] = dot(p + W1 + U * i, at->u, U) + p[B1 + i];
	for (int i = 0; i < HIDDEN; i++)
		at->h[i] = at->a[i] / (1 + exp(-at->a[HIDDEN + i]));
	for (int i = 0; i < M; i++)
		at->theta[i] = dot(p + W2 + HIDDEN * i, at->h, HIDDEN) + p[B2 + i];
}

/* dz := the gradient of the readouts that the controller read. */
static void controller_backward(const double *p, const struct controller *at, const double *d_theta, double *d,
                                double *dz)
{
	double dh[HIDDEN] = {0}, da[2 * HIDDEN];
	for (int i = 0; i < M; i++) {
		d[B2 + i] += d_theta[i];
		for (int k = 0; k < HIDDEN; k++) {
			d[W2 + HIDDEN * i + k] += d_theta[i] * at->h[k];
			dh[k] += p[W2 + HIDDEN * i + k] * d_theta[i];
		}
	}
	for (int k = 0; k < HIDDEN; k++) {
		double gate = 1 / (1 + exp(-at->a[HIDDEN + k]));
		da[k] = dh[k] * gate;
		da[HIDDEN + k] = dh[k] * at->a[k] * gate * (1 - gate);
	}
	memset(dz, 0, M * sizeof *dz);
	for (int i = 0; i < 2 * HIDDEN; i++) {
		d[B1 + i] += da[i];
		for (int k = 0; k < U; k++)
			d[W1 + U * i + k] += da[i] * at->u[k];
		for (int k = 0; k < M; k++)
			dz[k] += p[W1 + U * i + k] * da[i];
	}
}

static void readouts(struct pauli_string strings[M])
{
	for (uint32_t w = 0; w < 3; w++) {
		strings[3 * w] = (struct pauli_string){1u << w, 0};
		strings[3 * w + 1] = (struct pauli_string){1u << w, 1u << w};
		strings[3 * w + 2] = (struct pauli_string){0, 1u << w};
	}
}

static struct register_sequence *hybrid_step(struct register_state *reg)
{
	static const enum gate turns[] = {GATE_RX, GATE_RY, GATE_RZ};
	struct register_op ops[12];
	for (int i = 0; i < 9; i++)
		ops[i] =
		    (struct register_op){.gate = turns[i % 3], .wires = {i / 3}, .angle = angle_feature(i, ENCODER_X)};
	for (int w = 0; w < 3; w++)
		ops[9 + w] = (struct register_op){.gate = GATE_CNOT, .wires = {w, (w + 1) % 3}};
	return prepared(reg, ops, 12);
}

static void hybrid_forward(struct register_state *reg, const struct register_sequence *step, const double *p,
                           struct controller at[TIME], double psi_1[16], double psi_3[16])
{
	struct pauli_string strings[M];
	double z[M];
	readouts(strings);
	register_reset(reg);
	assert_int_equal(register_expect(reg, strings, M, z, NULL), 0);
	for (int t = 0; t < TIME; t++) {
		memcpy(at[t].u, z, sizeof z);
		memcpy(at[t].u + M, hybrid_inputs[t], sizeof hybrid_inputs[t]);
		controller_forward(p, &at[t]);
		struct register_inputs inputs = {at[t].theta, NULL, NULL};
		assert_int_equal(register_evolve(reg, step, &inputs, false, NULL), 0);
		assert_int_equal(register_expect(reg, strings, M, z, NULL), 0);
		memcpy(at[t].z, z, sizeof z);
		register_store(reg, t == 0 ? psi_1 : psi_3);
	}
}

/* dz comes in as the gradient of z_3. No state is kept: the register walks back by un-application. */
static void hybrid_backward(struct register_state *reg, const struct register_sequence *step, const double *p,
                            const struct controller at[TIME], double dz[M], double d[P])
{
	struct pauli_string strings[M];
	readouts(strings);
	assert_int_equal(register_cotangent_clear(reg, NULL), 0);
	for (int t = TIME - 1; t >= 0; t--) {
		double d_theta[M] = {0};
		struct register_inputs inputs = {at[t].theta, NULL, NULL};
		struct register_gradients to = {d_theta, NULL};
		assert_int_equal(register_expect_backward(reg, strings, M, dz, NULL), 0);
		assert_int_equal(register_evolve_backward(reg, step, &inputs, &to, NULL), 0);
		controller_backward(p, &at[t], d_theta, d, dz);
	}
}

static const double hybrid_z3[M] = {-0.0415483006, -0.5711803633, 0.7059514461, 0.2549435457, -0.1793198219,
                                    0.7125061956,  0.0535433101,  0.2045436274, 0.7629927812};
static const double hybrid_theta3[M] = {0.2989799205,  0.3761895131, -0.1561198759, -0.1087915315, -0.2678990475,
                                        -0.2161742380, 0.3871316311, 0.2087312183,  0.0422085995};
static const double hybrid_psi1[16] = {0.8960921308,  0.2688440529,  0.0048613894,  0.0052137768,
                                       -0.0003053148, 0.0280016553,  0.2123466680,  -0.1078290705,
                                       -0.0099055352, 0.0284113669,  0.1553082448,  -0.1581399161,
                                       0.0008477273,  -0.0564173400, -0.1051670493, 0.0539499535};
static const double hybrid_psi3[16] = {0.6093045392, 0.6076652940,  -0.1364153808, 0.0640051630,
                                       0.1831185118, 0.0189741816,  0.2220758417,  -0.0809363121,
                                       0.1540951885, -0.2332333964, 0.1203375516,  -0.0203440187,
                                       0.1648741005, -0.0420504135, 0.0117832709,  -0.1577833180};
static const struct {
	int index;
	double value;
} hybrid_gradient[] = {{0, 0.000439641786},    {10, -0.009691632762},  {11, -0.007700873033}, {43, 0.015416784792},
                       {44, 0.000095915703},   {87, -0.006431278004},  {88, 0.060569926915},  {91, -0.061660691728},
                       {92, 0.011823668266},   {95, 0.017293830588},   {96, 0.062496373394},  {99, 0.024541040154},
                       {131, -0.001935993378}, {132, -0.023825516921}, {140, 0.055143784179}};

static void hybrid_golden(void **state)
{
	(void)state;
	double p[P], d[P] = {0}, logits[2], dz[M], psi_1[16], psi_3[16];
	struct controller at[TIME];
	for (int k = 0; k < P; k++)
		p[k] = 0.3 * sin(k + 1);
	struct register_state *reg = opened(&(struct register_shape){.n_wires = 3, .samples = 1, .gradients = true});
	struct register_sequence *step = hybrid_step(reg);
	hybrid_forward(reg, step, p, at, psi_1, psi_3);
	assert_array("theta", 3, at[2].theta, hybrid_theta3, M, 6e-11);
	assert_array("z", 3, at[2].z, hybrid_z3, M, 6e-11);
	assert_array("psi", 1, psi_1, hybrid_psi1, 16, 6e-11);
	assert_array("psi", 3, psi_3, hybrid_psi3, 16, 6e-11);
	/* Cross entropy of target 1. */
	for (int c = 0; c < 2; c++)
		logits[c] = dot(p + V + M * c, at[2].z, M) + p[C + c];
	double first = 1 / (1 + exp(logits[1] - logits[0])), loss = -log(1 - first);
	assert_array("loss", 0, &loss, &(double){0.7495138177011953}, 1, 1e-14);
	for (int k = 0; k < M; k++)
		dz[k] = first * (p[V + k] - p[V + M + k]);
	hybrid_backward(reg, step, p, at, dz, d);
	for (size_t i = 0; i < sizeof hybrid_gradient / sizeof *hybrid_gradient; i++)
		assert_array("gradient", (uint64_t)hybrid_gradient[i].index, &d[hybrid_gradient[i].index],
		             &hybrid_gradient[i].value, 1, 1e-12);
	register_sequence_free(step);
	register_close(reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bausch_golden),
	    cmocka_unit_test(hybrid_golden),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
