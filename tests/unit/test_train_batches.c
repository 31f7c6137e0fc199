/* Batches: pass after pass over the training part; epochs that are shorter or longer than a pass. */
#include "tests/unit/training_fixture.h"

#include "engine/train/batches.h"

enum { SAMPLES = 23, SIZE = 5, IN_PASS = 5 };

static void check_passes(struct batches *batches)
{
	size_t first_of[2] = {0, 0};
	for (size_t pass = 1; pass <= 2; pass++) {
		int met[SAMPLES] = {0};
		for (size_t b = 0; b < IN_PASS; b++) {
			struct batch batch = batches_at(batches, (pass - 1) * IN_PASS + b);
			assert_int_equal(batch.pass, pass);
			assert_int_equal(batch.count, b + 1 < IN_PASS ? SIZE : 3);
			if (b == 0)
				first_of[pass - 1] = batch.order[0] * SAMPLES + batch.order[1];
			for (size_t k = 0; k < batch.count; k++)
				met[batch.order[k]]++;
			if (!batches->shuffle)
				assert_int_equal(batch.order[0], b * SIZE);
		}
		for (size_t k = 0; k < SAMPLES; k++)
			assert_int_equal(met[k], 1);
	}
	assert_int_equal(first_of[0] != first_of[1], batches->shuffle);
}

static void passes_meet_every_sample_once(void **state)
{
	(void)state;
	for (int shuffle = 0; shuffle < 2; shuffle++) {
		struct batches batches;
		assert_int_equal(batches_open(&batches, SAMPLES, SIZE, shuffle, 9, NULL), 0);
		assert_int_equal(batches_in_pass(&batches), IN_PASS);
		check_passes(&batches);
		batches_close(&batches);
	}
}

/* Whatever was asked before. */
static void a_place_has_its_batch(void **state)
{
	(void)state;
	struct batches one, other;
	assert_int_equal(batches_open(&one, SAMPLES, SIZE, true, 9, NULL), 0);
	assert_int_equal(batches_open(&other, SAMPLES, SIZE, true, 9, NULL), 0);
	static const size_t places[] = {12, 3, 4, 0, 12, 7};
	for (size_t place = 0; place < 13; place++)
		for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
			struct batch batch = batches_at(&other, places[k]);
			if (places[k] != place)
				continue;
			struct batch same = batches_at(&one, place);
			assert_int_equal(batch.count, same.count);
			assert_memory_equal(batch.order, same.order, same.count * sizeof *same.order);
		}
	batches_close(&one);
	batches_close(&other);
}

static struct trainer_config config_of(int epoch_batches, int epochs)
{
	struct trainer_config config = small_training("adam");
	config.shuffle = true;
	config.epoch_batches = epoch_batches;
	config.epochs = epochs;
	return config;
}

static void open_and_run(struct training *t, int epoch_batches, int epochs, int run)
{
	const struct trainer_config config = config_of(epoch_batches, epochs);
	training_open(t, &config);
	for (int k = 0; k < run; k++)
		training_epoch(t);
}

static void assert_same_weights(const struct training *a, const struct training *b)
{
	const struct params *p = model_params(a->model), *q = model_params(b->model);
	assert_memory_equal(p->values, q->values, p->size * sizeof(double));
}

/* Ten batches are two passes, however they are cut into epochs. */
static void epochs_are_cut_from_the_same_batches(void **state)
{
	(void)state;
	static const struct {
		int epoch_batches, epochs;
	} rows[] = {{5, 2}, {1, 10}, {2, 5}, {10, 1}};
	struct training whole;
	open_and_run(&whole, 0, 2, 2);
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct training cut;
		open_and_run(&cut, rows[k].epoch_batches, rows[k].epochs, rows[k].epochs);
		assert_same_weights(&whole, &cut);
		const struct epoch_metrics *last = &trainer_history(cut.trainer)[rows[k].epochs - 1];
		assert_true(epoch_metric(last, "test_loss") ==
		            epoch_metric(&trainer_history(whole.trainer)[1], "test_loss"));
		training_close(&cut);
	}
	training_close(&whole);
}

/* The training loss of an epoch of two batches is the mean of the two. */
static void losses_are_of_the_epoch(void **state)
{
	(void)state;
	struct training one, two;
	open_and_run(&one, 1, 8, 8);
	open_and_run(&two, 2, 4, 4);
	const struct epoch_metrics *a = trainer_history(one.trainer), *b = trainer_history(two.trainer);
	for (int k = 0; k < 4; k++)
		assert_relative(b[k].values[0], (a[2 * k].values[0] + a[2 * k + 1].values[0]) / 2, 1e-14);
	training_close(&one);
	training_close(&two);
}

/* From a checkpoint in the middle of a pass. */
static void goes_on_inside_a_pass(void **state)
{
	(void)state;
	struct training whole, first, second;
	unsigned char *bytes;
	size_t length;
	struct qlstm_error error = {0};
	open_and_run(&whole, 3, 7, 7);
	open_and_run(&first, 3, 7, 2);
	open_and_run(&second, 3, 7, 0);
	must(trainer_save(first.trainer, "x", &bytes, &length, &error), &error);
	must(trainer_load(second.trainer, "x", bytes, length, &error), &error);
	free(bytes);
	for (int k = 2; k < 7; k++)
		training_epoch(&second);
	assert_same_weights(&whole, &second);
	training_close(&whole);
	training_close(&first);
	training_close(&second);
}

static void mean_of_all(void *context, size_t first, size_t n, double *y, double *out)
{
	(void)context;
	(void)first;
	out[0] = 0;
	for (size_t k = 0; k < n * FIX_TARGETS; k++)
		out[0] += y[k] / (double)(n * FIX_TARGETS);
}

/* A number that takes all predictions of the training part is there where an epoch met all samples. */
static void scores_want_whole_passes(void **state)
{
	(void)state;
	static const struct trainer_scores scores = {
	    .count = 1, .names = {{"train_mean", "validation_mean", "test_mean"}}, .compute = mean_of_all};
	static const int cuts[] = {0, 5, 10, 3, 7};
	for (size_t k = 0; k < sizeof cuts / sizeof *cuts; k++) {
		struct trainer_config config = config_of(cuts[k], 1);
		struct training training;
		config.scores = &scores;
		training_open(&training, &config);
		struct epoch_metrics row = training_epoch(&training);
		assert_int_equal(isfinite(epoch_metric(&row, "train_mean")), cuts[k] % IN_PASS == 0);
		assert_true(isfinite(epoch_metric(&row, "test_mean")));
		training_close(&training);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(passes_meet_every_sample_once),
	    cmocka_unit_test(a_place_has_its_batch),
	    cmocka_unit_test(epochs_are_cut_from_the_same_batches),
	    cmocka_unit_test(losses_are_of_the_epoch),
	    cmocka_unit_test(goes_on_inside_a_pass),
	    cmocka_unit_test(scores_want_whole_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
