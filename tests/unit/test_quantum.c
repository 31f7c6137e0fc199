/* Quantum blocks, and the layers made of them beside the quantum LSTM: `quantum` and `qgru`. */
#include "tests/unit/nn_fixture.h"

#include "engine/nn/layer.h"

enum { STEPS = 3, BATCH = 3, MOST = 5 };

static struct layer_config dense_layer(int units)
{
	return (struct layer_config){.type = "dense", .dense = {.units = units, .bias = true}};
}

/* Two sets of angles that start in the middle of a tensor: what a plan says of each set by itself. */
static void test_block(void **state)
{
	(void)state;
	struct params params = {0};
	struct quantum_list list = {0};
	struct quantum_block first, second;
	struct qlstm_error error = {0};
	struct quantum_design design = {"gates",
	                                QUANTUM_EVERY_STEP,
	                                1,
	                                ansatz_find("strong"),
	                                {.n_wires = 3, .n_blocks = 1, .depth = 2, .measure = PAULI_Z}};
	assert_int_equal(quantum_block_open(&first, &design, &list, &error), 0);
	design.role = "others";
	design.calls = QUANTUM_BETWEEN_STEPS;
	design.sets = 2;
	assert_int_equal(quantum_block_open(&second, &design, &list, &error), 0);
	int tensor = quantum_angles_add(&params, "layer", &design, 3, ANGLE_INIT_UNIFORM);
	quantum_block_bind(&first, &params, tensor, 0);
	quantum_block_bind(&second, &params, tensor, 1);
	assert_int_equal(params_allocate(&params, &error), 0);
	params_initialise(&params, 1);
	assert_string_equal(params.items[tensor].name, "layer.circuits");
	assert_int_equal(params.items[tensor].size, 3 * 2 * 3 * 3);

	assert_ptr_equal(quantum_list_find(&list, "gates"), &first);
	assert_ptr_equal(quantum_list_find(&list, "others"), &second);
	assert_null(quantum_list_find(&list, "none"));
	assert_true(quantum_block_evaluations(&first, 5, 1) == 5.0);
	assert_true(quantum_block_evaluations(&second, 5, 1) == 8.0);
	const struct plan_request request = planner_defaults("reference", PRECISION_FLOAT64);
	assert_string_equal(quantum_block_estimate(&first, &request)->kind, "reference");
	assert_int_equal(quantum_list_prepare(&list, &request, &error), 0);

	double x[3 * BATCH], both[2 * 3 * BATCH], one[3 * BATCH], d_x[3 * BATCH] = {0}, d_one[3 * BATCH] = {0};
	double d_angles[2 * 18] = {0};
	for (int k = 0; k < 3 * BATCH; k++)
		x[k] = sin(k + 1.0);
	quantum_block_forward(&second, 0, x, BATCH, both);
	for (size_t set = 0; set < 2; set++) {
		const double *angles = params.values + (set + 1) * 18;
		plan_forward(second.plan, x, angles, BATCH, one);
		assert_memory_equal(one, both + set * 3 * BATCH, sizeof one);
		plan_backward(second.plan, x, angles, BATCH, both + set * 3 * BATCH, d_one, d_angles + set * 18);
	}
	quantum_block_backward(&second, 0, x, BATCH, both, d_x);
	for (int k = 0; k < 3 * BATCH; k++)
		assert_near(d_x[k], d_one[k], 1e-14);
	for (int k = 0; k < 3 * 18; k++)
		assert_near(params.gradients[k], k < 18 ? 0.0 : d_angles[k - 18], 1e-14);
	quantum_block_close(&first);
	quantum_block_close(&second);
	params_free(&params);
}

