/* Models: stacks, direction and batch laws, sizes, estimates, misuse. */
#include "tests/unit/nn_fixture.h"

static void test_gradient_stack(void **state)
{
	(void)state;
	struct layer_config chen = qlstm_layer("chen2020");
	chen.recurrent.hidden_size = 2;
	struct model_config stack = {.n_inputs = 2, .n_outputs = 1, .n_layers = 6, .plan = "auto"};
	stack.layers[0] = (struct layer_config){.type = "dense", .dense = {.units = 2, .bias = true}};
	stack.layers[1] = chen; /* its whole sequence of outputs is read by the next layer */
	stack.layers[2] = lstm_layer(2);
	stack.layers[2].recurrent.bidirectional = true;
	stack.layers[3] = qlstm_layer("qdi");
	stack.layers[3].recurrent.inversward = true;
	stack.layers[4] = (struct layer_config){.type = "dense", .dense = {.units = 2}};
	stack.layers[5] = (struct layer_config){.type = "dense", .dense = {.units = 1, .bias = true}};
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
		config.layers[0].recurrent.inversward = true;
		struct model *inverse = open_model(&config, steps, 1);
		config.layers[0].recurrent.inversward = false;
		config.layers[0].recurrent.bidirectional = true;
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

/* Counts of the published models. */
static void test_parameter_counts(void **state)
{
	(void)state;
	struct layer_config qdi = qlstm_layer("qdi");
	qdi.recurrent.hidden_size = 17;
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
		assert_int_equal(strcmp(model_plan_kind(model), "none") == 0, cases[k].quantum == 0);
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
	cases[1].layers[0].recurrent.inversward = cases[1].layers[0].recurrent.bidirectional = true;
	strcpy(cases[2].layers[0].type, "gnu");
	strcpy(cases[3].layers[0].qlstm.variant, "chen1999");
	strcpy(cases[4].layers[0].qlstm.circuit.ansatz, "none");
	cases[5].layers[1].dense.units = 2;
	cases[6].n_layers = 1;
	cases[7].layers[0].qlstm.circuit.n_qubits = 26;
	for (int k = 0; k < 8; k++) {
		struct model *model = NULL;
		struct qlstm_error error = {0};
		assert_true(model_new(&model, &cases[k], &error) < 0);
		assert_null(model);
		assert_string_equal(error.pointer, pointers[k]);
		assert_true(error.message[0] != '\0');
	}
}

static struct model *model_of(const struct model_config *config)
{
	struct model *model;
	struct qlstm_error error = {0};
	if (model_new(&model, config, &error) != 0)
		fail_msg("%s: %s", error.pointer, error.message);
	return model;
}

static void test_bytes(void **state)
{
	(void)state;
	struct model_config config = one_layer(qlstm_layer("qdi"), 1, 1, "auto");
	struct model *model = model_of(&config);
	assert_true(model_bytes(model, 4000, 10, 1) > model_bytes(model, 4, 10, 1));
	assert_true(model_bytes(model, 4, 10, 3) > model_bytes(model, 4, 10, 1));
	model_free(model);
	config.layers[0].qlstm.circuit.n_qubits = 20;
	strcpy(config.plan, "batch");
	model = model_of(&config);
	assert_true(model_bytes(model, 4, 10, 1) > (size_t)16
	                                               << 20); /* at least one state of 2^20 complex amplitudes */
	model_free(model);
}

static double seconds_of(const struct model_config *config, int steps, int batch)
{
	double seconds = -1.0;
	struct qlstm_error error = {0};
	struct model *model = model_of(config);
	if (model_estimate(model, steps, batch, &seconds, &error) != 0)
		fail_msg("%s: %s", error.pointer, error.message);
	model_free(model);
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
			config.layers[0].qlstm.circuit.n_qubits = n;
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
		config.layers[0].recurrent.bidirectional = true;
		assert_true(seconds_of(&config, 4, 64) > 1.2 * last);
	}
	struct model_config deep = one_layer(qlstm_layer("chen2020"), 1, 1, "local");
	deep.layers[0].qlstm.circuit.n_qubits = 25;
	deep.layers[0].qlstm.circuit.depth = 50;
	double seconds;
	struct qlstm_error error = {0};
	struct model *model = model_of(&deep);
	assert_int_equal(model_estimate(model, 4, 64, &seconds, &error), ERR_TOO_LARGE);
	model_free(model);
	assert_string_equal(error.pointer, "/layers/0");
	struct model_config classical =
	    one_layer((struct layer_config){.type = "lstm", .lstm = {{.hidden_size = 5}}}, 1, 1, "auto");
	assert_true(seconds_of(&classical, 4, 64) < seconds_of(&classical, 8, 64));
}

struct counter {
	int calls, stop_at; /* 0: never */
};

static int count_call(void *context)
{
	struct counter *counter = context;
	return ++counter->calls == counter->stop_at;
}

/* Every recurrent layer tells of every step, both ways, and stops when told to; the next pass is as if nothing was. */
static void test_watch(void **state)
{
	(void)state;
	enum { steps = 5, layers = 2 };
	struct layer_config recurrent[] = {lstm_layer(3), qlstm_layer("qdi")};
	for (size_t k = 0; k < 2; k++) {
		struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = layers + 1, .plan = "auto"};
		config.layers[0] = config.layers[1] = recurrent[k];
		config.layers[1].recurrent.inversward = true;
		config.layers[2] = (struct layer_config){.type = "dense", .dense = {.units = 1}};
		struct model *model = open_model(&config, steps, 2);
		params_initialise(model_params(model), 6);
		double x[steps * 2], y[2], again[2];
		for (int j = 0; j < steps * 2; j++)
			x[j] = cos(j);
		struct counter counter = {0};
		model_watch(model, count_call, &counter);
		model_forward(model, x, steps, 2, y);
		assert_true(counter.calls >= layers * steps);
		int forward = counter.calls;
		model_backward(model, y, NULL);
		assert_true(counter.calls - forward >= layers * steps);
		for (int stop = 1; stop <= counter.calls; stop++) {
			struct counter stopping = {.stop_at = stop};
			model_watch(model, count_call, &stopping);
			model_forward(model, x, steps, 2, again);
			assert_int_equal(model_abandoned(model), stop <= forward);
			if (!model_abandoned(model))
				model_backward(model, again, NULL);
			assert_true(model_abandoned(model));
			assert_int_equal(stopping.calls, stop);
		}
		model_watch(model, NULL, NULL);
		model_forward(model, x, steps, 2, again);
		assert_memory_equal(again, y, sizeof y);
		model_free(model);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gradient_stack),   cmocka_unit_test(test_direction),
	    cmocka_unit_test(test_batch_is_samples), cmocka_unit_test(test_parameter_counts),
	    cmocka_unit_test(test_misuse),           cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_estimate),         cmocka_unit_test(test_watch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
