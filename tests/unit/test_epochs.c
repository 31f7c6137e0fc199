/* Epochs recomputed: order, losses, norms, clipping and steps by a loop of the test's own, on model_forward and
 * model_backward alone. Two targets of different size, a last batch that is not full. */
#include "tests/unit/training_fixture.h"

/* What an epoch is to do. */
struct mirror {
	struct training *of;
	struct trainer_config config;
	struct model *model;
	double *buffer;  /* SGD's momentum */
	double sum_norm; /* of the epoch under way */
};

static void mirror_open(struct mirror *m, struct training *of, const struct trainer_config *config)
{
	struct qlstm_error error = {0};
	*m = (struct mirror){.of = of, .config = *config, .model = small_model()};
	must(model_reserve(m->model, FIX_STEPS, 64, &error), &error);
	params_initialise(model_params(m->model), config->seed);
	m->buffer = calloc(model_params(m->model)->size, sizeof(double));
}

static void mirror_close(struct mirror *m)
{
	model_free(m->model);
	free(m->buffer);
}

/* A word of the stream of (seed, shuffle, epoch): key and counter as philox.h says. */
static uint32_t word(uint64_t seed, uint32_t epoch, uint32_t index)
{
	uint32_t block[4];
	philox_block((uint32_t[]){index / 4, 0, epoch, PHILOX_SHUFFLE},
	             (uint32_t[]){(uint32_t)seed, (uint32_t)(seed >> 32)}, block);
	return block[index % 4];
}

/* Fisher-Yates from the end; a word is used where it is not below 2^32 mod i. */
static void documented_order(const struct trainer_config *config, int epoch, size_t *order, size_t n)
{
	uint32_t used = 0;
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; config->shuffle && i > 1; i--) {
		uint32_t bound = (uint32_t)i, w;
		do
			w = word(config->seed, (uint32_t)epoch, used++);
		while (w < (uint32_t)(0x100000000u % bound));
		size_t j = w % bound, kept = order[i - 1];
		order[i - 1] = order[j];
		order[j] = kept;
	}
}

/* The summed loss of windows order[0 .. count-1]; dy, where wanted, of their mean. */
static double mirror_loss(struct mirror *m, const size_t *order, size_t count, double *dy)
{
	const struct windows *w = &m->of->windows;
	static double x[FIX_STEPS * FIX_INPUTS * 64]; /* model_backward reads it too */
	double y[FIX_TARGETS * 64], loss = 0;
	double all = (double)(count * FIX_TARGETS);
	for (size_t b = 0; b < count; b++)
		for (size_t k = 0; k < FIX_STEPS * FIX_INPUTS; k++)
			x[k * count + b] = w->x[order[b] * FIX_STEPS * FIX_INPUTS + k];
	model_forward(m->model, x, FIX_STEPS, (int)count, y);
	bool mae = strcmp(m->config.loss, "mae") == 0;
	for (size_t b = 0; b < count; b++)
		for (size_t k = 0; k < FIX_TARGETS; k++) {
			double off = y[k * count + b] - w->y[order[b] * FIX_TARGETS + k];
			loss += mae ? fabs(off) : off * off;
			if (dy != NULL)
				dy[k * count + b] = (mae ? copysign(1, off) : 2 * off) / all;
		}
	return loss;
}

static double mirror_batch(struct mirror *m, const size_t *order, size_t count)
{
	struct params *p = model_params(m->model);
	double dy[FIX_TARGETS * 64], squares = 0;
	double loss = mirror_loss(m, order, count, dy) / (double)(count * FIX_TARGETS);
	params_zero_gradients(p);
	model_backward(m->model, dy, NULL);
	for (size_t k = 0; k < p->size; k++)
		squares += p->gradients[k] * p->gradients[k];
	double norm = sqrt(squares), most = m->config.clip_norm, factor = most > 0 && norm > most ? most / norm : 1;
	m->sum_norm += norm;
	for (size_t k = 0; k < p->size; k++) {
		m->buffer[k] = m->config.optimizer.momentum * m->buffer[k] + factor * p->gradients[k];
		p->values[k] -= m->config.optimizer.learning_rate * m->buffer[k];
	}
	return loss;
}

static struct epoch_metrics mirror_epoch(struct mirror *m, int epoch)
{
	const struct windows *w = &m->of->windows;
	size_t order[64], size = (size_t)m->config.batch_size, batches = 0;
	struct epoch_metrics row = {.epoch = epoch};
	documented_order(&m->config, epoch, order, w->parts.train);
	m->sum_norm = 0;
	for (size_t first = 0; first < w->parts.train; first += size, batches++)
		row.values[0] +=
		    mirror_batch(m, order + first, w->parts.train - first < size ? w->parts.train - first : size);
	row.values[0] /= (double)batches;
	row.values[2] = m->sum_norm / (double)batches;
	for (size_t k = 0; k < w->parts.test; k++)
		order[k] = w->parts.train + k;
	row.values[1] = mirror_loss(m, order, w->parts.test, NULL) / (double)(w->parts.test * FIX_TARGETS);
	return row;
}

