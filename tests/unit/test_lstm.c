/* The classical LSTM cell, in both precisions, against its equations, one sample and one unit at a time, in all the
 * ways in which the cell cuts its work: large and small batches, odd ones, one step, several hundred units, forwards
 * and backwards in time. */
#include "tests/unit/nn_fixture.h"

#include <stdlib.h>

#include "engine/vector/isa.h"
#include "engine/nn/cell.h"
#include "engine/nn/kernel/gates.h"

struct lstm_case {
	int hidden, inputs, steps, batch;
	enum precision precision;
};

/* What is within `tolerance` by float64 is as many roundings off in float32, of which each is 2^29 times as large. */
static double tolerance_of(const struct lstm_case *size, double tolerance)
{
	return size->precision == PRECISION_FLOAT32 ? 0x1p29 * tolerance : tolerance;
}

/* A cell on its own, with everything that a layer would hold for it. Arrays of steps are in reading order, except that
 * of an inversward one x and d_x are in order of time. */
struct lstm_bench {
	struct lstm_case size;
	bool inversward;
	struct params params;
	struct cell cell;
	double *scratch, *x, *d_x, *h, *c, *saved, *d_out, *d_h, *d_c;
	struct watch watch;
};

static double *sines(size_t n, double pace)
{
	double *values = calloc(n, sizeof *values);
	assert_non_null(values);
	for (size_t k = 0; k < n; k++)
		values[k] = sin(pace * (double)(k + 1));
	return values;
}

static void bench_open(struct lstm_bench *b, struct lstm_case size, bool inversward)
{
	*b = (struct lstm_bench){.size = size, .inversward = inversward};
	b->cell = (struct cell){.config = lstm_layer(size.hidden), .params = &b->params, .n_in = size.inputs};
	assert_int_equal(cell_find(&b->cell.config, &b->cell.ops, NULL), 0);
	if (size.precision == PRECISION_FLOAT32)
		b->cell.ops = b->cell.ops->in_float32;
	assert_int_equal(b->cell.ops->open(&b->cell, "cell", NULL), 0);
	assert_int_equal(params_allocate(&b->params, NULL), 0);
	params_initialise(&b->params, 4);
	struct arena arena = {0};
	b->cell.ops->lay_out(&b->cell, &arena, size.steps, size.batch);
	b->scratch = sines(arena.used / sizeof(double), 1e3); /* what scratch holds does not matter */
	arena = (struct arena){.base = (char *)b->scratch};
	b->cell.ops->lay_out(&b->cell, &arena, size.steps, size.batch);
	size_t n = (size_t)size.batch, t = (size_t)size.steps, h = (size_t)size.hidden * n,
	       in = (size_t)size.inputs * n;
	b->x = sines(t * in, 0.7);
	b->d_x = calloc(t * in, sizeof(double));
	b->h = calloc((t + 1) * h, sizeof(double));
	b->c = calloc((t + 1) * h, sizeof(double));
	b->saved = sines(t * (size_t)b->cell.n_saved * n, 1e3);
	b->d_out = sines(t * h, 0.3);
	b->d_h = sines(h, 1e3);
	b->d_c = calloc(h, sizeof(double));
}

static void bench_close(struct lstm_bench *b)
{
	double *arrays[] = {b->scratch, b->x, b->d_x, b->h, b->c, b->saved, b->d_out, b->d_h, b->d_c};
	for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
		free(arrays[k]);
	free(b->cell.own);
	params_free(&b->params);
}

