/* Samples: targets for every step and masks go through a pass as a naive reference has them; what does not fit is
 * refused; losses and metrics of masked rows against finite differences and by hand. */
#include "tests/unit/training_fixture.h"

#include "engine/train/pass.h"

enum { N = 90, STEPS = 4, INPUTS = 2, WIDTH = 3, BATCH = 70 };

/* One set of samples with all that the contract has: a row a step, each of which may not count. */
struct tagged {
	double x[N][STEPS][INPUTS], y[N][STEPS][WIDTH], mask[N][STEPS];
};

static void tagged_gather(const void *self, const size_t *order, size_t first, size_t count,
                          const struct samples_batch *out)
{
	const struct tagged *tagged = self;
	samples_transpose(&tagged->x[0][0][0], STEPS * INPUTS, order, first, count, out->x);
	samples_transpose(&tagged->y[0][0][0], STEPS * WIDTH, order, first, count, out->target);
	samples_transpose(&tagged->mask[0][0], STEPS, order, first, count, out->mask);
}

static size_t tagged_rows(const void *self, const size_t *order, size_t first, size_t count)
{
	const struct tagged *tagged = self;
	size_t rows = 0;
	for (size_t b = 0; b < count; b++)
		for (size_t t = 0; t < STEPS; t++)
			rows += tagged->mask[samples_at(order, first, b)][t] != 0;
	return rows;
}

static struct tagged tagged;

static struct samples tagged_samples(void)
{
	struct philox rng;
	philox_open(&rng, 7, PHILOX_TEST, 0);
	for (size_t i = 0; i < N; i++)
		for (size_t t = 0; t < STEPS; t++) {
			tagged.mask[i][t] = t == 0 || t < i % (STEPS + 1);
			for (size_t k = 0; k < INPUTS; k++)
				tagged.x[i][t][k] = philox_normal(&rng);
			for (size_t k = 0; k < WIDTH; k++)
				tagged.y[i][t][k] = tagged.mask[i][t] != 0 ? philox_normal(&rng) : (double)NAN;
		}
	return (struct samples){
	    .shape = {.steps = STEPS, .n_inputs = INPUTS, .width = WIDTH, .per_step = true, .masked = true},
	    .n_train = N - 20,
	    .n_test = 20,
	    .self = &tagged,
	    .gather = tagged_gather,
	    .count_rows = tagged_rows};
}

/* Circuits that take long enough for a batch to be cut into slices. */
static struct model *sequence_model(void)
{
	struct qlstm_error error = {0};
	struct model_config config = {
	    .n_inputs = INPUTS, .n_outputs = WIDTH, .output = MODEL_OUTPUT_SEQUENCE, .n_layers = 2, .plan = "batch"};
	config.layers[0] = (struct layer_config){
	    .type = "qlstm",
	    .qlstm = {.recurrent = {.hidden_size = 2},
	              .variant = "linear",
	              .circuit = {.n_qubits = 8, .n_qlayers = 1, .depth = 3, .rotation = PAULI_Y, .measure = PAULI_Z}}};
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = WIDTH, .bias = true}};
	struct model *model = NULL;
	must(model_new(&model, &config, &error), &error);
	params_initialise(model_params(model), 5);
	return model;
}

/* One sample after the other, row by row, without a mask but for an if: the mean loss over what counts, and in the
 * model its gradient. */
static double one_by_one(struct model *model, const size_t *order, size_t first, size_t count)
{
	struct qlstm_error error = {0};
	double y[STEPS][WIDTH], dy[STEPS][WIDTH], sum = 0, terms = 0;
	must(model_reserve(model, STEPS, 1, &error), &error);
	for (size_t b = 0; b < count; b++)
		for (size_t t = 0; t < STEPS; t++)
			terms += tagged.mask[samples_at(order, first, b)][t] != 0 ? WIDTH : 0;
	params_zero_gradients(model_params(model));
	for (size_t b = 0; b < count; b++) {
		size_t i = samples_at(order, first, b);
		model_forward(model, &tagged.x[i][0][0], STEPS, 1, &y[0][0]);
		for (size_t t = 0; t < STEPS; t++)
			for (size_t k = 0; k < WIDTH; k++) {
				bool counts = tagged.mask[i][t] != 0;
				double off = counts ? y[t][k] - tagged.y[i][t][k] : 0;
				sum += off * off;
				dy[t][k] = 2 * off / terms;
			}
		model_backward(model, &dy[0][0], NULL);
	}
	return sum / terms;
}

