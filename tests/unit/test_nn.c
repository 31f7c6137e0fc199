/* Cells, layers and models: golden values of the published cells, finite differences, direction and batch laws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/isa.h"
#include "engine/nn/cell.h"
#include "engine/nn/gates.h"
#include "engine/nn/linear.h"
#include "engine/nn/model.h"
#include "engine/train/philox.h"

#define SEQUENCE_STEPS 4
static const double sequence[SEQUENCE_STEPS] = {.1, .2, .3, .4};

/* The layer as the schema's defaults would give it. */
static struct layer_config qlstm_layer(const char *variant)
{
	struct layer_config layer = {.type = "qlstm", .n_qlayers = 1, .hadamard = true, .measure = PAULI_Z};
	snprintf(layer.variant, sizeof layer.variant, "%s", variant);
	if (strcmp(variant, "chen2020") == 0) {
		layer.hidden_size = 3, layer.n_qubits = 4, layer.depth = 2, layer.rotation = PAULI_Y;
	} else if (strcmp(variant, "chen2024") == 0) {
		layer.hidden_size = 5, layer.n_qubits = 6, layer.depth = 5, layer.rotation = PAULI_Y;
	} else {
		bool qdi = strcmp(variant, "qdi") == 0;
		layer.hidden_size = 3, layer.n_qubits = 4, layer.depth = 1;
		layer.rotation = qdi ? PAULI_Z : PAULI_X;
		layer.measure = qdi ? PAULI_Y : PAULI_Z;
		layer.angle_init = ANGLE_INIT_UNIFORM;
	}
	return layer;
}

static struct model_config one_layer(struct layer_config layer, int n_inputs, int n_outputs, const char *plan)
{
	struct model_config config = {.n_inputs = n_inputs, .n_outputs = n_outputs, .n_layers = 2};
	config.layers[0] = layer;
	config.layers[1] = (struct layer_config){.type = "dense", .units = n_outputs, .bias = true};
	snprintf(config.plan, sizeof config.plan, "%s", plan);
	return config;
}

static struct model *open_model(const struct model_config *config, int steps, int batch)
{
	struct model *model = NULL;
	struct qlstm_error error = {0};
	if (model_new(&model, config, &error) != 0 || model_reserve(model, steps, batch, &error) != 0)
		fail_msg("%s: %s", error.pointer, error.message);
	return model;
}

static void fill_sines(double *values, size_t n)
{
	for (size_t k = 0; k < n; k++)
		values[k] = 0.1 * sin((double)k + 1.0);
}

static double *tensor(struct model *model, const char *name, size_t size)
{
	struct params *params = model_params(model);
	const struct param *param = params_find(params, name);
	assert_non_null(param);
	assert_int_equal(param->size, size);
	return params->values + param->offset;
}

static void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.15g is not %.15g within %g", value, expected, tolerance);
}

static const char *const plans[] = {"reference", "batch"};

/* G3: chen2020, 149 parameters; values and gradients. */
static void test_golden_chen2020(void **state)
{
	(void)state;
	static const double dx[SEQUENCE_STEPS] = {0.001264361836, 0.002511349951, 0.004866938583, 0.006201687414};
	static const double sum[6] = {-0.0008621955, -0.0032748981, 0.0330530165,
	                              -0.0035901817, -0.0021876160, -1.0076194399};
	static const double norm[6] = {0.0012063089, 0.0036546775, 0.0268672682,
	                               0.0036084777, 0.0016232386, 0.5401254393};
	for (size_t p = 0; p < 2; p++) {
		struct model_config config = one_layer(qlstm_layer("chen2020"), 1, 1, plans[p]);
		struct model *model = open_model(&config, SEQUENCE_STEPS, 1);
		assert_int_equal(params_count(model_params(model), PARAM_QUANTUM), 144);
		assert_int_equal(params_count(model_params(model), PARAM_CLASSICAL), 5);
		fill_sines(tensor(model, "layers.0.circuits", 144), 144);
		memcpy(tensor(model, "layers.1.weight", 4), (double[]){.1, .2, .3, .4}, 4 * sizeof(double));
		*tensor(model, "layers.1.bias", 1) = .5;

		static const double y_of[SEQUENCE_STEPS] = {0.517698522426, 0.520069338116, 0.522376132772,
		                                            0.524129187489};
		double y, dx_model[SEQUENCE_STEPS];
		for (int steps = 1; steps <= SEQUENCE_STEPS; steps++) {
			model_forward(model, sequence, steps, 1, &y);
			assert_near(y, y_of[steps - 1], 1e-12);
		}
		params_zero_gradients(model_params(model));
		model_backward(model, &(double){1.0}, dx_model);
		for (int t = 0; t < SEQUENCE_STEPS; t++)
			assert_near(dx_model[t], dx[t], 1e-12);
		double total = 0.0;
		for (size_t k = 0; k < 6; k++) {
			double s = 0.0, squares = 0.0;
			for (size_t j = 0; j < 24; j++) {
				double g = model_params(model)->gradients[k * 24 + j];
				s += g;
				squares += g * g;
			}
			total += squares;
			assert_near(s, sum[k], 1e-10);
			assert_near(sqrt(squares), norm[k], 1e-10);
		}
		assert_near(sqrt(total), 0.5408214198, 1e-10);
		model_free(model);
	}
}