/* first_out: the first step whose output has a gradient. */
static void bench_run(struct lstm_bench *b, int steps, int first_out)
{
	ptrdiff_t in = (ptrdiff_t)b->size.inputs * b->size.batch, h = (ptrdiff_t)b->size.hidden * b->size.batch;
	ptrdiff_t start = b->inversward ? (b->size.steps - 1) * in : 0;
	struct cell_sequence sequence = {.steps = steps,
	                                 .batch = b->size.batch,
	                                 .x = b->x + start,
	                                 .x_step = b->inversward ? -in : in,
	                                 .h = b->h,
	                                 .c = b->c,
	                                 .saved = b->saved,
	                                 .watch = &b->watch};
	b->cell.ops->forward_all(&b->cell, &sequence);
	struct cell_sequence_gradient gradient = {.d_out = b->d_out,
	                                          .d_out_step = h,
	                                          .first_out = first_out,
	                                          .d_h = b->d_h,
	                                          .d_c = b->d_c,
	                                          .d_x = b->d_x + start};
	b->cell.ops->backward_all(&b->cell, &sequence, &gradient);
}

/* One sample by the equations: adds its gradients to `gradients`, which is laid out as the parameters; h and d_x are
 * compared. */
struct naive {
	double *gates, *h, *c; /* [steps][4H], [steps + 1][H] twice */
	double *gradients;
};

static void naive_forward(const struct lstm_bench *b, size_t sample, struct naive *naive)
{
	size_t H = (size_t)b->size.hidden, D = (size_t)b->size.inputs, T = (size_t)b->size.steps;
	size_t n = (size_t)b->size.batch;
	const double *wi = b->params.values, *wh = wi + 4 * H * D, *bi = wh + 4 * H * H, *bh = bi + 4 * H;
	for (size_t t = 0; t < T; t++) {
		const double *x = b->x + (b->inversward ? T - 1 - t : t) * D * n + sample;
		double *gates = naive->gates + t * 4 * H, *h = naive->h + t * H, *c = naive->c + t * H;
		for (size_t r = 0; r < 4 * H; r++) {
			double pre = bi[r] + bh[r];
			for (size_t k = 0; k < D; k++)
				pre += wi[r * D + k] * x[k * n];
			for (size_t k = 0; k < H; k++)
				pre += wh[r * H + k] * h[k];
			gates[r] = r / H == 2 ? tanh(pre) : 1 / (1 + exp(-pre));
		}
		for (size_t j = 0; j < H; j++) {
			c[H + j] = gates[H + j] * c[j] + gates[j] * gates[2 * H + j];
			h[H + j] = gates[3 * H + j] * tanh(c[H + j]);
		}
	}
}

static void naive_backward(const struct lstm_bench *b, size_t sample, struct naive *naive, size_t first_out,
                           double tolerance)
{
	size_t H = (size_t)b->size.hidden, D = (size_t)b->size.inputs, T = (size_t)b->size.steps;
	size_t n = (size_t)b->size.batch;
	const double *wi = b->params.values, *wh = wi + 4 * H * D;
	double *d_wi = naive->gradients, *d_wh = d_wi + 4 * H * D, *d_bi = d_wh + 4 * H * H, *d_bh = d_bi + 4 * H;
	double *d_h = calloc(H, sizeof(double)), *d_c = calloc(H, sizeof(double)), *d = calloc(4 * H, sizeof(double));
	for (size_t t = T; t-- > 0;) {
		size_t time = (b->inversward ? T - 1 - t : t) * D * n + sample;
		const double *gates = naive->gates + t * 4 * H, *h = naive->h + t * H, *c = naive->c + t * H;
		for (size_t j = 0; j < H; j++) {
			double i = gates[j], f = gates[H + j], g = gates[2 * H + j], o = gates[3 * H + j];
			double m = tanh(c[H + j]),
			       up = d_h[j] + (t >= first_out ? b->d_out[(t * H + j) * n + sample] : 0);
			double on_c = d_c[j] + up * o * (1 - m * m);
			d[j] = on_c * g * i * (1 - i);
			d[H + j] = on_c * c[j] * f * (1 - f);
			d[2 * H + j] = on_c * i * (1 - g * g);
			d[3 * H + j] = up * m * o * (1 - o);
			d_c[j] = on_c * f;
		}
		memset(d_h, 0, H * sizeof(double));
		for (size_t r = 0; r < 4 * H; r++) {
			for (size_t k = 0; k < D; k++)
				d_wi[r * D + k] += d[r] * b->x[time + k * n];
			for (size_t k = 0; k < H; k++) {
				d_wh[r * H + k] += d[r] * h[k];
				d_h[k] += d[r] * wh[r * H + k];
			}
			d_bi[r] += d[r];
			d_bh[r] += d[r];
		}
		for (size_t k = 0; k < D; k++) {
			double d_x = 0;
			for (size_t r = 0; r < 4 * H; r++)
				d_x += d[r] * wi[r * D + k];
			assert_near(b->d_x[time + k * n], d_x, tolerance);
		}
	}
	free(d_h);
	free(d_c);
	free(d);
}

