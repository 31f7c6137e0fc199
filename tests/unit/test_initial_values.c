/* Initial values: the distribution of every tensor of every layer, and the stream that each is drawn from. */
#include "tests/unit/nn_fixture.h"

enum distribution { UNIFORM, NORMAL, ANGLE }; /* [-s, s); s N(0, 1); [0, s) */

struct expected {
	const char *name;
	enum param_kind kind;
	enum distribution distribution;
	double scale;
	int rank;
	size_t dims[PARAM_MAX_RANK];
};

static double drawn(struct philox *rng, const struct expected *e)
{
	switch (e->distribution) {
	case UNIFORM:
		return e->scale * (2 * philox_uniform(rng) - 1);
	case ANGLE:
		return e->scale * philox_uniform(rng);
	default:
		return e->scale * philox_normal(rng);
	}
}

/* Mean and variance of what is drawn, within five standard errors. */
static void check_statistics(const double *values, size_t n, const struct expected *e)
{
	double sum = 0, squares = 0, low = values[0], high = values[0], s = e->scale;
	double mean = e->distribution == ANGLE ? s / 2 : 0;
	double variance = e->distribution == NORMAL ? s * s : e->distribution == ANGLE ? s * s / 12 : s * s / 3;
	for (size_t k = 0; k < n; k++) {
		sum += values[k];
		squares += (values[k] - mean) * (values[k] - mean);
		low = fmin(low, values[k]);
		high = fmax(high, values[k]);
	}
	assert_near(sum / (double)n, mean, 5 * sqrt(variance / (double)n));
	assert_near(squares / (double)n, variance, 5 * sqrt(2.0 / (double)n) * variance);
	if (e->distribution == NORMAL)
		return;
	assert_true(low >= (e->distribution == ANGLE ? 0 : -s) && high <= s);
	if (n >= 64)
		assert_true(high > 0.85 * s && low < (e->distribution == ANGLE ? 0.15 : -0.85) * s);
}

static void check_model(const struct model_config *config, const struct expected *expected, int count)
{
	const uint64_t seed = UINT64_C(0x700000005);
	struct model *model = open_model(config, 1, 1);
	struct params *params = model_params(model);
	size_t offset = 0;
	params_initialise(params, seed);
	assert_int_equal(params->count, count);
	for (int i = 0; i < count; i++) {
		const struct param *p = &params->items[i];
		const struct expected *e = &expected[i];
		struct philox rng;
		size_t size = 1;
		assert_string_equal(p->name, e->name);
		assert_int_equal(p->kind, e->kind);
		assert_int_equal(p->rank, e->rank);
		for (int k = 0; k < p->rank; k++) {
			assert_int_equal(p->dims[k], e->dims[k]);
			size *= e->dims[k];
		}
		assert_int_equal(p->size, size);
		assert_int_equal(p->offset, offset);
		philox_open(&rng, seed, PHILOX_INIT, (uint32_t)i);
		for (size_t k = 0; k < size; k++)
			assert_true(params->values[offset + k] == drawn(&rng, e));
		check_statistics(params->values + offset, size, e);
		offset += size;
	}
	assert_int_equal(offset, params->size);
	model_free(model);
}

#define DENSE(n_out, n_in)                                                                                             \
	{"layers.1.weight", PARAM_CLASSICAL, UNIFORM, 1 / sqrt(n_in), 2, {n_out, n_in}},                               \
	{                                                                                                              \
		"layers.1.bias", PARAM_CLASSICAL, UNIFORM, 1 / sqrt(n_in), 1,                                          \
		{                                                                                                      \
			n_out                                                                                          \
		}                                                                                                      \
	}

static void lstm(void **state)
{
	(void)state;
	struct model_config config = one_layer(lstm_layer(16), 4, 40, "auto");
	const double s = 1 / sqrt(16.0);
	const struct expected expected[] = {
	    {"layers.0.weight_ih", PARAM_CLASSICAL, UNIFORM, s, 2, {64, 4}},
	    {"layers.0.weight_hh", PARAM_CLASSICAL, UNIFORM, s, 2, {64, 16}},
	    {"layers.0.bias_ih", PARAM_CLASSICAL, UNIFORM, s, 1, {64}},
	    {"layers.0.bias_hh", PARAM_CLASSICAL, UNIFORM, s, 1, {64}},
	    DENSE(40, 16),
	};
	check_model(&config, expected, 6);
}

