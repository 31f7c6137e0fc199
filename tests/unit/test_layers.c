/* The table of layer types and the stack that it makes possible: what each type says of itself, what may follow what,
 * activations, and the cells of gru.c and rnn.c against their equations. */
#include "tests/unit/nn_fixture.h"

#include <stdlib.h>

#include "engine/nn/activation.h"
#include "engine/nn/layer.h"
#include "engine/vector/isa.h"

static struct layer_config gru_layer(int hidden)
{
	return (struct layer_config){.type = "gru", .gru = {{.hidden_size = hidden}}};
}

static struct layer_config rnn_layer(int hidden, enum rnn_nonlinearity nonlinearity)
{
	return (struct layer_config){.type = "rnn",
	                             .rnn = {.recurrent = {.hidden_size = hidden}, .nonlinearity = nonlinearity}};
}

static struct layer_config dense_layer(int units)
{
	return (struct layer_config){.type = "dense", .dense = {.units = units, .bias = true}};
}

static struct layer_config activation_layer(const char *function)
{
	struct layer_config layer = {.type = "activation", .activation = {.negative_slope = 0.2, .alpha = 1.5}};
	snprintf(layer.activation.function, sizeof layer.activation.function, "%s", function);
	return layer;
}

static struct layer_config dropout_layer(double p)
{
	return (struct layer_config){.type = "dropout", .dropout = {.p = p}};
}

static struct layer_config embedding_layer(int classes, int dimension)
{
	return (struct layer_config){.type = "embedding", .embedding = {classes, dimension}};
}

static struct layer_config batch_norm_layer(void)
{
	return (struct layer_config){.type = "batch_norm", .norm = {.epsilon = 1e-3, .momentum = 0.25}};
}

static struct layer_config layer_norm_layer(void)
{
	return (struct layer_config){.type = "layer_norm", .norm = {.epsilon = 1e-3}};
}

static struct layer_config attention_layer(enum attention_score score)
{
	return (struct layer_config){.type = "attention", .attention = {.score = score, .units = 3}};
}

static struct layer_config circuit_layer(void)
{
	return (struct layer_config){
	    .type = "circuit",
	    .written = {"input float x0; input float atan_x1; input float a; input float b;"
	                "qubit[3] q; h q; ry(2*x0 - 0.5) q[0]; crx(atan_x1) q[0], q[1];"
	                "crz(a) q[1], q[2]; rxx(-b) q[0], q[2]; ry(a) q[2]; rz(x0) q[1]; ry(b) q[1];"
	                "#pragma braket result expectation z(q[0]) @ x(q[1])\n"
	                "#pragma braket result expectation y(q[2])\n",
	                ANGLE_INIT_UNIFORM}};
}

static struct layer_config hqrnn_layer(void)
{
	return (struct layer_config){.type = "hqrnn",
	                             .hqrnn = {.n_qubits = 2, .depth = 1, .hidden_size = 2, .dropout = 0.4}};
}

/* A layer of the k-th type. */
static struct layer_config layer_at(int k)
{
	const char *name = layer_type_at(k)->name;
	struct layer_config all[] = {qlstm_layer("qdi"),     lstm_layer(3),     gru_layer(3),
	                             rnn_layer(3, RNN_TANH), dense_layer(2),    activation_layer("gelu"),
	                             dropout_layer(0.4),     qgru_layer("qdi"), quantum_layer("qdi", 2),
	                             embedding_layer(5, 2),  circuit_layer(),   batch_norm_layer(),
	                             layer_norm_layer(),     hqrnn_layer(),     attention_layer(ATTENTION_ADDITIVE)};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i].type, name) == 0)
			return all[i];
	fail_msg("no layer of type '%s' here", name);
	return all[0];
}

/* The layer on a sequence, a recurrent one, the layer on a vector where it takes one, a head. */
static struct model_config stack_with(struct layer_config layer)
{
	struct model_config config = {.n_inputs = 2, .n_outputs = 1, .plan = "auto"};
	config.layers[config.n_layers++] = layer;
	config.layers[config.n_layers++] = lstm_layer(2);
	if (layer_type_named(layer.type)->traits.vector)
		config.layers[config.n_layers++] = layer;
	config.layers[config.n_layers++] = dense_layer(1);
	return config;
}

