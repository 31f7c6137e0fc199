/* Normalisation against numbers of torch.nn, and embedding: single layers, without a model around them. */
#include "tests/unit/nn_fixture.h"

#include <stdlib.h>

#include "engine/nn/layer.h"

enum { STEPS = 2, WIDTH = 2, BATCH = 3, SIZE = STEPS * WIDTH * BATCH };

/* [step][row][sample] */
static const double x[SIZE] = {0.5, -0.75, 0.0, -1.0, 1.5, -2.0, 2.0, 1.25, 0.6, 0.25, 3.0, 0.9};
static const double u[SIZE] = {1.0, 0.25, 0.5, 2.0, -3.0, 0.5, -1.0, 2.0, -0.75, 0.5, 1.0, 1.25};
static const double parameters[] = {1.5, -0.5, 0.25, 2.0}; /* weight, bias */

struct alone {
	struct layer layer;
	struct params params;
	char *memory;
};

static void open_alone(struct alone *alone, const char *type, struct layer_config config)
{
	struct qlstm_error error = {0};
	*alone =
	    (struct alone){.layer = {.config = config, .name = "layers.0", .in = {SHAPE_REALS, SHAPE_SEQUENCE, WIDTH}}};
	struct layer *layer = &alone->layer;
	layer->type = layer_type_named(type);
	layer->ops = layer->type->ops;
	layer->params = &alone->params;
	assert_int_equal(layer->ops->check(&layer->config, layer->in, &layer->out, &error), 0);
	assert_int_equal(layer->ops->open(layer, &error), 0);
	assert_int_equal(params_allocate(&alone->params, &error), 0);
	params_initialise(&alone->params, 1);
	if (layer->ops->lay_out == NULL)
		return;
	struct arena arena = {0};
	layer->ops->lay_out(layer, &arena, STEPS, BATCH);
	alone->memory = calloc(1, arena.used);
	arena = (struct arena){.base = alone->memory};
	layer->ops->lay_out(layer, &arena, STEPS, BATCH);
}

static void close_alone(struct alone *alone)
{
	free(alone->layer.own);
	params_free(&alone->params);
	free(alone->memory);
}

static void all_near(const double *found, const double *expected, size_t n)
{
	for (size_t k = 0; k < n; k++)
		assert_near(found[k], expected[k], 1e-14);
}

static const struct training_context training = {.seed = 1, .epoch = 1};

static void test_batch_norm(void **state)
{
	(void)state;
	static const double y_training[SIZE] = {0.0783330313263636, -2.0675040770940925, -0.7800018120418186,
	                                        2.441997814853506,  1.6755276156855765,  2.748585894520678,
	                                        2.6533375614309103, 1.365835296378637,   0.25,
	                                        2.058762715269541,  1.2156454961848189,  1.8594804634858795};
	static const double dx_training[SIZE] = {1.1130622434029005,    -0.5667427019161556, 0.09780632792800514,
	                                         -0.3806646824917615,   0.9484474841087344,  0.1607487297031413,
	                                         -1.8495139137496897,   3.065113538299335,   -1.8597254939643948,
	                                         -0.022696678858685315, -0.4002017736011705, -0.30563307886025853};
	static const double gradients[] = {-0.9584739084278034, -2.6021663261751202, 2.0, 2.25};
	static const double running[] = {0.15, 0.11041666666666666, 0.97875, 1.5476041666666667};
	static const double y_after[SIZE] = {0.7803977429783903, -1.1138799105158608, 0.02268668158068987,
	                                     2.4461549998326952, 1.4416784523669646,  2.847945618818988,
	                                     3.053530927171492,  1.916964335074941,   0.9319399552579303,
	                                     1.94391672609983,   0.8389925238875262,  1.6827528237587401};
	static const double dx_after[SIZE] = {1.515422122795401,    0.37885553069885025, 0.7577110613977005,
	                                      -0.8035812379725846,  1.205371856958877,   -0.20089530949314616,
	                                      -1.515422122795401,   3.030844245590802,   -1.1365665920965506,
	                                      -0.20089530949314616, -0.4017906189862923, -0.5022382737328654};
	struct alone alone;
	double y[SIZE], dx[SIZE];
	open_alone(&alone, "batch_norm", (struct layer_config){.norm = {.epsilon = 1e-3, .momentum = 0.25}});
	struct layer *layer = &alone.layer;
	assert_int_equal(alone.params.size, 4);
	assert_int_equal(alone.params.state_size, 4);
	memcpy(alone.params.values, parameters, sizeof parameters);

	params_zero_gradients(&alone.params);
	layer->ops->forward(layer, &training, x, STEPS, BATCH, y);
	all_near(y, y_training, SIZE);
	layer->ops->backward(layer, x, u, dx);
	all_near(dx, dx_training, SIZE);
	all_near(alone.params.gradients, gradients, 4);
	all_near(alone.params.values + 4, (double[]){0, 0, 1, 1}, 4);
	layer->ops->update_state(layer);
	all_near(alone.params.values + 4, running, 4);

	params_zero_gradients(&alone.params);
	layer->ops->forward(layer, NULL, x, STEPS, BATCH, y);
	all_near(y, y_after, SIZE);
	layer->ops->backward(layer, x, u, dx);
	all_near(dx, dx_after, SIZE);
	all_near(alone.params.gradients, (double[]){0.06314258844980848, -2.8112787372197148, 2.0, 2.25, 0, 0, 0, 0},
	         8);
	close_alone(&alone);
}

