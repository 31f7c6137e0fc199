/* The quantum cells: golden values of the published ones, finite differences. */
#include "tests/unit/nn_fixture.h"

#include "engine/nn/cell.h"

#define SEQUENCE_STEPS 4
static const double sequence[SEQUENCE_STEPS] = {.1, .2, .3, .4};

static void fill_sines(double *values, size_t n)
{
	for (size_t k = 0; k < n; k++)
		values[k] = 0.1 * sin((double)k + 1.0);
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
	struct quantum_list circuits = {0};
	struct cell cell = {.config = qlstm_layer("chen2020"), .params = &params, .circuits = &circuits, .n_in = 1};
	struct qlstm_error error = {0};
	assert_int_equal(cell_find(&cell.config, &cell.ops, &error), 0);
	assert_int_equal(cell.ops->open(&cell, "cell", &error), 0);
	assert_int_equal(params_allocate(&params, &error), 0);
	const struct plan_request wanted = planner_defaults("auto", PRECISION_FLOAT64);
	assert_int_equal(quantum_list_prepare(&circuits, &wanted, &error), 0);
	fill_sines(params.values, 144);
	double scratch[256], saved[64], h[2][3] = {{0}}, c[2][4] = {{0}}, out[4];
	struct arena arena = {.base = (char *)scratch};
	cell.ops->lay_out(&cell, &arena, SEQUENCE_STEPS, 1);
	assert_in_range(arena.used / sizeof(double), 1, 256);
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
			layer.qlstm.circuit.entangling = cases[k].entangling;
			layer.qlstm.circuit.n_qlayers = cases[k].n_qlayers;
			layer.qlstm.circuit.depth = cases[k].depth;
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

static void test_gradient_variants(void **state)
{
	(void)state;
	static const char *const variants[] = {"chen2020", "chen2024", "linear", "qdi"};
	for (size_t k = 0; k < 4; k++)
		for (int direction = 0; direction < 3; direction++) {
			struct layer_config layer = qlstm_layer(variants[k]);
			if (strcmp(variants[k], "chen2024") == 0)
				layer.qlstm.circuit.n_qubits = 5, layer.recurrent.hidden_size = 3,
				layer.qlstm.circuit.depth = 2;
			if (strcmp(variants[k], "chen2020") == 0)
				layer.recurrent.hidden_size = 2;
			layer.recurrent.inversward = direction == 1;
			layer.recurrent.bidirectional = direction == 2;
			struct model_config config = one_layer(layer, 2, 2, "batch");
			check_gradient(&config, variants[k]);
		}
	struct layer_config strong = qlstm_layer("qdi");
	strong.qlstm.circuit.entangling = ENTANGLING_STRONG, strong.qlstm.circuit.n_qlayers = 2,
	strong.qlstm.circuit.depth = 2, strong.qlstm.circuit.n_qubits = 3;
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
			layer.qlstm.circuit.n_qubits = n;
			layer.qlstm.circuit.depth = 2;
			layer.qlstm.circuit.entangling = strong ? ENTANGLING_STRONG : ENTANGLING_BASIC;
			struct model_config config = one_layer(layer, 1, 1, "auto");
			check_gradient(&config, "qdi edge");
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden_chen2020),   cmocka_unit_test(test_golden_chen2020_state),
	    cmocka_unit_test(test_golden_chen2024),   cmocka_unit_test(test_golden_hybrid),
	    cmocka_unit_test(test_gradient_variants), cmocka_unit_test(test_gradient_qdi_edges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