enum { STEPS = 3, BATCH = 4 };

static void fill(double *values, size_t n, double pace)
{
	for (size_t k = 0; k < n; k++)
		values[k] = sin(pace * (double)(k + 1));
}

/* Finite differences, and that a batch is its samples, bit for bit. */
static void test_every_type(void **state)
{
	(void)state;
	for (int k = 0; layer_type_at(k) != NULL; k++) {
		if (layer_type_at(k)->traits.words || layer_type_at(k)->traits.decodes ||
		    layer_type_at(k)->traits.whole_numbers) /* test_qrnn.c, test_decoder.c, below */
			continue;
		struct model_config config = stack_with(layer_at(k));
		check_gradient(&config, layer_type_at(k)->name);
		struct model *model = open_model(&config, STEPS, BATCH);
		params_initialise(model_params(model), 3);
		double x[STEPS * 2 * BATCH], y[BATCH], one[STEPS * 2], y_one;
		fill(x, STEPS * 2 * BATCH, 0.9);
		model_forward(model, x, STEPS, BATCH, y);
		for (size_t b = 0; b < BATCH; b++) {
			for (size_t j = 0; j < STEPS * 2; j++)
				one[j] = x[j * BATCH + b];
			model_forward(model, one, STEPS, 1, &y_one);
			assert_true(y_one == y[b]);
		}
		model_free(model);
	}
}

/* What the table says of a type is so: parameters, state, draws; its cost is a time. */
static void test_traits_are_true(void **state)
{
	(void)state;
	for (int k = 0; layer_type_at(k) != NULL; k++) {
		const struct layer_type *type = layer_type_at(k);
		if (type->traits.words || type->traits.decodes) /* test_qrnn.c, test_decoder.c */
			continue;
		struct layer_config layer = layer_at(k);
		struct model_config config = stack_with(layer);
		struct model *model = open_model(&config, STEPS, BATCH);
		struct params *params = model_params(model);
		params_initialise(params, 3);
		bool trainable = false, has_state = false;
		for (int i = 0; i < params->count; i++)
			if (strncmp(params->items[i].name, "layers.0.", 9) == 0) {
				trainable = trainable || params->items[i].kind != PARAM_STATE;
				has_state = has_state || params->items[i].kind == PARAM_STATE;
			}
		assert_int_equal(trainable, type->traits.trainable);
		assert_int_equal(has_state, type->traits.state);
		assert_int_equal(type->ops->update_state != NULL, type->traits.state);
		assert_int_equal(type->cell != NULL || type->choose_cell != NULL, type->ops == &recurrent_ops);
		assert_true(type->traits.sequence || type->traits.vector);
		assert_int_equal(layer_wires(&layer) > 0, type->wires != NULL);
		double x[STEPS * 2 * BATCH], first[BATCH], second[BATCH];
		fill(x, STEPS * 2 * BATCH, 0.9);
		for (size_t i = 0; type->traits.whole_numbers && i < STEPS * 2 * BATCH; i++)
			x[i] = (double)(i % 5);
		struct training_context training = {.seed = 1, .epoch = 1};
		model_forward_training(model, &training, x, STEPS, BATCH, first);
		training.epoch = 2;
		model_forward_training(model, &training, x, STEPS, BATCH, second);
		assert_int_equal(memcmp(first, second, sizeof first) != 0, type->traits.random);
		double few = 0.0, many = 0.0;
		assert_int_equal(model_estimate(model, STEPS, 1, &few, NULL), 0);
		assert_int_equal(model_estimate(model, 40 * STEPS, 64, &many, NULL), 0);
		assert_true(few > 0.0 && many > few);
		model_free(model);
	}
	assert_null(layer_type_at(-1));
	assert_null(layer_type_named("lstn"));
}

/* Layer types of a library's user: tokens in, a sequence to a vector, a vector alone. */

static int same_check(const struct layer_config *config, struct shape in, struct shape *out, struct qlstm_error *error)
{
	(void)config, (void)error;
	*out = in;
	return 0;
}