static void a_row_for_every_step_and_a_mask(void **state)
{
	(void)state;
	const struct samples samples = tagged_samples();
	static double first_gradients[4096];
	for (int threads = 1; threads <= 3; threads++) {
		struct qlstm_error error = {0};
		struct model *model = sequence_model(), *plain = sequence_model();
		struct team *team = NULL;
		struct pass *pass = NULL;
		size_t order[BATCH];
		for (size_t k = 0; k < BATCH; k++)
			order[k] = (k * 37 + 5) % BATCH;
		must(team_new(&team, threads, &error), &error);
		const struct pass_config config = {
		    .model = model, .samples = samples, .loss = loss_find("mse"), .batch = BATCH, .team = team};
		must(pass_new(&pass, &config, &error), &error);
		static const size_t counts[] = {BATCH, 33, 1};
		for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
			size_t count = counts[k];
			assert_relative(pass_train(pass, 1, order, count), one_by_one(plain, order, 0, count), 1e-12);
			assert_int_equal(pass_sums(pass).rows, tagged_rows(&tagged, order, 0, count));
			assert_int_equal(pass_sums(pass).terms, WIDTH * tagged_rows(&tagged, order, 0, count));
			const struct params *a = model_params(model), *b = model_params(plain);
			for (size_t i = 0; i < a->size; i++)
				assert_true(fabs(a->gradients[i] - b->gradients[i]) <=
				            1e-11 * (1 + fabs(b->gradients[i])));
		}
		pass_train(pass, 1, order, BATCH);
		size_t bytes = model_params(model)->size * sizeof(double);
		assert_true(bytes <= sizeof first_gradients);
		if (threads == 1)
			memcpy(first_gradients, model_params(model)->gradients, bytes);
		assert_memory_equal(first_gradients, model_params(model)->gradients, bytes);
		double y[2][STEPS][WIDTH], alone[STEPS][WIDTH];
		assert_relative(pass_loss(pass, 70, 20) / (double)pass_sums(pass).terms,
		                one_by_one(plain, NULL, 70, 20), 1e-12);
		pass_predict(pass, 70, 2, &y[0][0][0]);
		for (size_t b = 0; b < 2; b++) {
			model_forward(plain, &tagged.x[70 + b][0][0], STEPS, 1, &alone[0][0]);
			for (size_t k = 0; k < STEPS * WIDTH; k++)
				assert_true(fabs((&y[b][0][0])[k] - (&alone[0][0])[k]) < 1e-12);
		}
		pass_free(pass);
		team_free(team);
		model_free(model);
		model_free(plain);
	}
}

/* A batch of padding alone teaches nothing. */
static void a_batch_without_rows(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	const struct samples samples = tagged_samples();
	struct model *model = sequence_model();
	struct pass *pass = NULL;
	size_t order[1] = {3};
	memset(tagged.mask[3], 0, sizeof tagged.mask[3]);
	must(pass_new(&pass,
	              &(struct pass_config){.model = model, .samples = samples, .loss = loss_find("mse"), .batch = 1},
	              &error),
	     &error);
	assert_true(pass_train(pass, 1, order, 1) == 0);
	for (size_t k = 0; k < model_params(model)->size; k++)
		assert_true(model_params(model)->gradients[k] == 0);
	pass_free(pass);
	model_free(model);
}

static void what_does_not_fit_is_refused(void **state)
{
	(void)state;
	struct model *model = sequence_model();
	const struct samples fit = tagged_samples();
	for (int k = 0; k < 4; k++) {
		struct qlstm_error error = {0};
		struct samples samples = fit;
		struct pass *pass = NULL;
		samples.shape.n_inputs += k == 0;
		samples.shape.width += k == 1;
		samples.shape.per_step = k != 2;
		samples.shape.target = k == 3 ? TARGET_CLASSES : TARGET_REALS;
		const struct pass_config config = {
		    .model = model, .samples = samples, .loss = loss_find("mse"), .batch = 4};
		assert_int_equal(pass_new(&pass, &config, &error), ERR_INVALID);
		assert_string_equal(error.pointer, k == 3 ? "/loss" : "");
		assert_null(pass);
	}
	model_free(model);
}