/* G3's c_4 and h_4: h of the last step is not needed by the model, so the cell is driven by hand. */
static void test_golden_chen2020_state(void **state)
{
	(void)state;
	static const double c_4[4] = {-0.160700920443, -0.058730962497, 0.079104339564, -0.090520727087};
	static const double h_4[3] = {0.073861619406, 0.005644828440, -0.024381956992};
	struct params params = {0};
	struct cell cell = {.config = qlstm_layer("chen2020"), .params = &params, .n_in = 1};
	struct qlstm_error error = {0};
	assert_int_equal(cell_find(&cell.config, &cell.ops, &error), 0);
	assert_int_equal(cell.ops->open(&cell, "cell", &error), 0);
	assert_int_equal(params_allocate(&params, &error), 0);
	assert_int_equal(cell.ops->prepare(&cell, "auto", &error), 0);
	fill_sines(params.values, 144);
	double scratch[256], saved[64], h[2][3] = {{0}}, c[2][4] = {{0}}, out[4];
	struct block block = {.base = scratch};
	cell.ops->deal(&cell, &block, 1);
	assert_in_range(block.used, 1, 256);
	assert_in_range(cell.n_saved, 1, 64);
	for (int t = 0; t < SEQUENCE_STEPS; t++) {
		struct cell_step step = {.batch = 1,
		                         .x = &sequence[t],
		                         .h_prev = h[t % 2],
		                         .c_prev = c[t % 2],
		                         .h = h[(t + 1) % 2],
		                         .c = c[(t + 1) % 2],
		                         .out = out,
		                         .saved = saved};
		cell.ops->forward(&cell, &step);
	}
	for (int k = 0; k < 4; k++)
		assert_near(c[0][k], c_4[k], 1e-12);
	for (int k = 0; k < 3; k++)
		assert_near(h[0][k], h_4[k], 1e-12);
	cell.ops->close(&cell);
	params_free(&params);
}

/* G6: chen2024, D=1 H=5 n=6 L=5. */
static void test_golden_chen2024(void **state)
{
	(void)state;
	static const double h_4[5] = {-0.002673012666, 0.106707218260, 0.035165715212, -0.045321196768,
	                              -0.031736507877};
	for (size_t p = 0; p < 2; p++) {
		struct model_config config = one_layer(qlstm_layer("chen2024"), 1, 1, plans[p]);
		struct model *model = open_model(&config, SEQUENCE_STEPS, 1);
		fill_sines(tensor(model, "layers.0.circuits", 120), 120);
		memcpy(tensor(model, "layers.1.weight", 5), (double[]){.1, .2, .3, .4, .5}, 5 * sizeof(double));
		*tensor(model, "layers.1.bias", 1) = .5;
		double y;
		model_forward(model, sequence, SEQUENCE_STEPS, 1, &y);
		assert_near(y, 0.497627124303, 1e-12);
		int width;
		const double *h = model_hidden(model, &width);
		assert_int_equal(width, 5);
		for (int k = 0; k < 5; k++)
			assert_near(h[k], h_4[k], 1e-12);
		model_free(model);
	}
}

