/* What an experiment will take: memory to the byte, time by the planner, and who is refused. How near that is to what a
 * run takes: tests/worker/test_worker_memory.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "engine/nn/loss.h"
#include "engine/train/pass.h"
#include "server/common/cost.h"

static struct spec spec;
static struct model *model;

static void make(const char *text)
{
	json_t *request = NULL, *resolved = NULL;
	struct qlstm_error error = {0};
	if (spec_load(text, strlen(text), &request, &error) != 0 || spec_resolve(request, &resolved, &error) != 0 ||
	    spec_parse(resolved, &spec, &error) != 0 || model_new(&model, &spec.model, &error) != 0)
		fail_msg("%s: %s", error.pointer, error.message);
	json_decref(resolved);
	json_decref(request);
}

static int drop(void **state)
{
	(void)state;
	model_free(model);
	model = NULL;
	return 0;
}

#define SMALL "{\"data\":{\"window\":7},\"training\":{\"batch_size\":5,\"epochs\":30},\"hidden_size\":3,\"n_qubits\":2}"

#define LANGUAGE                                                                                                       \
	"{\"data\":{\"dataset\":\"x\",\"task\":\"language_model\",\"vocabulary\":%d,\"length\":20},\"training\":{"     \
	"\"batch_size\":16},\"model\":{\"layers\":[{\"type\":\"embedding\",\"dimension\":32},{\"type\":\"lstm\","      \
	"\"hidden_size\":32},{\"type\":\"dense\",\"tied\":%s}]}}"

/* As cost.c has it: a translated window in windows that are trained on. */
#define SAID 1.0

/* Seconds of zeroing, looking at and updating the parameters, once. */
static double update(void)
{
	return 1e-9 * optimizer_ns(&spec.training.optimizer, model_params(model)->size);
}

static const size_t process = (size_t)5 << 20;

static void test_bytes(void **state)
{
	(void)state;
	make(SMALL);
	spec.model.n_inputs = 3;
	spec.model.n_outputs = 2;
	struct cost_windows windows = {.train = 100, .test = 11, .table = 5000};
	for (int threads = 1; threads <= 3; threads++) {
		struct cost_bytes bytes = cost_bytes(&spec, model, windows, threads);
		size_t parameters = 8 * model_params(model)->size, held = pass_held(model, 7, 5);
		/* Windows and the order of those that are trained on; what is said of both parts, and three numbers of
		 * each of the larger one to be scored. */
		size_t order = 2 * 100 * 8, said = 8 * ((100 + 11) * 2 + 3 * 100);
		assert_int_equal(bytes.data, order + (100 + 11) * (3 * 7 + 2) * 8 + said + 5000);
		/* One slot of the optimiser; the last, the best, the largest gradients; a checkpoint of both and the
		 * slot. Of what is held inputs, outputs and their gradients, targets, masks. */
		size_t batch = 8 * held * (size_t)threads * (7 * 3 + 2 * 2 + 2);
		assert_int_equal(bytes.model, pass_bytes(model, 7, 5, threads) + batch + (1 + 3 + 3) * parameters);
		/* The next checkpoint is larger than what is predicted, twice: by the model and by a baseline. */
		size_t predicted = 2 * 8 * (100 + 11) * 2;
		assert_int_equal(bytes.results, 3 * parameters > predicted ? 3 * parameters : predicted);
		assert_int_equal(bytes.process, process);
		assert_int_equal(cost_bytes_total(&bytes), bytes.model + bytes.data + bytes.results + process);
	}
}

/* Of one epoch there is no best one beside the last, and no second checkpoint; those of snapshots are kept. */
static void test_bytes_of_epochs(void **state)
{
	(void)state;
	make(SMALL);
	size_t parameters = 8 * model_params(model)->size;
	struct cost_bytes many = cost_bytes(&spec, model, (struct cost_windows){0}, 1);
	spec.training.epochs = 1;
	struct cost_bytes one = cost_bytes(&spec, model, (struct cost_windows){0}, 1);
	assert_int_equal(many.model - one.model, parameters);
	assert_int_equal(many.results - one.results, parameters);
	spec.training.snapshots.count = 4;
	assert_int_equal(cost_bytes(&spec, model, (struct cost_windows){0}, 1).model - one.model, 4 * parameters);
}

/* A fold has a model and windows of its own, of the same table. */
static void test_bytes_of_folds(void **state)
{
	(void)state;
	make(SMALL);
	struct cost_windows windows = {.train = 100, .test = 11, .table = 5000};
	struct cost_bytes alone = cost_bytes(&spec, model, windows, 1);
	spec.folds.count = 5;
	struct cost_bytes folds = cost_bytes(&spec, model, windows, 1);
	assert_int_equal(folds.model, 2 * alone.model);
	assert_int_equal(folds.data - 5000, 2 * (alone.data - 5000));
}