static int first_check(const struct layer_config *config, struct shape in, struct shape *out, struct qlstm_error *error)
{
	(void)config, (void)error;
	*out = (struct shape){in.values, SHAPE_VECTOR, in.width};
	return 0;
}

static const struct layer_ops same_ops = {.check = same_check}, first_ops = {.check = first_check};
static const struct layer_type lookup = {.name = "lookup", {.tokens = true, .sequence = true}, .ops = &same_ops};
static const struct layer_type first = {.name = "first", {.sequence = true}, .ops = &first_ops};
static const struct layer_type mixer = {.name = "mixer", {.vector = true}, .ops = &same_ops};

static void test_what_may_follow_what(void **state)
{
	(void)state;
	const struct layer_config lookup_layer = {.own_type = &lookup}, first_layer = {.own_type = &first};
	const struct layer_config mixer_layer = {.own_type = &mixer};
	const struct {
		enum model_output output;
		int n_layers;
		struct layer_config layers[3];
		const char *pointer, *message; /* NULL: fits */
	} cases[] = {
	    {MODEL_OUTPUT_VECTOR, 2, {lstm_layer(2), dense_layer(1)}, NULL, NULL},
	    {MODEL_OUTPUT_VECTOR, 3, {lstm_layer(2), activation_layer("tanh"), dense_layer(1)}, NULL, NULL},
	    {MODEL_OUTPUT_VECTOR, 3, {lstm_layer(2), dense_layer(1), activation_layer("tanh")}, NULL, NULL},
	    {MODEL_OUTPUT_SEQUENCE, 2, {gru_layer(2), dense_layer(1)}, NULL, NULL},
	    {MODEL_OUTPUT_VECTOR, 3, {gru_layer(2), mixer_layer, dense_layer(1)}, NULL, NULL},
	    {MODEL_OUTPUT_VECTOR,
	     3,
	     {lookup_layer, lstm_layer(2), dense_layer(1)},
	     "/layers/0/type",
	     "a layer of type 'lookup' takes tokens; what comes in are real numbers"},
	    {MODEL_OUTPUT_VECTOR,
	     3,
	     {first_layer, lstm_layer(2), dense_layer(1)},
	     "/layers/1/type",
	     "a layer of type 'lstm' takes a sequence; what comes in is a single vector"},
	    {MODEL_OUTPUT_SEQUENCE,
	     3,
	     {gru_layer(2), mixer_layer, dense_layer(1)},
	     "/layers/1/type",
	     "a layer of type 'mixer' takes a single vector; what comes in is a sequence"},
	    {MODEL_OUTPUT_SEQUENCE,
	     3,
	     {gru_layer(2), first_layer, dense_layer(1)},
	     "/layers",
	     "the last layer gives a single vector; the model's output is a sequence"},
	    {MODEL_OUTPUT_VECTOR, 2, {dense_layer(1), dense_layer(1)}, NULL, NULL},
	    {MODEL_OUTPUT_VECTOR,
	     3,
	     {lstm_layer(2), dense_layer(2), activation_layer("tanh")},
	     "/layers/2",
	     "the width of the last layer is 2; there are 1 targets"},
	    {MODEL_OUTPUT_VECTOR,
	     3,
	     {lstm_layer(2), dropout_layer(1.5), dense_layer(1)},
	     "/layers/1/p",
	     "p is 1.5; allowed are 0 to 1"},
	    {MODEL_OUTPUT_VECTOR, 3, {lstm_layer(2), dropout_layer(NAN), dense_layer(1)}, "/layers/1/p", "p is"},
	    {MODEL_OUTPUT_VECTOR,
	     3,
	     {activation_layer("step"), lstm_layer(2), dense_layer(1)},
	     "/layers/0/function",
	     "unknown function 'step'"},
	    {MODEL_OUTPUT_VECTOR, 2, {gru_layer(0), dense_layer(1)}, "/layers/0/hidden_size", "hidden_size is 0"},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct model_config config = {
		    .n_inputs = 1, .n_outputs = 1, .n_layers = cases[k].n_layers, .output = cases[k].output};
		memcpy(config.layers, cases[k].layers, sizeof cases[k].layers);
		struct qlstm_error error = {0};
		assert_int_equal(model_check(&config, &error) == 0, cases[k].pointer == NULL);
		if (cases[k].pointer == NULL)
			continue;
		assert_string_equal(error.pointer, cases[k].pointer);
		if (strstr(error.message, cases[k].message) == NULL)
			fail_msg("%s", error.message);
	}
}