/* G8: hybrid cells, D=1 H=3 n=4, all parameters in one flat order. */
static void test_golden_hybrid(void **state)
{
	(void)state;
	static const struct {
		const char *variant;
		enum entangling entangling;
		int n_qlayers, depth;
		size_t parameters;
		double h_4[3];
	} cases[] = {
	    {"linear", ENTANGLING_BASIC, 1, 1, 51, {0.017666989444, -0.071078923184, 0.102195393660}},
	    {"qdi", ENTANGLING_BASIC, 1, 1, 67, {0.043137567138, -0.001272032793, -0.035438408582}},
	    {"qdi", ENTANGLING_STRONG, 2, 2, 343, {0.052058043683, 0.020837041947, -0.022817230252}},
	};
	for (size_t k = 0; k < 3; k++)
		for (size_t p = 0; p < 2; p++) {
			struct layer_config layer = qlstm_layer(cases[k].variant);
			layer.entangling = cases[k].entangling;
			layer.n_qlayers = cases[k].n_qlayers;
			layer.depth = cases[k].depth;
			struct model_config config = one_layer(layer, 1, 1, plans[p]);
			struct model *model = open_model(&config, SEQUENCE_STEPS, 1);
			assert_int_equal(model_params(model)->size, cases[k].parameters + 4);
			fill_sines(model_params(model)->values, cases[k].parameters);
			double y;
			int width;
			model_forward(model, sequence, SEQUENCE_STEPS, 1, &y);
			const double *h = model_hidden(model, &width);
			for (int j = 0; j < 3; j++)
				assert_near(h[j], cases[k].h_4[j], 1e-12);
			model_free(model);
		}
}

static double weighted_output(struct model *model, const double *x, int steps, int batch, const double *u)
{
	double y[64], sum = 0.0;
	int n = model_config(model)->n_outputs * batch;
	assert_in_range(n, 1, 64);
	model_forward(model, x, steps, batch, y);
	for (int k = 0; k < n; k++)
		sum += u[k] * y[k];
	return sum;
}

/* d(u . y) against central differences, for every parameter and every input. */
static void check_gradient(const struct model_config *config, const char *what)
{
	enum { steps = 3, batch = 3 };
	struct model *model = open_model(config, steps, batch);
	struct params *params = model_params(model);
	params_initialise(params, 7);
	struct philox rng;
	philox_open(&rng, 11, PHILOX_TEST, 0);
	size_t n_x = (size_t)(steps * config->n_inputs * batch), n_u = (size_t)(config->n_outputs * batch);
	double x[64], dx[64], u[64];
	assert_in_range(n_x, 1, 64);
	for (size_t k = 0; k < n_x; k++)
		x[k] = philox_normal(&rng);
	for (size_t k = 0; k < n_u; k++)
		u[k] = philox_normal(&rng);
	for (size_t k = 0; k < params->size; k++)
		params->values[k] += 0.3 * philox_normal(&rng);
	weighted_output(model, x, steps, batch, u);
	params_zero_gradients(params);
	model_backward(model, u, dx);
	const double e = 1e-5;
	for (size_t k = 0; k < params->size + n_x; k++) {
		double *at = k < params->size ? &params->values[k] : &x[k - params->size];
		double given = k < params->size ? params->gradients[k] : dx[k - params->size], kept = *at;
		*at = kept + e;
		double up = weighted_output(model, x, steps, batch, u);
		*at = kept - e;
		double down = weighted_output(model, x, steps, batch, u);
		*at = kept;
		double numeric = (up - down) / (2.0 * e);
		if (!(fabs(given - numeric) <= 1e-8 * (1.0 + fabs(numeric))))
			fail_msg("%s: value %zu: gradient %.12g, differences %.12g", what, k, given, numeric);
	}
	model_free(model);
}

static struct layer_config lstm_layer(int hidden)
{
	return (struct layer_config){.type = "lstm", .hidden_size = hidden};
}

static void test_gradient_variants(void **state)
{
	(void)state;
	static const char *const variants[] = {"chen2020", "chen2024", "linear", "qdi"};
	for (size_t k = 0; k < 4; k++)
		for (int direction = 0; direction < 3; direction++) {
			struct layer_config layer = qlstm_layer(variants[k]);
			if (strcmp(variants[k], "chen2024") == 0)
				layer.n_qubits = 5, layer.hidden_size = 3, layer.depth = 2;
			if (strcmp(variants[k], "chen2020") == 0)
				layer.hidden_size = 2;
			layer.inversward = direction == 1;
			layer.bidirectional = direction == 2;
			struct model_config config = one_layer(layer, 2, 2, "batch");
			check_gradient(&config, variants[k]);
		}
	struct layer_config strong = qlstm_layer("qdi");
	strong.entangling = ENTANGLING_STRONG, strong.n_qlayers = 2, strong.depth = 2, strong.n_qubits = 3;
	struct model_config config = one_layer(strong, 1, 1, "batch");
	check_gradient(&config, "qdi strong");
	config = one_layer(qlstm_layer("linear"), 1, 1, "reference");
	check_gradient(&config, "linear on the reference plan");
}