/* Of words three bytes, and at the end 16 probabilities and a place at each of 70 steps: fifty times as much. */
static void test_bytes_of_what_is_predicted(void **state)
{
	(void)state;
	make("{\"data\":{\"dataset\":\"copying_50\",\"task\":\"words\",\"word_bits\":4,\"length\":71},\"training\":{"
	     "\"loss\":\"cross_entropy\"},\"model\":{\"layers\":[{\"type\":\"lstm\"}]}}");
	struct cost_bytes some = cost_bytes(&spec, model, (struct cost_windows){.train = 200, .test = 100}, 1);
	assert_int_equal(some.data, 2 * 200 * 8 + 300 * 3 * 71);
	/* A piece of 64 beside them. */
	assert_int_equal(some.results, 300 * 70 * (16 + 1) * 8 + 64 * 70 * 16 * 8);
}

/* Of a language model, with 20 steps each a vocabulary wide: what is said of what is held, and its gradient; at the end
 * three numbers of a token of the test part, and a batch at once or counts of the training part, whatever is more. */
static void test_bytes_of_a_vocabulary(void **state)
{
	(void)state;
	char text[512];
	snprintf(text, sizeof text, LANGUAGE, 5000, "false");
	make(text);
	size_t held = pass_held(model, 20, 16), parameters = 8 * model_params(model)->size;
	size_t slots = optimizer_bytes(&spec.training.optimizer, model_params(model)->size);
	size_t without = pass_bytes(model, 20, 16, 1) + 3 * parameters + slots + (2 * parameters + slots);
	struct cost_windows windows = {.train = 64, .test = 32, .tokens = 1900, .table = 9000};
	struct cost_bytes bytes = cost_bytes(&spec, model, windows, 1);
	assert_int_equal(bytes.model, without + 8 * held * 20 * (1 + 2 * 5000 + 2));
	assert_int_equal(bytes.data, 2 * 64 * 8 + 1900 * 4 + 9000);
	assert_int_equal(bytes.results, 8 * 3 * 32 * 20 + 20 * 5000 * 8 * 16);
	windows.train = 1000000;
	assert_int_equal(cost_bytes(&spec, model, windows, 1).results, 8 * 2 * 3 * 32 * 20 + 12 * 20 * (size_t)1000000);
}

/* A token and its tag are numbers of four bytes; at the end there are three numbers and a place of each, from the model
 * and from the tag that a token has most often, which is counted. Uncounted texts are all of the greatest length. */
static void test_bytes_of_tagged_texts(void **state)
{
	(void)state;
	make("{\"data\":{\"dataset\":\"x\",\"task\":\"tagging\",\"max_length\":60,\"classes\":5},\"type\":\"lstm\"}");
	static const size_t counted[] = {100000, 0}, tokens[] = {100000, 12000 * 60};
	size_t counts = (size_t)spec.text.lexicon.size * 5 * 4;
	for (int k = 0; k < 2; k++) {
		struct cost_windows windows = {.train = 10000, .test = 2000, .table = 1000, .tokens = counted[k]};
		struct cost_bytes bytes = cost_bytes(&spec, model, windows, 1);
		assert_int_equal(bytes.data, 2 * 10000 * 8 + tokens[k] * 2 * 4 + 2 * 12000 * 8 + 1000);
		assert_int_equal(bytes.results, 2 * tokens[k] * 4 * 8 + counts);
	}
}

/* While it is read the file is there beside the table, before there is a model. */
static void test_bytes_of_a_large_file(void **state)
{
	(void)state;
	make("{\"data\":{\"dataset\":\"x\",\"task\":\"text_classification\",\"classes\":2},\"type\":\"lstm\"}");
	struct cost_windows windows = {.train = 10, .test = 2, .table = (size_t)1 << 30, .tokens = 100};
	struct cost_bytes bytes = cost_bytes(&spec, model, windows, 1);
	assert_int_equal(cost_bytes_total(&bytes), 2 * windows.table + process);
}