/* On one wire `basic` about X is one rotation: <Z> = cos(encoder(x) + w). */
static void test_layer_of_one_wire(void **state)
{
	(void)state;
	for (int encoder = 0; encoder < ENCODER_COUNT; encoder++) {
		struct layer_config layer = quantum_layer("basic", 1);
		layer.quantum.circuit.rotation = PAULI_X;
		layer.quantum.encoder = (enum encoder)encoder;
		struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = 3, .plan = "auto"};
		config.output = MODEL_OUTPUT_SEQUENCE;
		config.layers[0] = layer;
		config.layers[1] = lstm_layer(1); /* a model has a recurrent layer; it is not looked at */
		config.layers[2] = dense_layer(1);
		struct model *model = open_model(&config, STEPS, 1);
		*tensor(model, "layers.0.circuits", 1) = 0.7;
		const double x[STEPS] = {-0.9, 0.2, 0.6};
		/* Through the head only: the LSTM's input weights are one, so that its pre-activations are the layer's.
		 */
		double *ih = tensor(model, "layers.1.weight_ih", 4), y[STEPS];
		ih[2] = 1.0; /* rows i, f, g, o: the candidate */
		double *bias = tensor(model, "layers.1.bias_ih", 4);
		bias[0] = bias[3] = 40.0; /* i = o = 1 */
		bias[1] = -40.0;          /* f = 0 */
		*tensor(model, "layers.2.weight", 1) = 1.0;
		model_forward(model, x, STEPS, 1, y);
		for (int t = 0; t < STEPS; t++)
			assert_near(y[t], tanh(tanh(cos(encoder_angle((enum encoder)encoder, x[t]) + 0.7))), 1e-14);
		model_free(model);
	}
}

/* What `even` and `single` measure are some of the values of `all`. */
static void test_measurements(void **state)
{
	(void)state;
	for (int n = 1; n <= MOST; n++) {
		double all[MOST];
		for (int m = MEASUREMENT_ALL; m <= MEASUREMENT_SINGLE; m++) {
			struct layer_config layer = quantum_layer("strong", n);
			layer.quantum.measurement = (enum measurement)m;
			struct shape out;
			const struct shape in = {SHAPE_REALS, SHAPE_VECTOR, n};
			assert_int_equal(quantum_ops.check(&layer, in, &out, NULL), 0);
			const int widths[] = {n, (n + 1) / 2, 1};
			assert_int_equal(out.width, widths[m]);
			assert_int_equal(out.form, SHAPE_VECTOR);

			struct params params = {0};
			struct watch watch = {0};
			struct qlstm_error error = {0};
			struct layer at = {.ops = &quantum_ops,
			                   .config = layer,
			                   .params = &params,
			                   .name = "it",
			                   .in = in,
			                   .out = out,
			                   .watch = &watch};
			assert_int_equal(quantum_ops.open(&at, &error), 0);
			assert_int_equal(params_allocate(&params, &error), 0);
			params_initialise(&params, 9);
			const struct plan_request request = planner_defaults("auto", PRECISION_FLOAT64);
			assert_int_equal(quantum_list_prepare(&at.circuits, &request, &error), 0);
			const double x[MOST] = {0.3, -1.2, 0.8, 2.1, -0.4};
			double y[MOST];
			quantum_ops.forward(&at, NULL, x, 1, 1, m == MEASUREMENT_ALL ? all : y);
			for (int o = 0; m != MEASUREMENT_ALL && o < out.width; o++)
				assert_near(y[o], all[2 * o], 1e-14);
			quantum_ops.close(&at);
			params_free(&params);
		}
	}
}

static int stop_at_second(void *count)
{
	return ++*(int *)count == 2;
}

/* Told to stop, a layer on a sequence stops after the step that it is in. */
static void test_watch(void **state)
{
	(void)state;
	struct model_config config = {.n_inputs = 2, .n_outputs = 1, .n_layers = 3, .plan = "auto"};
	config.layers[0] = quantum_layer("basic", 2);
	config.layers[1] = lstm_layer(2);
	config.layers[2] = dense_layer(1);
	struct model *model = open_model(&config, STEPS, 1);
	const double x[2 * STEPS] = {0};
	double y;
	int count = 0;
	model_watch(model, stop_at_second, &count);
	model_forward(model, x, STEPS, 1, &y);
	assert_true(model_abandoned(model));
	assert_int_equal(count, 2);
	model_free(model);
}