/* QDI's edge cases n = 1, 2, 3, basic and strong. */
static void test_gradient_qdi_edges(void **state)
{
	(void)state;
	for (int n = 1; n <= 3; n++)
		for (int strong = 0; strong < 2; strong++) {
			struct layer_config layer = qlstm_layer("qdi");
			layer.n_qubits = n;
			layer.depth = 2;
			layer.entangling = strong ? ENTANGLING_STRONG : ENTANGLING_BASIC;
			struct model_config config = one_layer(layer, 1, 1, "auto");
			check_gradient(&config, "qdi edge");
		}
}

static void test_gradient_lstm_and_stacks(void **state)
{
	(void)state;
	struct layer_config lstm = lstm_layer(3);
	for (int direction = 0; direction < 3; direction++) {
		lstm.inversward = direction == 1;
		lstm.bidirectional = direction == 2;
		struct model_config config = one_layer(lstm, 2, 1, "auto");
		check_gradient(&config, "lstm");
	}
	struct layer_config chen = qlstm_layer("chen2020");
	chen.hidden_size = 2;
	struct model_config stack = {.n_inputs = 2, .n_outputs = 1, .n_layers = 6, .plan = "auto"};
	stack.layers[0] = (struct layer_config){.type = "dense", .units = 2, .bias = true};
	stack.layers[1] = chen; /* its whole sequence of outputs is read by the next layer */
	stack.layers[2] = lstm_layer(2);
	stack.layers[2].bidirectional = true;
	stack.layers[3] = qlstm_layer("qdi");
	stack.layers[3].inversward = true;
	stack.layers[4] = (struct layer_config){.type = "dense", .units = 2};
	stack.layers[5] = (struct layer_config){.type = "dense", .units = 1, .bias = true};
	check_gradient(&stack, "stack");
}

/* inversward(x) = forward(reverse(x)) at equal weights; a bidirectional layer is both. */
static void test_direction(void **state)
{
	(void)state;
	enum { steps = 5 };
	double x[steps] = {.3, -.2, .5, .9, -.4}, reversed[steps], y_inverse, y_reversed, y_forward;
	for (int t = 0; t < steps; t++)
		reversed[t] = x[steps - 1 - t];
	struct layer_config layers[] = {qlstm_layer("chen2020"), qlstm_layer("qdi"), lstm_layer(3)};
	for (size_t k = 0; k < 3; k++) {
		struct model_config config = one_layer(layers[k], 1, 1, "auto");
		struct model *forward = open_model(&config, steps, 1);
		config.layers[0].inversward = true;
		struct model *inverse = open_model(&config, steps, 1);
		config.layers[0].inversward = false;
		config.layers[0].bidirectional = true;
		struct model *both = open_model(&config, steps, 1);
		params_initialise(model_params(forward), 3);
		struct params *p = model_params(forward);
		memcpy(model_params(inverse)->values, p->values, p->size * sizeof(double));
		model_forward(forward, reversed, steps, 1, &y_reversed);
		model_forward(inverse, x, steps, 1, &y_inverse);
		assert_true(y_inverse == y_reversed);
		model_forward(forward, x, steps, 1, &y_forward);
		assert_true(y_forward != y_reversed);

		size_t recurrent = p->items[p->count - 2].offset;
		struct params *b = model_params(both);
		memcpy(b->values, p->values, recurrent * sizeof(double));
		memcpy(b->values + recurrent, p->values, recurrent * sizeof(double));
		int width, single;
		double unused, kept[16];
		const double *h = model_hidden(forward, &single);
		memcpy(kept, h, (size_t)single * sizeof(double));
		model_forward(both, x, steps, 1, &unused);
		h = model_hidden(both, &width);
		assert_int_equal(width, 2 * single);
		assert_memory_equal(h, kept, (size_t)single * sizeof(double));
		model_forward(inverse, x, steps, 1, &unused);
		assert_memory_equal(h + single, model_hidden(inverse, &single), (size_t)single * sizeof(double));
		assert_non_null(params_find(b, k == 2 ? "layers.0.reverse.weight_hh" : "layers.0.reverse.circuits"));
		model_free(forward);
		model_free(inverse);
		model_free(both);
	}
}