/* A model whose output is a sequence says at step t what one whose output is a vector says of the first t + 1 steps. */
static void test_output_sequence(void **state)
{
	(void)state;
	struct layer_config layers[] = {lstm_layer(3), gru_layer(3), qlstm_layer("chen2020")};
	for (size_t k = 0; k < 3; k++) {
		struct model_config config = one_layer(layers[k], 1, 2, "auto");
		struct model *vector = open_model(&config, STEPS, 1);
		config.output = MODEL_OUTPUT_SEQUENCE;
		struct model *sequence = open_model(&config, STEPS, 1);
		params_initialise(model_params(vector), 5);
		params_initialise(model_params(sequence), 5);
		double x[STEPS] = {.3, -.2, .7}, all[STEPS * 2], one[2];
		model_forward(sequence, x, STEPS, 1, all);
		for (int t = 0; t < STEPS; t++) {
			model_forward(vector, x, t + 1, 1, one);
			assert_near(all[2 * t], one[0], 1e-15);
			assert_near(all[2 * t + 1], one[1], 1e-15);
		}
		model_free(vector);
		model_free(sequence);
		config.layers[0].recurrent.bidirectional = true;
		check_gradient(&config, "a sequence as output");
	}
}

/* inversward(x) == reverse(forward(reverse(x))), of every recurrent type and variant, step by step and bit for bit. */
static void test_inversward(void **state)
{
	(void)state;
	struct layer_config layers[] = {
	    lstm_layer(3),           gru_layer(3),          rnn_layer(3, RNN_RELU), qlstm_layer("chen2020"),
	    qlstm_layer("chen2024"), qlstm_layer("linear"), qlstm_layer("qdi"),     qgru_layer("linear"),
	    qgru_layer("qdi")};
	for (size_t k = 0; k < sizeof layers / sizeof layers[0]; k++) {
		struct model_config config = one_layer(layers[k], 1, 2, "auto");
		config.output = MODEL_OUTPUT_SEQUENCE;
		struct model *forward = open_model(&config, STEPS, BATCH);
		config.layers[0].recurrent.inversward = true;
		struct model *inversward = open_model(&config, STEPS, BATCH);
		params_initialise(model_params(forward), 5);
		params_initialise(model_params(inversward), 5);
		double x[STEPS * BATCH], reversed[STEPS * BATCH], y[STEPS * 2 * BATCH], other[STEPS * 2 * BATCH];
		fill(x, STEPS * BATCH, 0.9);
		for (size_t t = 0; t < STEPS; t++)
			memcpy(reversed + t * BATCH, x + (STEPS - 1 - t) * BATCH, BATCH * sizeof(double));
		model_forward(inversward, x, STEPS, BATCH, y);
		model_forward(forward, reversed, STEPS, BATCH, other);
		for (size_t t = 0; t < STEPS; t++)
			assert_memory_equal(y + t * 2 * BATCH, other + (STEPS - 1 - t) * 2 * BATCH,
			                    2 * BATCH * sizeof(double));
		assert_memory_not_equal(y, other, sizeof y);
		model_free(forward);
		model_free(inversward);
	}
}