static void test_seconds(void **state)
{
	(void)state;
	make(SMALL);
	struct cost_seconds seconds;
	double batch = 0;
	assert_int_equal(model_estimate(model, 7, 5, &batch, NULL), 0);
	assert_int_equal(
	    cost_seconds(&spec, model, (struct cost_windows){.train = 100, .test = 30}, 1.0, &seconds, NULL), 0);
	/* The loss of 5 rows of one output beside it. */
	assert_true(batch > 0 && fabs(seconds.batch / (batch + 5e-9 * loss_find("mse")->ns) - 1) < 1e-12);
	batch = seconds.batch;
	/* 100 windows in batches of 5, and the forward pass of 30 counts as 10 of them; 20 updates. */
	assert_true(fabs(seconds.epoch / (batch * 22 + 20 * update()) - 1) < 1e-12);
	assert_true(fabs(seconds.training / (30 * seconds.epoch) - 1) < 1e-12);
	struct cost_seconds slower;
	assert_int_equal(
	    cost_seconds(&spec, model, (struct cost_windows){.train = 100, .test = 30}, 0.25, &slower, NULL), 0);
	assert_true(slower.batch == 4 * seconds.batch && fabs(slower.training / seconds.training - 4) < 1e-12);
}

/* Texts take as long as their steps, a translation as what is said of the part by which epochs are chosen, and at the
 * end by a beam of all. */
static void test_seconds_of_texts(void **state)
{
	(void)state;
	struct cost_seconds whole, counted, translated;
	make("{\"data\":{\"dataset\":\"x\",\"task\":\"tagging\",\"max_length\":60,\"classes\":5},\"type\":\"lstm\"}");
	struct cost_windows windows = {.train = 100, .test = 30};
	assert_int_equal(cost_seconds(&spec, model, windows, 1.0, &whole, NULL), 0);
	double size = spec.training.batch_size, updates = 100 / size * update();
	assert_true(fabs(whole.epoch / (whole.batch * 110 / size + updates) - 1) < 1e-12);
	windows.train_steps = 100 * 15;
	windows.test_steps = 30 * 20;
	assert_int_equal(cost_seconds(&spec, model, windows, 1.0, &counted, NULL), 0);
	assert_true(counted.batch == whole.batch);
	assert_true(fabs(counted.epoch / (whole.batch * (25 + 10.0 / 3) / size + updates) - 1) < 1e-12);
	spec.task = TASK_TRANSLATION;
	spec.text.length = 59;
	spec.beam_width = 4;
	windows.validation = 10;
	assert_int_equal(cost_seconds(&spec, model, windows, 1.0, &translated, NULL), 0);
	double said = 10.0 / 3;
	assert_true(fabs((translated.epoch - counted.epoch) / (SAID * said * whole.batch / size) - 1) < 1e-12);
	double last = translated.training - spec.training.epochs * translated.epoch;
	assert_true(fabs(last / (SAID * 4 * 10 * whole.batch / size) - 1) < 1e-9);
}

/* Of a batch, with outputs as many as the vocabulary has words. */
static double language_seconds(int words, const char *tied, double *left_out)
{
	char text[512];
	struct cost_seconds seconds;
	double estimate = 0;
	snprintf(text, sizeof text, LANGUAGE, words, tied);
	make(text);
	assert_int_equal(spec.model.n_outputs, words);
	assert_int_equal(model_estimate(model, 20, 16, &estimate, NULL), 0);
	assert_int_equal(cost_seconds(&spec, model, (struct cost_windows){.train = 100}, 1.0, &seconds, NULL), 0);
	model_free(model);
	model = NULL;
	*left_out = seconds.batch - estimate;
	return seconds.batch;
}

/* A vocabulary's softmax, and its products where they are tied to the embedding: 20 steps of 16 samples. */
static void test_seconds_of_a_vocabulary(void **state)
{
	(void)state;
	double ns = loss_find("cross_entropy")->ns, said, shared;
	assert_true(ns > 1);
	double own = language_seconds(5000, "false", &said), tied = language_seconds(5000, "true", &shared);
	assert_true(fabs(1e9 * said / (20 * 16 * 5000 * ns) - 1) < 1e-9);
	/* The same products, whoever has the weights. */
	assert_true(fabs(shared / said - 1) < 1e-9);
	assert_true(fabs(tied / own - 1) < 1e-9);
	assert_true(language_seconds(10000, "true", &said) > 1.9 * tied);
}

static void test_a_plan_that_takes_no_such_circuit(void **state)
{
	(void)state;
	struct cost_seconds seconds;
	struct qlstm_error error = {0};
	make("{\"variant\":\"chen2024\",\"n_qubits\":18,\"depth\":30,\"hidden_size\":9,\"simulation\":{\"plan\":"
	     "\"local\"}}");
	assert_int_equal(
	    cost_seconds(&spec, model, (struct cost_windows){.train = 1, .test = 1}, 1.0, &seconds, &error),
	    ERR_TOO_LARGE);
	assert_memory_equal(error.pointer, "/model", 6);
}