/* A batch is its samples, one by one, bit for bit. */
static void test_batch_is_samples(void **state)
{
	(void)state;
	enum { steps = 3, batch = 11 };
	struct layer_config layers[] = {qlstm_layer("chen2020"), qlstm_layer("chen2024"), qlstm_layer("linear"),
	                                qlstm_layer("qdi"), lstm_layer(4)};
	for (size_t k = 0; k < sizeof layers / sizeof layers[0]; k++) {
		struct model_config config = one_layer(layers[k], 1, 1, "auto");
		struct model *model = open_model(&config, steps, batch);
		params_initialise(model_params(model), 5);
		double x[steps * batch], y[batch];
		for (size_t j = 0; j < steps * batch; j++)
			x[j] = sin(0.7 * (double)j);
		model_forward(model, x, steps, batch, y);
		for (int b = 0; b < batch; b++) {
			double one[steps], y_one;
			for (int t = 0; t < steps; t++)
				one[t] = x[t * batch + b];
			model_forward(model, one, steps, 1, &y_one);
			assert_true(y_one == y[b]);
		}
		model_free(model);
	}
}

static double ulps(double found, double wanted)
{
	return fabs(found - wanted) / (nextafter(fabs(wanted), INFINITY) - fabs(wanted));
}

/* sigmoid and tanh within 4 units in the last place, c and m as the equations say, in every position of an array. */
static void check_gates(void)
{
	enum { N = 4001 };
	static double block[GATES_ARRAYS * N], c_prev[N], c[N], m[N];
	struct gates gates = gates_at(block, N);
	double x[N];
	for (int k = 0; k < N; k++) {
		x[k] = (k % 2 == 0 ? 1 : -1) * exp(-40.0 + 46.5 * k / N);
		gates.f[k] = gates.i[k] = gates.g[k] = gates.o[k] = x[k];
		c_prev[k] = sin(k);
	}
	gates_forward(&gates, c_prev, N, c, m);
	for (int k = 0; k < N; k++) {
		double s = 1.0 / (1.0 + exp(-x[k])), t = tanh(x[k]);
		assert_true(ulps(gates.f[k], s) <= 4 && ulps(gates.g[k], t) <= 4);
		assert_true(gates.i[k] == gates.f[k] && gates.o[k] == gates.f[k]);
		assert_near(c[k], s * c_prev[k] + s * t, 1e-15);
		assert_near(m[k], s * tanh(c[k]), 1e-15);
	}
	double edge[] = {NAN, 1e300, -1e300, -0.0, INFINITY};
	double five[GATES_ARRAYS * 5], zero[5] = {0};
	gates = gates_at(five, 5);
	for (int k = 0; k < 5; k++)
		gates.f[k] = gates.i[k] = gates.g[k] = gates.o[k] = edge[k];
	gates_forward(&gates, zero, 5, c, m);
	assert_true(isnan(gates.g[0]) && isnan(gates.f[0]));
	assert_true(gates.g[1] == 1 && gates.g[2] == -1 && signbit(gates.g[3]) && gates.g[4] == 1);
	assert_true(gates.f[1] == 1 && gates.f[2] >= 0 && gates.f[2] < 1e-300 && gates.f[3] == 0.5 && gates.f[4] == 1);
}

static void check_linear(int n_in, int n_out, int batch)
{
	double w[8 * 8], b[8], x[8 * 20], y[8 * 20], dy[8 * 20], dw[8 * 8] = {0}, db[8] = {0}, dx[8 * 20] = {0};
	struct linear linear = {n_in, n_out, w, b, dw, db};
	for (int k = 0; k < 64; k++)
		w[k] = sin(k), b[k % 8] = cos(k);
	for (int k = 0; k < 160; k++)
		x[k] = sin(0.3 * k), dy[k] = cos(0.7 * k);
	linear_forward(&linear, x, batch, y);
	linear_backward(&linear, x, dy, batch, dx);
	for (int o = 0; o < n_out; o++) {
		double sum = 0;
		for (int s = 0; s < batch; s++) {
			double value = b[o];
			for (int k = 0; k < n_in; k++)
				value += w[o * n_in + k] * x[k * batch + s];
			assert_near(y[o * batch + s], value, 1e-14);
			sum += dy[o * batch + s];
		}
		assert_near(db[o], sum, 1e-13);
	}
	for (int k = 0; k < n_in; k++)
		for (int s = 0; s < batch; s++) {
			for (int o = 0; o < n_out; o++) {
				dx[k * batch + s] -= w[o * n_in + k] * dy[o * batch + s];
				dw[o * n_in + k] -= x[k * batch + s] * dy[o * batch + s];
			}
			assert_near(dx[k * batch + s], 0, 1e-13);
		}
	for (int k = 0; k < n_in * n_out; k++)
		assert_near(dw[k], 0, 1e-13);
}