static void test_gradient_layer(void **state)
{
	(void)state;
	for (int a = 0; ansatz_at(a) != NULL; a++)
		for (int m = MEASUREMENT_ALL; m <= MEASUREMENT_SINGLE; m++) {
			/* On a sequence, then on a vector: 3 values come in, n_out of `quantum` go to the LSTM. */
			struct model_config config = {.n_inputs = 3, .n_outputs = 1, .n_layers = 4, .plan = "auto"};
			config.layers[0] = quantum_layer(ansatz_at(a)->name, 3);
			config.layers[0].quantum.measurement = (enum measurement)m;
			config.layers[0].quantum.circuit.hadamard = m == MEASUREMENT_ALL;
			config.layers[0].quantum.circuit.measure = (enum pauli)m;
			config.layers[1] = lstm_layer(4);
			config.layers[2] =
			    quantum_layer(ansatz_at(a)->name, strcmp(ansatz_at(a)->name, "qdi") == 0 ? 2 : 4);
			config.layers[2].quantum.circuit.n_qlayers = 2;
			config.layers[2].quantum.circuit.rotation = (enum pauli)m;
			config.layers[2].quantum.circuit.entangling = ENTANGLING_BASIC;
			config.layers[2].quantum.measurement = (enum measurement)m;
			config.layers[3] = dense_layer(1);
			check_gradient(&config, ansatz_at(a)->name);
		}
	for (int e = 0; e < ENCODER_COUNT; e++) {
		/* A tanh keeps what comes in inside the domain of asin and acos. */
		struct model_config config = {.n_inputs = 2, .n_outputs = 1, .n_layers = 4, .plan = "batch"};
		config.layers[0] = (struct layer_config){.type = "activation", .activation.function = "tanh"};
		config.layers[1] = quantum_layer("hardware_efficient", 2);
		config.layers[1].quantum.encoder = (enum encoder)e;
		config.layers[2] = lstm_layer(2);
		config.layers[3] = dense_layer(1);
		check_gradient(&config, encoder_name((enum encoder)e));
	}
}

static void test_gradient_qgru(void **state)
{
	(void)state;
	static const char *const variants[] = {"linear", "qdi"};
	for (int v = 0; v < 2; v++) {
		for (int direction = 0; direction < 3; direction++) {
			struct layer_config layer = qgru_layer(variants[v]);
			layer.recurrent.inversward = direction == 1;
			layer.recurrent.bidirectional = direction == 2;
			struct model_config config = one_layer(layer, 2, 2, "auto");
			check_gradient(&config, variants[v]);
			config.output = MODEL_OUTPUT_SEQUENCE;
			check_gradient(&config, "qgru, a sequence as output");
		}
		for (int a = 0; ansatz_at(a) != NULL; a++) {
			struct layer_config layer = qgru_layer(variants[v]);
			struct circuit_config *circuit = &layer.qgru.circuit;
			snprintf(circuit->ansatz, sizeof circuit->ansatz, "%s", ansatz_at(a)->name);
			circuit->n_qubits = 3, circuit->n_qlayers = 2, circuit->entangling = ENTANGLING_STRONG;
			circuit->hadamard = v == 0;
			struct model_config config = one_layer(layer, 1, 1, "reference");
			check_gradient(&config, ansatz_at(a)->name);
		}
	}
}

/* Without linear_out's weights the gates are constants: h = (1 - z) n + z h_prev, sigmoid(b) and tanh(b). */
static void test_qgru_constant_gates(void **state)
{
	(void)state;
	struct model_config config = one_layer(qgru_layer("qdi"), 1, 1, "auto");
	struct model *model = open_model(&config, STEPS, 1);
	params_initialise(model_params(model), 4);
	memset(tensor(model, "layers.0.linear_out.weight", 3 * 4), 0, 3 * 4 * sizeof(double));
	memcpy(tensor(model, "layers.0.linear_out.bias", 3), (double[]){-0.5, 0.1, 1.4}, 3 * sizeof(double));
	const double x[STEPS] = {0.4, -0.3, 0.8}, b[] = {-0.5, 0.1, 1.4};
	double y, h[3] = {0};
	int width;
	model_forward(model, x, STEPS, 1, &y);
	const double *hidden = model_hidden(model, &width);
	assert_int_equal(width, 3);
	for (int k = 0; k < 3; k++) {
		double z = 1.0 / (1.0 + exp(-b[k])), n = tanh(b[k]);
		for (int t = 0; t < STEPS; t++)
			h[k] = (1.0 - z) * n + z * h[k];
		assert_near(hidden[k], h[k], 1e-15);
	}
	model_free(model);
}