/* The sum of both counts, to the byte. */
static void test_memory_is_refused(void **state)
{
	(void)state;
	make(SMALL);
	static const struct {
		struct cost_bytes bytes;
		size_t limit;
		int code;
	} cases[] = {
	    {{3 << 20, 1 << 20, 0, 0}, 4 << 20, 0},
	    {{3 << 20, (1 << 20) + 1, 0, 0}, 4 << 20, ERR_TOO_LARGE},
	    {{1 << 20, 1 << 20, 1 << 20, 1 << 20}, 4 << 20, 0},
	    {{1 << 20, 1 << 20, (1 << 20) + 1, 1 << 20}, 4 << 20, ERR_TOO_LARGE},
	    {{1 << 20, 1 << 20, 1 << 20, (1 << 20) + 1}, 4 << 20, ERR_TOO_LARGE},
	    {{0, 5 << 20, 0, 0}, 5 << 20, 0},
	    {{0, 5 << 20, 0, 0}, 4 << 20, ERR_TOO_LARGE}, /* the data alone */
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct qlstm_error error = {0};
		assert_int_equal(cost_check_bytes(&spec, &cases[i].bytes, cases[i].limit, &error), cases[i].code);
		assert_int_equal(error.code, cases[i].code);
	}
	struct qlstm_error error = {0};
	cost_check_bytes(&spec, &(struct cost_bytes){.model = 5 << 20, .data = 2 << 20}, 4 << 20, &error);
	assert_string_equal(error.pointer, "/model/layers/0/n_qubits");
	assert_string_equal(error.message,
	                    "n_qubits is 2; the experiment would take 7 MiB of memory; allowed are 4 MiB; "
	                    "use fewer qubits, a smaller batch_size or a shorter window");
}

/* The estimate may be off by four. */
static void test_time_is_refused(void **state)
{
	(void)state;
	make(SMALL);
	spec.max_seconds = 10;
	static const struct {
		double training;
		int threads, code;
	} cases[] = {{40, 1, 0}, {40.01, 1, ERR_INVALID}, {80, 2, 0}, {80.01, 2, ERR_INVALID}, {0, 1, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct cost_seconds seconds = {.training = cases[i].training};
		assert_int_equal(cost_check_seconds(&spec, &seconds, cases[i].threads, NULL), cases[i].code);
	}
	struct qlstm_error error = {0};
	cost_check_seconds(&spec, &(struct cost_seconds){.training = 1234}, 1, &error);
	assert_string_equal(error.pointer, "/model/layers/0/n_qubits");
	assert_string_equal(error.message,
	                    "n_qubits is 2; the training would take about 1.23e+03 s and limits.max_seconds "
	                    "is 10; use fewer qubits, less depth or fewer epochs, or raise limits.max_seconds");
}

/* What to make smaller: the widest circuit, the first of equals; without any the batch. */
static void test_the_field_to_make_smaller(void **state)
{
	(void)state;
	static const struct {
		const char *spec, *pointer, *message;
	} cases[] = {
	    {"{\"model\":{\"layers\":[{\"type\":\"lstm\"},{\"type\":\"qlstm\",\"n_qubits\":2},{\"type\":\"qlstm\","
	     "\"n_qubits\":3},{\"type\":\"qlstm\",\"n_qubits\":3},{\"type\":\"qlstm\",\"n_qubits\":1}]}}",
	     "/model/layers/2/n_qubits", "n_qubits is 3; "},
	    {"{\"type\":\"lstm\",\"training\":{\"batch_size\":77}}", "/training/batch_size", "batch_size is 77; "},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct qlstm_error error = {0};
		make(cases[i].spec);
		assert_int_equal(cost_check_bytes(&spec, &(struct cost_bytes){.model = 2}, 1, &error), ERR_TOO_LARGE);
		assert_string_equal(error.pointer, cases[i].pointer);
		assert_memory_equal(error.message, cases[i].message, strlen(cases[i].message));
		drop(state);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, drop)
	const struct CMUnitTest tests[] = {
	    TEST(test_bytes),
	    TEST(test_bytes_of_epochs),
	    TEST(test_bytes_of_folds),
	    TEST(test_bytes_of_a_large_file),
	    TEST(test_bytes_of_what_is_predicted),
	    TEST(test_bytes_of_tagged_texts),
	    TEST(test_bytes_of_a_vocabulary),
	    TEST(test_seconds),
	    TEST(test_seconds_of_texts),
	    TEST(test_seconds_of_a_vocabulary),
	    TEST(test_a_plan_that_takes_no_such_circuit),
	    TEST(test_memory_is_refused),
	    TEST(test_time_is_refused),
	    TEST(test_the_field_to_make_smaller),
	};
	return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