/* On every instruction set that this processor has. */
static void test_kernels(void **state)
{
	(void)state;
	const struct isa *chosen = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		isa_force(isa_at(i));
		check_gates();
		for (int batch = 1; batch <= 20; batch++)
			for (int n = 1; n <= 8; n++)
				check_linear(n, 9 - n, batch);
	}
	isa_force(chosen);
}

/* The LSTM against its equations written for one sample and one hidden unit at a time. */
static void test_lstm_equations(void **state)
{
	(void)state;
	enum { H = 3, D = 2, steps = 4 };
	struct model_config config = one_layer(lstm_layer(H), D, 1, "auto");
	struct model *model = open_model(&config, steps, 1);
	params_initialise(model_params(model), 9);
	const double *wi = tensor(model, "layers.0.weight_ih", 4 * H * D),
	             *wh = tensor(model, "layers.0.weight_hh", 4 * H * H);
	const double *bi = tensor(model, "layers.0.bias_ih", 4 * H), *bh = tensor(model, "layers.0.bias_hh", 4 * H);
	double x[steps][D] = {{.1, .5}, {-.3, .2}, {.8, -.6}, {.4, .9}}, h[H] = {0}, c[H] = {0};
	for (int t = 0; t < steps; t++) {
		double pre[4][H];
		for (int g = 0; g < 4; g++)
			for (int j = 0; j < H; j++) {
				int row = g * H + j;
				pre[g][j] = bi[row] + bh[row];
				for (int k = 0; k < D; k++)
					pre[g][j] += wi[row * D + k] * x[t][k];
				for (int k = 0; k < H; k++)
					pre[g][j] += wh[row * H + k] * h[k];
			}
		for (int j = 0; j < H; j++) {
			double i = 1 / (1 + exp(-pre[0][j])), f = 1 / (1 + exp(-pre[1][j]));
			double g = tanh(pre[2][j]), o = 1 / (1 + exp(-pre[3][j]));
			c[j] = f * c[j] + i * g;
			h[j] = o * tanh(c[j]);
		}
	}
	double y;
	int width;
	model_forward(model, &x[0][0], steps, 1, &y);
	const double *given = model_hidden(model, &width);
	for (int j = 0; j < H; j++)
		assert_near(given[j], h[j], 1e-14);
	model_free(model);
}

/* Counts of the published models. */
static void test_parameter_counts(void **state)
{
	(void)state;
	struct layer_config qdi = qlstm_layer("qdi");
	qdi.hidden_size = 17;
	const struct {
		struct layer_config layer;
		size_t quantum, classical;
	} cases[] = {
	    {qlstm_layer("chen2020"), 144, 5},
	    {qlstm_layer("chen2024"), 120, 6},
	    {lstm_layer(5), 0, 166},
	    {qdi, 32, 76 + 85 + 18},
	};
	for (size_t k = 0; k < 4; k++) {
		struct model_config config = one_layer(cases[k].layer, 1, 1, "auto");
		struct model *model = open_model(&config, 4, 1);
		assert_int_equal(strcmp(model_plan(model), "none") == 0, cases[k].quantum == 0);
		assert_int_equal(params_count(model_params(model), PARAM_QUANTUM), cases[k].quantum);
		assert_int_equal(params_count(model_params(model), PARAM_CLASSICAL), cases[k].classical);
		model_free(model);
	}
}