/* Values of PyTorch's functions, with negative_slope 0.2 and alpha 1.5. */
static void test_activation_values(void **state)
{
	(void)state;
	static const double x[] = {-3.0, -0.5, 0.0, 0.7, 25.0};
	static const struct {
		const char *name;
		double y[5];
	} rows[] = {
	    {"relu", {0.0, 0.0, 0.0, 0.7, 25.0}},
	    {"tanh", {-0.99505475368673046, -0.46211715726000974, 0.0, 0.60436777711716350, 1.0}},
	    {"sigmoid", {0.04742587317756678, 0.37754066879814546, 0.5, 0.66818777216816616, 0.99999999998611206}},
	    {"gelu", {-0.00404969409489031, -0.15426876936299344, 0.0, 0.53062544344384890, 25.0}},
	    {"leaky_relu", {-0.6, -0.1, 0.0, 0.7, 25.0}},
	    {"elu", {-1.42531939744820412, -0.59020401043104979, 0.0, 0.7, 25.0}},
	    {"softplus", {0.04858735157374206, 0.47407698418010669, 0.69314718055994531, 1.10318604888545790, 25.0}},
	    {"identity", {-3.0, -0.5, 0.0, 0.7, 25.0}},
	};
	const struct activation_config config = activation_layer("relu").activation;
	for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
		const struct activation *activation = activation_at((int)k);
		double y[5];
		assert_string_equal(activation->name, rows[k].name);
		activation->forward(&config, x, 5, y);
		for (int j = 0; j < 5; j++)
			assert_near(y[j], rows[k].y[j], 1e-15 * (1.0 + fabs(rows[k].y[j])));
		struct model_config model = one_layer(lstm_layer(2), 2, 1, "auto");
		model.n_layers = 4;
		model.layers[0] = activation_layer(rows[k].name);
		model.layers[1] = lstm_layer(2);
		model.layers[2] = activation_layer(rows[k].name);
		model.layers[3] = dense_layer(1);
		check_gradient(&model, rows[k].name);
		const double nan = NAN;
		activation->forward(&config, &nan, 1, y);
		assert_true(isnan(y[0]));
	}
	assert_null(activation_at((int)(sizeof rows / sizeof rows[0])));
}

/* One sample by the equations of PyTorch's documentation; h [steps + 1][H] in reading order. */
static void naive(const struct layer_config *layer, const double *weights, size_t D, const double *x, size_t n,
                  size_t steps, bool inversward, double *h)
{
	bool gru = strcmp(layer->type, "gru") == 0, relu = !gru && layer->rnn.nonlinearity == RNN_RELU;
	size_t H = (size_t)layer->recurrent.hidden_size, rows = gru ? 3 * H : H;
	const double *wi = weights, *wh = wi + rows * D, *bi = wh + rows * H, *bh = bi + rows;
	double *a = calloc(rows, sizeof *a), *s = calloc(rows, sizeof *s);
	memset(h, 0, H * sizeof *h);
	for (size_t t = 0; t < steps; t++) {
		const double *from = x + (inversward ? steps - 1 - t : t) * D * n, *last = h + t * H;
		for (size_t r = 0; r < rows; r++) {
			a[r] = bi[r];
			s[r] = bh[r];
			for (size_t k = 0; k < D; k++)
				a[r] += wi[r * D + k] * from[k * n];
			for (size_t k = 0; k < H; k++)
				s[r] += wh[r * H + k] * last[k];
		}
		for (size_t j = 0; j < H; j++) {
			double *next = h + (t + 1) * H + j;
			if (!gru) {
				*next = relu ? fmax(0.0, a[j] + s[j]) : tanh(a[j] + s[j]);
				continue;
			}
			double reset = 1.0 / (1.0 + exp(-a[j] - s[j])), z = 1.0 / (1.0 + exp(-a[H + j] - s[H + j]));
			double candidate = tanh(a[2 * H + j] + reset * s[2 * H + j]);
			*next = (1.0 - z) * candidate + z * last[j];
		}
	}
	free(a);
	free(s);
}