static void check_case(struct lstm_case size, bool inversward, int first_out)
{
	struct lstm_bench b;
	bench_open(&b, size, inversward);
	bench_run(&b, size.steps, first_out);
	size_t H = (size_t)size.hidden, T = (size_t)size.steps, n = (size_t)size.batch;
	struct naive naive = {.gates = calloc(T * 4 * H, sizeof(double)),
	                      .h = calloc((T + 1) * H, sizeof(double)),
	                      .c = calloc((T + 1) * H, sizeof(double)),
	                      .gradients = calloc(b.params.size, sizeof(double))};
	for (size_t sample = 0; sample < n; sample++) {
		naive_forward(&b, sample, &naive);
		for (size_t k = 0; k < (T + 1) * H; k++)
			assert_near(b.h[k * n + sample], naive.h[k], tolerance_of(&size, 1e-13));
		naive_backward(&b, sample, &naive, (size_t)first_out, tolerance_of(&size, 1e-12));
	}
	for (size_t k = 0; k < b.params.size; k++)
		assert_near(b.params.gradients[k], naive.gradients[k],
		            tolerance_of(&size, 1e-13 * (double)(n * T) + 1e-13));
	free(naive.gates);
	free(naive.h);
	free(naive.c);
	free(naive.gradients);
	bench_close(&b);
}

static void test_equations(void **state)
{
	(void)state;
	static const int cases[][4] = {
	    {1, 1, 1, 1},   {3, 2, 4, 1},   {4, 1, 8, 3},   {5, 7, 3, 4},    {4, 4, 9, 10},   {16, 16, 4, 23},
	    {17, 3, 2, 24}, {9, 30, 1, 61}, {33, 5, 3, 33}, {70, 13, 2, 11}, {64, 40, 2, 40}, {5, 2, 300, 1},
	};
	const struct isa *chosen = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		isa_force(isa_at(i));
		for (size_t k = 0; k < 2 * (sizeof cases / sizeof cases[0]); k++) {
			const int *c = cases[k / 2];
			const struct lstm_case size = {c[0], c[1], c[2], c[3],
			                               k % 2 == 0 ? PRECISION_FLOAT64 : PRECISION_FLOAT32};
			check_case(size, false, 0);
			check_case(size, true, size.steps - 1);
		}
	}
	isa_force(chosen);
	check_case((struct lstm_case){130, 129, 2, 256, PRECISION_FLOAT64}, false, 1);
	check_case((struct lstm_case){130, 129, 2, 256, PRECISION_FLOAT32}, false, 1);
	check_case((struct lstm_case){9, 4, 2, 600, PRECISION_FLOAT32}, false, 0);
	check_case((struct lstm_case){260, 3, 3, 2, PRECISION_FLOAT64}, true, 1);
	check_case((struct lstm_case){260, 3, 3, 2, PRECISION_FLOAT32}, true, 1);
}

/* However many steps are projected together, and whatever the batch is: the first steps of a longer sequence are those
 * of a shorter one, and a sample alone is that sample in a batch, bit for bit. */