/* The circuits that a model tells of, for one direction and for two. */
static void test_circuits(void **state)
{
	(void)state;
	for (int directions = 1; directions <= 2; directions++) {
		struct model_config config = {.n_inputs = 4, .n_outputs = 1, .n_layers = 4, .plan = "batch"};
		config.layers[0] = quantum_layer("strong", 4);
		config.layers[1] = qgru_layer("qdi");
		config.layers[1].recurrent.bidirectional = directions == 2;
		config.layers[2] = quantum_layer("strong", 3 * directions);
		config.layers[3] = dense_layer(1);
		struct model *model = open_model(&config, STEPS, 1);
		const struct {
			int layer;
			struct layer_circuit is;
		} wanted[] = {
		    {0, {.role = "layer", .sets = 1, .plans = 1, .calls = STEPS}},
		    {1, {.role = "gates", .sets = 2, .plans = directions, .calls = 2 * STEPS * directions}},
		    {1, {.role = "candidate", .sets = 1, .plans = directions, .calls = STEPS * directions}},
		    {2, {.role = "layer", .sets = 1, .plans = 1, .calls = 1}},
		};
		int found = 0;
		struct layer_circuit circuit;
		for (int k = -1; k <= config.n_layers; k++)
			for (int i = 0; model_circuit(model, k, i, STEPS, &circuit); i++, found++) {
				assert_in_range(found, 0, 3);
				assert_int_equal(k, wanted[found].layer);
				assert_string_equal(circuit.role, wanted[found].is.role);
				assert_int_equal(circuit.sets, wanted[found].is.sets);
				assert_int_equal(circuit.plans, wanted[found].is.plans);
				assert_true(circuit.calls == wanted[found].is.calls);
				assert_string_equal(plan_name(circuit.plan), "batch");
				assert_string_equal(model_circuit_estimate(model, k, i)->kind, "batch");
			}
		assert_int_equal(found, 4);
		model_free(model);
	}
}

/* The gradient on the input is that of the last backward, not a sum over all of them. */
static void test_input_gradient_is_overwritten(void **state)
{
	(void)state;
	struct model_config config = {.n_inputs = 2, .n_outputs = 1, .n_layers = 4, .plan = "auto"};
	config.layers[0] = quantum_layer("strong", 2);
	config.layers[1] = qgru_layer("linear");
	config.layers[2] = quantum_layer("strong", 3);
	config.layers[3] = dense_layer(1);
	struct model *model = open_model(&config, STEPS, 1);
	params_initialise(model_params(model), 2);
	const double x[2 * STEPS] = {0.4, -0.3, 0.8, 0.1, -0.7, 0.5};
	double y, dx[2][2 * STEPS];
	for (int k = 0; k < 2; k++) {
		model_forward(model, x, STEPS, 1, &y);
		model_backward(model, &(double){1.0}, dx[k]);
	}
	assert_memory_equal(dx[0], dx[1], sizeof dx[0]);
	model_free(model);
}

static void test_misuse(void **state)
{
	(void)state;
	struct model_config good = {.n_inputs = 2, .n_outputs = 1, .n_layers = 3, .plan = "auto"}, cases[8];
	good.layers[0] = quantum_layer("qdi", 2);
	good.layers[1] = qgru_layer("linear");
	good.layers[2] = dense_layer(1);
	assert_int_equal(model_check(&good, NULL), 0);
	static const char *const pointers[] = {"/layers/0/n_qubits", "/layers/0/n_qubits", "/layers/0/ansatz",
	                                       "/layers/1/variant",  "/layers/1/ansatz",   "/layers/1/depth",
	                                       "/layers/0/depth",    "/layers/1/n_qubits"};
	for (size_t k = 0; k < 8; k++)
		cases[k] = good;
	cases[0].n_inputs = 3;
	cases[1].layers[0].quantum.circuit.n_qlayers = 2; /* qdi takes fresh values for each block */
	strcpy(cases[2].layers[0].quantum.circuit.ansatz, "none");
	strcpy(cases[3].layers[1].qgru.variant, "chen2020");
	strcpy(cases[4].layers[1].qgru.circuit.ansatz, "none");
	cases[5].layers[1].qgru.circuit.depth = 0;
	cases[6].layers[0].quantum.circuit.depth = 1 << 11;
	cases[7].layers[1].qgru.circuit.n_qubits = 26;
	for (size_t k = 0; k < 8; k++) {
		struct qlstm_error error = {0};
		struct model *model = NULL;
		assert_int_not_equal(model_new(&model, &cases[k], &error), 0);
		assert_null(model);
		assert_string_equal(error.pointer, pointers[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_block),
	    cmocka_unit_test(test_layer_of_one_wire),
	    cmocka_unit_test(test_measurements),
	    cmocka_unit_test(test_watch),
	    cmocka_unit_test(test_gradient_layer),
	    cmocka_unit_test(test_gradient_qgru),
	    cmocka_unit_test(test_qgru_constant_gates),
	    cmocka_unit_test(test_circuits),
	    cmocka_unit_test(test_input_gradient_is_overwritten),
	    cmocka_unit_test(test_misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