/* Both directions' outputs at every time, and the gradient along one direction in the space of all parameters. */
static void check_cell(struct layer_config layer, int inputs, int steps, int batch)
{
	struct model_config config = one_layer(layer, inputs, 1, "auto");
	config.output = MODEL_OUTPUT_SEQUENCE;
	struct model *model = open_model(&config, steps, batch);
	struct params *params = model_params(model);
	params_initialise(params, 4);
	size_t H = (size_t)layer.recurrent.hidden_size, D = (size_t)inputs, T = (size_t)steps, n = (size_t)batch;
	double *x = calloc(T * D * n, sizeof *x), *y = calloc(T * n, sizeof *y), *u = calloc(T * n, sizeof *u);
	double *h = calloc((T + 1) * H, sizeof *h), *direction = calloc(params->size, sizeof *direction);
	fill(x, T * D * n, 0.7);
	fill(u, T * n, 1.3);
	fill(direction, params->size, 2.1);
	model_forward(model, x, steps, batch, y);
	int width;
	const double *out = model_hidden(model, &width);
	const char *const names[2] = {"layers.0.weight_ih", "layers.0.reverse.weight_ih"};
	for (int d = 0; d < (layer.recurrent.bidirectional ? 2 : 1); d++) {
		const double *weights = params->values + params_find(params, names[d])->offset;
		bool inversward = layer.recurrent.inversward || d == 1;
		for (size_t b = 0; b < n; b++) {
			naive(&layer, weights, D, x + b, n, T, inversward, h);
			for (size_t t = 0; t < T; t++)
				for (size_t j = 0; j < H; j++)
					assert_near(out[(t * (size_t)width + (size_t)d * H + j) * n + b],
					            h[((inversward ? T - 1 - t : t) + 1) * H + j], 1e-13);
		}
	}
	params_zero_gradients(params);
	model_backward(model, u, NULL);
	double given = 0.0, sides[2] = {0};
	for (size_t k = 0; k < params->size; k++)
		given += params->gradients[k] * direction[k];
	for (int side = 0; side < 2; side++) {
		for (size_t k = 0; k < params->size; k++)
			params->values[k] += (side == 0 ? 1e-6 : -2e-6) * direction[k];
		model_forward(model, x, steps, batch, y);
		for (size_t k = 0; k < T * n; k++)
			sides[side] += u[k] * y[k];
	}
	double numeric = (sides[0] - sides[1]) / 2e-6;
	if (!(fabs(given - numeric) <= 1e-6 * (1.0 + fabs(numeric)) * sqrt((double)(T * n))))
		fail_msg("%s %zu, %d inputs, %d steps, batch %d: gradient %.12g, differences %.12g", layer.type, H,
		         inputs, steps, batch, given, numeric);
	double *arrays[] = {x, y, u, h, direction};
	for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
		free(arrays[k]);
	model_free(model);
}

static void test_cells(void **state)
{
	(void)state;
	static const struct {
		int hidden, inputs, steps, batch;
	} sizes[] = {{1, 1, 1, 1},   {3, 2, 4, 1},    {5, 7, 3, 4}, {16, 16, 4, 23},
	             {33, 5, 3, 33}, {70, 13, 2, 11}, {5, 2, 60, 1}};
	const struct isa *chosen = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		isa_force(isa_at(i));
		for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
			struct layer_config layers[] = {gru_layer(sizes[k].hidden),
			                                rnn_layer(sizes[k].hidden, RNN_TANH)};
			for (size_t l = 0; l < 2; l++)
				for (int direction = 0; direction < 3; direction++) {
					layers[l].recurrent.inversward = direction == 1;
					layers[l].recurrent.bidirectional = direction == 2;
					check_cell(layers[l], sizes[k].inputs, sizes[k].steps, sizes[k].batch);
				}
		}
	}
	isa_force(chosen);
}

/* Every parameter and input by differences, in every direction; relu with its corners is held apart. */
static void test_gradient_cells(void **state)
{
	(void)state;
	struct layer_config layers[] = {gru_layer(3), rnn_layer(3, RNN_TANH), rnn_layer(3, RNN_RELU)};
	for (size_t k = 0; k < 3; k++)
		for (int direction = 0; direction < 3; direction++) {
			layers[k].recurrent.inversward = direction == 1;
			layers[k].recurrent.bidirectional = direction == 2;
			struct model_config config = one_layer(layers[k], 2, 1, "auto");
			check_gradient(&config, layers[k].type);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_type),
	    cmocka_unit_test(test_traits_are_true),
	    cmocka_unit_test(test_what_may_follow_what),
	    cmocka_unit_test(test_output_sequence),
	    cmocka_unit_test(test_inversward),
	    cmocka_unit_test(test_activation_values),
	    cmocka_unit_test(test_cells),
	    cmocka_unit_test(test_gradient_cells),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