static void check(const struct trainer_config *config)
{
	struct training training;
	struct mirror mirror;
	training_open(&training, config);
	mirror_open(&mirror, &training, config);
	const struct params *p = model_params(training.model), *q = model_params(mirror.model);
	for (int epoch = 1; epoch <= config->epochs; epoch++) {
		struct epoch_metrics found = training_epoch(&training), expected = mirror_epoch(&mirror, epoch);
		assert_int_equal(found.epoch, epoch);
		assert_relative(found.values[0], expected.values[0], 1e-12);
		assert_relative(found.values[1], expected.values[1], 1e-12);
		assert_relative(found.values[2], expected.values[2], 1e-12);
		assert_true(found.seconds >= 0 && found.seconds < 60);
		assert_memory_equal(&trainer_history(training.trainer)[epoch - 1], &found, sizeof found);
		assert_int_equal(trainer_epochs_done(training.trainer), epoch);
		for (size_t k = 0; k < p->size; k++)
			assert_true(fabs(p->values[k] - q->values[k]) <= 1e-11);
	}
	mirror_close(&mirror);
	training_close(&training);
}

static void epochs_are_what_they_are_said_to_be(void **state)
{
	(void)state;
	static const char *const losses[] = {"mse", "mae"};
	static const double clips[] = {0, 0.5, 1e6}; /* off, below every norm, above */
	for (int k = 0; k < 2 * 2 * 3; k++) {
		struct trainer_config config = small_training("sgd");
		snprintf(config.loss, sizeof config.loss, "%s", losses[k % 2]);
		config.shuffle = k / 2 % 2 == 1;
		config.clip_norm = clips[k / 4];
		config.optimizer.learning_rate = 1e-4;
		config.seed = UINT64_C(0x500000003);
		check(&config);
	}
}

/* Batches of one, of exactly all, and of more than there are. */
static void sizes_of_batches(void **state)
{
	(void)state;
	static const int sizes[] = {1, 22, 23, 24, 60};
	for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
		struct trainer_config config = small_training("sgd");
		config.batch_size = sizes[k];
		config.optimizer.learning_rate = 1e-4;
		config.shuffle = true;
		config.epochs = 2;
		check(&config);
	}
}

/* A clipped step of plain SGD moves the parameters by learning_rate * clip_norm, in the gradient's direction. */
static void a_clipped_step_has_the_norm_that_was_asked_for(void **state)
{
	(void)state;
	struct trainer_config config = small_training("sgd");
	struct training training;
	config.batch_size = 23;
	config.clip_norm = 0.25;
	config.optimizer = (struct optimizer_config){.type = "sgd", .learning_rate = 1};
	training_open(&training, &config);
	struct params *p = model_params(training.model);
	double before[128], squares = 0;
	assert_in_range(p->size, 1, 128);
	memcpy(before, p->values, p->size * sizeof(double));
	assert_true(training_epoch(&training).values[2] > 1);
	for (size_t k = 0; k < p->size; k++)
		squares += (p->values[k] - before[k]) * (p->values[k] - before[k]);
	assert_relative(sqrt(squares), 0.25, 1e-12);
	training_close(&training);
}

static void orders(void **state)
{
	(void)state;
	enum { N_ORDER = 50 };
	struct trainer_config config = {.shuffle = true};
	size_t expected[N_ORDER], found[N_ORDER], before[N_ORDER] = {0};
	for (uint64_t seed = 0; seed < 3; seed++)
		for (int epoch = 1; epoch <= 3; epoch++) {
			struct philox rng;
			config.seed = seed << 40 | seed;
			documented_order(&config, epoch, expected, N_ORDER);
			philox_open(&rng, config.seed, PHILOX_SHUFFLE, (uint32_t)epoch);
			philox_permute(&rng, found, N_ORDER);
			assert_memory_equal(found, expected, sizeof found);
			assert_memory_not_equal(found, before, sizeof found);
			memcpy(before, found, sizeof found);
			size_t sum = 0;
			for (size_t k = 0; k < N_ORDER; k++)
				sum += found[k];
			assert_int_equal(sum, N_ORDER * (N_ORDER - 1) / 2);
		}
}

/* Words below 2^32 mod bound are passed over: of this bound, nearly half of them. */
static void bounds_that_reject(void **state)
{
	(void)state;
	const uint32_t bound = 0x80000001u, reject = (uint32_t)(0x100000000u % bound);
	struct philox rng;
	uint32_t used = 0, passed_over = 0;
	philox_open(&rng, 7, PHILOX_SHUFFLE, 3);
	for (int k = 0; k < 100; k++) {
		uint32_t w = word(7, 3, used++);
		for (; w < reject; w = word(7, 3, used++))
			passed_over++;
		assert_int_equal(philox_below(&rng, bound), w % bound);
	}
	assert_in_range(passed_over, 30, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(epochs_are_what_they_are_said_to_be),
	    cmocka_unit_test(sizes_of_batches),
	    cmocka_unit_test(a_clipped_step_has_the_norm_that_was_asked_for),
	    cmocka_unit_test(orders),
	    cmocka_unit_test(bounds_that_reject),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