/* The derivative of sum(u y), where every value moves the batch's mean and variance. */
static void test_batch_norm_differences(void **state)
{
	(void)state;
	struct alone alone;
	double moved[SIZE], y[SIZE], dx[SIZE];
	open_alone(&alone, "batch_norm", (struct layer_config){.norm = {.epsilon = 0.1, .momentum = 0.25}});
	struct layer *layer = &alone.layer;
	memcpy(alone.params.values, parameters, sizeof parameters);
	layer->ops->forward(layer, &training, x, STEPS, BATCH, y);
	layer->ops->backward(layer, x, u, dx);
	for (size_t k = 0; k < SIZE; k++) {
		double sums[2];
		for (int side = 0; side < 2; side++) {
			memcpy(moved, x, sizeof x);
			moved[k] += side == 0 ? 1e-5 : -1e-5;
			layer->ops->forward(layer, &training, moved, STEPS, BATCH, y);
			sums[side] = 0;
			for (size_t i = 0; i < SIZE; i++)
				sums[side] += u[i] * y[i];
		}
		assert_near(dx[k], (sums[0] - sums[1]) / 2e-5, 1e-8);
	}
	close_alone(&alone);
}

/* A batch of one value a row: the bias comes out, and the running variance stays. */
static void test_batch_norm_of_one(void **state)
{
	(void)state;
	struct alone alone;
	double y[WIDTH], dx[WIDTH];
	open_alone(&alone, "batch_norm", (struct layer_config){.norm = {.epsilon = 1e-3, .momentum = 0.25}});
	struct layer *layer = &alone.layer;
	memcpy(alone.params.values, parameters, sizeof parameters);
	params_zero_gradients(&alone.params);
	layer->ops->forward(layer, &training, (double[]){4.0, -8.0}, 1, 1, y);
	all_near(y, parameters + 2, WIDTH);
	layer->ops->backward(layer, x, (double[]){1, 1}, dx);
	all_near(dx, (double[]){0, 0}, WIDTH);
	layer->ops->update_state(layer);
	all_near(alone.params.values + 4, (double[]){1.0, -2.0, 1.0, 1.0}, 4);
	close_alone(&alone);
}

static void test_layer_norm(void **state)
{
	(void)state;
	static const double expected[SIZE] = {1.74866844181479,   -1.2494077583423278, 1.7492505620316599,
	                                      2.499556147271597,  1.500197413885891,   2.4997501873438868,
	                                      1.7490213667201615, -1.2490213667201615, -1.217738164370245,
	                                      2.4996737889067204, 1.5003262110932796,  1.5107539452099183};
	static const double slopes[SIZE] = {0.002955079250349213,   -0.00039459396910224154, 0.0004992509364074582,
	                                    -0.002955079250349213,  0.0003945939691021305,   -0.0004992509364074582,
	                                    -0.0009311197762113116, 0.0026071353733918556,   -0.06939660351632071,
	                                    0.0009311197762113671,  -0.0026071353733918556,  0.06939660351632071};
	static const double gradients[] = {-1.0152124624251748, -3.774001367233004, 2.0, 2.25};
	struct alone alone;
	double y[SIZE], dx[SIZE];
	open_alone(&alone, "layer_norm", (struct layer_config){.norm = {.epsilon = 1e-3}});
	struct layer *layer = &alone.layer;
	all_near(alone.params.values, (double[]){1, 1, 0, 0}, 4);
	memcpy(alone.params.values, parameters, sizeof parameters);
	params_zero_gradients(&alone.params);
	layer->ops->forward(layer, NULL, x, STEPS, BATCH, y);
	all_near(y, expected, SIZE);
	layer->ops->backward(layer, x, u, dx);
	all_near(dx, slopes, SIZE);
	all_near(alone.params.gradients, gradients, 4);
	close_alone(&alone);
}

static void test_embedding(void **state)
{
	(void)state;
	static const double classes[SIZE] = {0, 2, 3, 1, 1, 0, 2, 2, 2, 3, 0, 1};
	struct alone alone;
	double y[2 * SIZE], d[2 * SIZE], dx[SIZE], expected[8] = {0};
	open_alone(&alone, "embedding", (struct layer_config){.embedding = {.classes = 4, .dimension = 2}});
	struct layer *layer = &alone.layer;
	assert_int_equal(layer->out.width, 4);
	params_zero_gradients(&alone.params);
	layer->ops->forward(layer, NULL, classes, STEPS, BATCH, y);
	for (size_t k = 0; k < 2 * SIZE; k++)
		d[k] = 0.1 * (double)(k + 1);
	for (size_t row = 0; row < (size_t)STEPS * WIDTH; row++)
		for (size_t b = 0; b < BATCH; b++)
			for (size_t j = 0; j < 2; j++) {
				size_t at = (row * 2 + j) * BATCH + b, from = (size_t)classes[row * BATCH + b] * 2 + j;
				assert_true(y[at] == alone.params.values[from]);
				expected[from] += d[at];
			}
	layer->ops->backward(layer, classes, d, dx);
	all_near(alone.params.gradients, expected, 8);
	all_near(dx, (double[SIZE]){0}, SIZE);

	static const double wrong[] = {4.0, -1.0, 0.5, NAN, 1e300, -0.0};
	layer->ops->forward(layer, NULL, wrong, 1, BATCH, y);
	for (size_t k = 0; k < 4 * (size_t)BATCH; k++)
		assert_int_equal(isnan(y[k]), !(k == 8 || k == 11)); /* -0.0 is 0 */
	layer->ops->backward(layer, wrong, d, NULL);
	close_alone(&alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_batch_norm),        cmocka_unit_test(test_batch_norm_differences),
	    cmocka_unit_test(test_batch_norm_of_one), cmocka_unit_test(test_layer_norm),
	    cmocka_unit_test(test_embedding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