/* torch.nn.Linear's default bound is 1 / sqrt(inputs), not outputs: the two differ here in every tensor. */
static void linear_and_qdi(void **state)
{
	(void)state;
	struct layer_config layer = qlstm_layer("linear");
	layer.recurrent.hidden_size = 30, layer.qlstm.circuit.n_qubits = 5, layer.qlstm.circuit.depth = 3;
	struct model_config config = one_layer(layer, 6, 2, "auto");
	const double in = 1 / sqrt(36.0), out = 1 / sqrt(5.0);
	const struct expected linear[] = {
	    {"layers.0.linear_in.weight", PARAM_CLASSICAL, UNIFORM, in, 2, {5, 36}},
	    {"layers.0.linear_in.bias", PARAM_CLASSICAL, UNIFORM, in, 1, {5}},
	    {"layers.0.circuits", PARAM_QUANTUM, ANGLE, 2 * M_PI, 3, {4, 3, 5}},
	    {"layers.0.linear_out.weight", PARAM_CLASSICAL, UNIFORM, out, 2, {30, 5}},
	    {"layers.0.linear_out.bias", PARAM_CLASSICAL, UNIFORM, out, 1, {30}},
	    DENSE(2, 30),
	};
	check_model(&config, linear, 7);

	layer = qlstm_layer("qdi");
	layer.recurrent.hidden_size = 30, layer.qlstm.circuit.n_qubits = 5, layer.qlstm.circuit.depth = 3,
	layer.qlstm.circuit.n_qlayers = 2;
	config = one_layer(layer, 6, 2, "auto");
	const struct expected qdi[] = {
	    {"layers.0.linear_in.weight", PARAM_CLASSICAL, UNIFORM, in, 2, {10, 36}},
	    {"layers.0.linear_in.bias", PARAM_CLASSICAL, UNIFORM, in, 1, {10}},
	    {"layers.0.circuits", PARAM_QUANTUM, ANGLE, 2 * M_PI, 4, {4, 3, 3, 5}},
	    {"layers.0.linear_out.weight", PARAM_CLASSICAL, UNIFORM, out, 2, {30, 5}},
	    {"layers.0.linear_out.bias", PARAM_CLASSICAL, UNIFORM, out, 1, {30}},
	    DENSE(2, 30),
	};
	check_model(&config, qdi, 7);
	config.layers[0].qlstm.circuit.angle_init = ANGLE_INIT_NORMAL;
	struct expected normal[7];
	memcpy(normal, qdi, sizeof normal);
	normal[2].distribution = NORMAL;
	normal[2].scale = 0.01;
	check_model(&config, normal, 7);
}

static void chen(void **state)
{
	(void)state;
	struct model_config config = one_layer(qlstm_layer("chen2020"), 1, 1, "auto");
	const struct expected chen2020[] = {{"layers.0.circuits", PARAM_QUANTUM, NORMAL, 0.01, 4, {6, 2, 4, 3}},
	                                    DENSE(1, 4)};
	check_model(&config, chen2020, 3);
	config = one_layer(qlstm_layer("chen2024"), 1, 1, "auto");
	const struct expected chen2024[] = {{"layers.0.circuits", PARAM_QUANTUM, NORMAL, 0.01, 3, {4, 5, 6}},
	                                    DENSE(1, 5)};
	check_model(&config, chen2024, 3);
	config.layers[0].qlstm.circuit.angle_init = ANGLE_INIT_UNIFORM;
	const struct expected uniform[] = {{"layers.0.circuits", PARAM_QUANTUM, ANGLE, 2 * M_PI, 3, {4, 5, 6}},
	                                   DENSE(1, 5)};
	check_model(&config, uniform, 3);
}