static void test_misuse(void **state)
{
	(void)state;
	struct model_config good = one_layer(qlstm_layer("chen2020"), 1, 1, "auto");
	struct model_config cases[8];
	const char *pointers[8] = {
	    "/layers/0/n_qubits", "/layers/0/bidirectional", "/layers/0/type", "/layers/0/variant",
	    "/layers/0/ansatz",   "/layers/1/units",         "/layers",        "/layers/0/n_qubits"};
	for (int k = 0; k < 8; k++)
		cases[k] = good;
	cases[0].n_inputs = 2;
	cases[1].layers[0].inversward = cases[1].layers[0].bidirectional = true;
	strcpy(cases[2].layers[0].type, "gru");
	strcpy(cases[3].layers[0].variant, "chen1999");
	strcpy(cases[4].layers[0].ansatz, "none");
	cases[5].layers[1].units = 2;
	cases[6].n_layers = 1;
	cases[7].layers[0].n_qubits = 26;
	for (int k = 0; k < 8; k++) {
		struct model *model = NULL;
		struct qlstm_error error = {0};
		assert_true(model_new(&model, &cases[k], &error) < 0);
		assert_null(model);
		assert_string_equal(error.pointer, pointers[k]);
		assert_true(error.message[0] != '\0');
	}
}

static void test_bytes(void **state)
{
	(void)state;
	struct model_config config = one_layer(qlstm_layer("qdi"), 1, 1, "auto");
	size_t small, longer, wider;
	struct qlstm_error error = {0};
	assert_int_equal(model_bytes(&config, 4, 10, &small, &error), 0);
	assert_int_equal(model_bytes(&config, 4000, 10, &longer, &error), 0);
	config.layers[0].n_qubits = 20;
	strcpy(config.plan, "batch");
	assert_int_equal(model_bytes(&config, 4, 10, &wider, &error), 0);
	assert_true(longer > small);
	assert_true(wider > (size_t)16 << 20); /* at least one state of 2^20 complex amplitudes */
}

static double seconds_of(const struct model_config *config, int steps, int batch)
{
	double seconds = -1.0;
	struct qlstm_error error = {0};
	if (model_estimate(config, steps, batch, &seconds, &error) != 0)
		fail_msg("%s: %s", error.pointer, error.message);
	assert_true(seconds > 0.0);
	return seconds;
}

static void test_estimate(void **state)
{
	(void)state;
	static const char *const variants[] = {"chen2020", "chen2024", "linear", "qdi"};
	for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
		struct model_config config = one_layer(qlstm_layer(variants[v]), 1, 1, "auto");
		double last = 0.0;
		/* A statevector doubles with every wire; what "auto" finds may not, and costs no more. */
		for (int n = 6; n <= 12; n += 2) {
			config.layers[0].n_qubits = n;
			strcpy(config.plan, "batch");
			double seconds = seconds_of(&config, 4, 64);
			assert_true(seconds > last);
			last = seconds;
			strcpy(config.plan, "auto");
			seconds = seconds_of(&config, 4, 64);
			assert_true(seconds <= last);
			assert_true(seconds_of(&config, 8, 64) > 1.5 * seconds);
			assert_true(seconds_of(&config, 4, 256) > 2.0 * seconds);
		}
		last = seconds_of(&config, 4, 64);
		config.layers[0].bidirectional = true;
		assert_true(seconds_of(&config, 4, 64) > 1.2 * last);
	}
	struct model_config deep = one_layer(qlstm_layer("chen2020"), 1, 1, "local");
	deep.layers[0].n_qubits = 25;
	deep.layers[0].depth = 50;
	double seconds;
	struct qlstm_error error = {0};
	assert_int_equal(model_estimate(&deep, 4, 64, &seconds, &error), ERR_TOO_LARGE);
	assert_string_equal(error.pointer, "/layers/0");
	struct model_config classical =
	    one_layer((struct layer_config){.type = "lstm", .hidden_size = 5}, 1, 1, "auto");
	assert_true(seconds_of(&classical, 4, 64) < seconds_of(&classical, 8, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden_chen2020),
	    cmocka_unit_test(test_golden_chen2020_state),
	    cmocka_unit_test(test_golden_chen2024),
	    cmocka_unit_test(test_golden_hybrid),
	    cmocka_unit_test(test_gradient_variants),
	    cmocka_unit_test(test_gradient_qdi_edges),
	    cmocka_unit_test(test_gradient_lstm_and_stacks),
	    cmocka_unit_test(test_direction),
	    cmocka_unit_test(test_batch_is_samples),
	    cmocka_unit_test(test_kernels),
	    cmocka_unit_test(test_lstm_equations),
	    cmocka_unit_test(test_parameter_counts),
	    cmocka_unit_test(test_misuse),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_estimate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