static void check_steps_and_samples(struct lstm_case size)
{
	struct lstm_bench longer, shorter, single;
	size_t n = (size_t)size.batch, h = 29 * n;
	bench_open(&longer, size, false);
	bench_run(&longer, 7, 6);
	for (int steps = 1; steps < 7; steps++) {
		bench_open(&shorter, size, false);
		bench_run(&shorter, steps, steps - 1);
		assert_memory_equal(shorter.h, longer.h, ((size_t)steps + 1) * h * sizeof(double));
		bench_close(&shorter);
	}
	size.batch = 1;
	bench_open(&single, size, false);
	for (size_t j = 0; j < 7 * 6; j++)
		single.x[j] = longer.x[j * n + n - 1];
	bench_run(&single, 7, 6);
	for (size_t j = 0; j < 8 * 29; j++)
		assert_true(single.h[j] == longer.h[(j + 1) * n - 1]);
	bench_close(&single);
	bench_close(&longer);
}

static void test_steps_and_samples(void **state)
{
	(void)state;
	static const int batches[] = {1, 3, 4, 10, 31, 256, 300};
	for (size_t k = 0; k < sizeof batches / sizeof batches[0]; k++) {
		check_steps_and_samples((struct lstm_case){29, 6, 7, batches[k], PRECISION_FLOAT64});
		check_steps_and_samples((struct lstm_case){29, 6, 7, batches[k], PRECISION_FLOAT32});
	}
}

/* Every batch from 1 to 300: the model in float32 beside the one in float64. A step rounds about H + D + 10 times on
 * the way to a gate, numbers of at most 1, and no gate makes an error of its pre-activation larger; three steps and the
 * way back are six such sums. */
static void test_beside_float64(void **state)
{
	(void)state;
	enum { H = 6, D = 3, T = 3, MOST = 300 };
	static double x[T * D * MOST], u[MOST], y[2][MOST], dx[2][T * D * MOST];
	const double bound = 6 * (H + D + 10) * 0x1p-24;
	for (size_t k = 0; k < T * D * MOST; k++)
		x[k] = sin(0.7 * (double)(k + 1));
	for (size_t k = 0; k < MOST; k++)
		u[k] = cos(0.3 * (double)k);
	struct model *models[2];
	for (int k = 0; k < 2; k++) {
		struct model_config config = one_layer(lstm_layer(H), D, 1, "auto");
		config.precision = k == 0 ? PRECISION_FLOAT64 : PRECISION_FLOAT32;
		models[k] = open_model(&config, T, MOST);
		params_initialise(model_params(models[k]), 3);
	}
	for (int batch = 1; batch <= MOST; batch++) {
		for (int k = 0; k < 2; k++) {
			model_forward(models[k], x, T, batch, y[k]);
			params_zero_gradients(model_params(models[k]));
			model_backward(models[k], u, dx[k]);
		}
		for (int b = 0; b < batch; b++)
			assert_near(y[1][b], y[0][b], bound);
		for (int k = 0; k < T * D * batch; k++)
			assert_near(dx[1][k], dx[0][k], bound);
		for (size_t k = 0; k < model_params(models[0])->size; k++)
			assert_near(model_params(models[1])->gradients[k], model_params(models[0])->gradients[k],
			            bound * batch * T);
		assert_true(memcmp(y[0], y[1], (size_t)batch * sizeof(double)) != 0);
	}
	model_free(models[0]);
	model_free(models[1]);
}

static void test_gradient_lstm(void **state)
{
	(void)state;
	struct layer_config lstm = lstm_layer(3);
	for (int direction = 0; direction < 3; direction++) {
		lstm.recurrent.inversward = direction == 1;
		lstm.recurrent.bidirectional = direction == 2;
		struct model_config config = one_layer(lstm, 2, 1, "auto");
		check_gradient(&config, "lstm");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_equations),
	    cmocka_unit_test(test_steps_and_samples),
	    cmocka_unit_test(test_beside_float64),
	    cmocka_unit_test(test_gradient_lstm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