/* Both directions are drawn by themselves; a head without bias has none. */
static void both_directions(void **state)
{
	(void)state;
	struct model_config config = one_layer(lstm_layer(9), 2, 3, "auto");
	config.layers[0].recurrent.bidirectional = true;
	config.layers[1].dense.bias = false;
	const double s = 1 / sqrt(9.0);
	const struct expected expected[] = {
	    {"layers.0.weight_ih", PARAM_CLASSICAL, UNIFORM, s, 2, {36, 2}},
	    {"layers.0.weight_hh", PARAM_CLASSICAL, UNIFORM, s, 2, {36, 9}},
	    {"layers.0.bias_ih", PARAM_CLASSICAL, UNIFORM, s, 1, {36}},
	    {"layers.0.bias_hh", PARAM_CLASSICAL, UNIFORM, s, 1, {36}},
	    {"layers.0.reverse.weight_ih", PARAM_CLASSICAL, UNIFORM, s, 2, {36, 2}},
	    {"layers.0.reverse.weight_hh", PARAM_CLASSICAL, UNIFORM, s, 2, {36, 9}},
	    {"layers.0.reverse.bias_ih", PARAM_CLASSICAL, UNIFORM, s, 1, {36}},
	    {"layers.0.reverse.bias_hh", PARAM_CLASSICAL, UNIFORM, s, 1, {36}},
	    {"layers.1.weight", PARAM_CLASSICAL, UNIFORM, 1 / sqrt(18.0), 2, {3, 18}},
	};
	check_model(&config, expected, 9);
}

/* Values that are another's stay that other's, however often they are shared. */
static void shared_values(void **state)
{
	(void)state;
	struct params of = {0}, first = {0};
	params_add(&of, "x", PARAM_QUANTUM, INIT_ANGLE, 1, 1, (size_t[]){5});
	params_add(&first, "x", PARAM_QUANTUM, INIT_ANGLE, 1, 1, (size_t[]){5});
	assert_true(params_allocate(&of, NULL) == 0 && params_allocate(&first, NULL) == 0);
	params_initialise(&of, 1);
	const double kept = of.values[4];
	for (int k = 0; k < 3; k++) {
		params_share_values(&first, &of);
		assert_true(first.values == of.values && first.gradients != of.gradients);
	}
	params_free(&first);
	assert_true(of.values[4] == kept && kept != 0);
	params_free(&of);
}

/* The first tensor of all belongs to a dense layer, with its bias. */
static void a_dense_layer_first(void **state)
{
	(void)state;
	struct model_config config = {.n_inputs = 4, .n_outputs = 1, .n_layers = 3, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "dense", .dense = {.units = 9, .bias = true}};
	config.layers[1] = lstm_layer(4);
	config.layers[2] = (struct layer_config){.type = "dense", .dense = {.units = 1}};
	const struct expected expected[] = {
	    {"layers.0.weight", PARAM_CLASSICAL, UNIFORM, 0.5, 2, {9, 4}},
	    {"layers.0.bias", PARAM_CLASSICAL, UNIFORM, 0.5, 1, {9}},
	    {"layers.1.weight_ih", PARAM_CLASSICAL, UNIFORM, 0.5, 2, {16, 9}},
	    {"layers.1.weight_hh", PARAM_CLASSICAL, UNIFORM, 0.5, 2, {16, 4}},
	    {"layers.1.bias_ih", PARAM_CLASSICAL, UNIFORM, 0.5, 1, {16}},
	    {"layers.1.bias_hh", PARAM_CLASSICAL, UNIFORM, 0.5, 1, {16}},
	    {"layers.2.weight", PARAM_CLASSICAL, UNIFORM, 0.5, 2, {1, 4}},
	};
	check_model(&config, expected, 7);
}

/* A tensor of more axes than there is room for is refused, and takes no place. */
static void ranks(void **state)
{
	(void)state;
	struct params params = {0};
	const size_t dims[PARAM_MAX_RANK + 1] = {1, 2, 1, 1, 1, 3, 1};
	assert_int_equal(params_add(&params, "x", PARAM_QUANTUM, INIT_ZERO, 0, PARAM_MAX_RANK + 1, dims), ERR_INTERNAL);
	assert_int_equal(params_add(&params, "x", PARAM_QUANTUM, INIT_ZERO, 0, -1, dims), ERR_INTERNAL);
	assert_true(params.count == 0 && params.size == 0);
	assert_int_equal(params_add(&params, "x", PARAM_QUANTUM, INIT_ZERO, 0, PARAM_MAX_RANK, dims), 0);
	assert_int_equal(params.size, 6);
	params_free(&params);
	assert_true(params.items == NULL && params.size == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lstm),
	    cmocka_unit_test(linear_and_qdi),
	    cmocka_unit_test(chen),
	    cmocka_unit_test(both_directions),
	    cmocka_unit_test(a_dense_layer_first),
	    cmocka_unit_test(shared_values),
	    cmocka_unit_test(ranks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