/* Rows of both kinds of target, some masked, whose targets may hold anything. */
static double prediction[2 * WIDTH * 3], reals[2 * WIDTH * 3], classes[2 * 3];
static const double mask[2 * 3] = {1, 0, 1, 1, 1, 0};

static struct rows masked_rows(enum target_kind kind)
{
	static const struct loss_options options = {.huber_delta = 0.5, .quantile = 0.7};
	for (size_t i = 0; i < 2 * WIDTH * 3; i++) {
		prediction[i] = sin(1.7 * (double)i);
		reals[i] = cos(0.6 * (double)i);
	}
	for (size_t i = 0; i < 2 * 3; i++)
		classes[i] = mask[i] != 0 ? (double)(i % WIDTH) : (double)NAN;
	return (struct rows){.frames = 2,
	                     .width = WIDTH,
	                     .batch = 3,
	                     .prediction = prediction,
	                     .target = kind == TARGET_CLASSES ? classes : reals,
	                     .mask = mask,
	                     .options = &options};
}

static void losses_of_masked_rows(void **state)
{
	(void)state;
	const struct loss *loss;
	for (int i = 0; (loss = loss_at(i)) != NULL; i++) {
		double gradient[2 * WIDTH * 3];
		const struct rows rows = masked_rows(loss->takes);
		assert_int_equal(loss_terms(loss, 4, WIDTH), loss->by_row ? 4 : 4 * WIDTH);
		loss->backward(&rows, 0.5, gradient);
		for (size_t f = 0; f < 2; f++)
			for (size_t k = 0; k < WIDTH; k++)
				for (size_t b = 0; b < 3; b++) {
					size_t at = (f * WIDTH + k) * 3 + b;
					double kept = prediction[at], h = 1e-6;
					prediction[at] = kept + h;
					double up = loss->sum(&rows);
					prediction[at] = kept - h;
					double down = loss->sum(&rows);
					prediction[at] = kept;
					assert_true(fabs(gradient[at] - 0.5 * (up - down) / (2 * h)) < 1e-8);
					assert_true(mask[f * 3 + b] != 0 || gradient[at] == 0);
				}
	}
}

static void accuracy_counts_rows(void **state)
{
	(void)state;
	assert_int_equal(metric_count(TARGET_REALS), 0);
	assert_int_equal(metric_count(TARGET_CLASSES), 1);
	const struct metric *accuracy = metric_for(TARGET_CLASSES, 0);
	assert_string_equal(accuracy->name, "accuracy");
	/* Rows (0, 1, 2), (5, 5, 1) and (-1, -3, 2): the largest are 2, the first of two equal ones, and 2. */
	static const double outputs[WIDTH * 3] = {0, 5, -1, 1, 5, -3, 2, 1, 2};
	static const double truth[3] = {2, 0, 1}, one_masked[3] = {0, 1, 1}, largest[3] = {2, 0, 2};
	struct rows rows = {.frames = 1, .width = WIDTH, .batch = 3, .prediction = outputs, .target = truth};
	assert_true(accuracy->sum(&rows) == 2);
	rows.mask = one_masked;
	assert_true(accuracy->sum(&rows) == 1);
	rows.target = largest;
	rows.mask = NULL;
	assert_true(accuracy->sum(&rows) == 3);
}

/* More samples than are seen together: of 150 sample b has its largest output at b mod 3, and is said to have it there
 * but for every tenth. */
static void accuracy_counts_many_samples(void **state)
{
	(void)state;
	enum { MANY = 150 };
	double outputs[WIDTH * MANY] = {0}, truth[MANY];
	size_t right = 0;
	for (size_t b = 0; b < MANY; b++) {
		outputs[b % WIDTH * MANY + b] = 1;
		truth[b] = (double)((b + (b % 10 == 0)) % WIDTH);
		right += b % 10 != 0;
	}
	const struct rows rows = {.frames = 1, .width = WIDTH, .batch = MANY, .prediction = outputs, .target = truth};
	assert_true(metric_for(TARGET_CLASSES, 0)->sum(&rows) == (double)right);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_row_for_every_step_and_a_mask),
	    cmocka_unit_test(a_batch_without_rows),
	    cmocka_unit_test(what_does_not_fit_is_refused),
	    cmocka_unit_test(losses_of_masked_rows),
	    cmocka_unit_test(accuracy_counts_rows),
	    cmocka_unit_test(accuracy_counts_many_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
