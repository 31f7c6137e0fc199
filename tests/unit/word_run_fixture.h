/* Trainings on words for tests: that threads change no byte, and that one goes on from a checkpoint. */
#ifndef QLSTM_TESTS_WORD_RUN_FIXTURE_H
#define QLSTM_TESTS_WORD_RUN_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "engine/team.h"
#include "tests/unit/words_fixture.h"

/* What is trained, and by which loss. */
struct word_training {
	struct model_config model;
	const char *loss;
	enum target_kind target;
};

struct word_run {
	struct word_sequences words;
	struct model *model;
	struct trainer *trainer;
	struct team *team;
};

static inline void word_run_open(struct word_run *run, const struct word_training *what, int threads,
                                 enum precision precision)
{
	struct model_config config = what->model;
	struct trainer_config training = {
	    .epochs = 6,
	    .batch_size = 40,
	    .shuffle = true,
	    .seed = 9,
	    .clip_norm = 0.5,
	    .optimizer = {.type = "adam", .learning_rate = 0.05, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}};
	struct qlstm_error error = {0};
	snprintf(training.loss, sizeof training.loss, "%s", what->loss);
	config.precision = precision;
	random_words(&run->words, 0.8);
	run->team = NULL;
	must(team_new(&run->team, threads, &error), &error);
	training.team = run->team;
	must(model_new(&run->model, &config, &error), &error);
	must(trainer_new(&run->trainer, run->model, words_samples(&run->words, what->target), &training, &error),
	     &error);
}

static inline void word_run_close(struct word_run *run)
{
	trainer_free(run->trainer);
	model_free(run->model);
	team_free(run->team);
	words_free(&run->words);
}

static inline struct epoch_metrics word_run_epochs(struct word_run *run, int count)
{
	struct epoch_metrics metrics = {0};
	struct qlstm_error error = {0};
	for (int k = 0; k < count; k++)
		must(trainer_epoch(run->trainer, NULL, NULL, &metrics, &error), &error);
	return metrics;
}

static inline void assert_same_run(struct word_run *a, struct word_run *b, const struct epoch_metrics *x,
                                   const struct epoch_metrics *y)
{
	struct params *p = model_params(a->model), *q = model_params(b->model);
	assert_memory_equal(p->values, q->values, p->size * sizeof(double));
	assert_memory_equal(x->values, y->values, (size_t)x->count * sizeof(double));
}

/* Weights and what was measured, draws of the test part included. */
static inline void threads_change_nothing(const struct word_training *what)
{
	for (int precision = PRECISION_FLOAT64; precision <= PRECISION_FLOAT32; precision++) {
		struct word_run one, two;
		word_run_open(&one, what, 1, (enum precision)precision);
		word_run_open(&two, what, 3, (enum precision)precision);
		struct epoch_metrics a = word_run_epochs(&one, 2), b = word_run_epochs(&two, 2);
		assert_same_run(&one, &two, &a, &b);
		word_run_close(&one);
		word_run_close(&two);
	}
}

static inline void goes_on_from_a_checkpoint(const struct word_training *what)
{
	struct word_run whole, first, second;
	unsigned char *bytes;
	size_t length;
	word_run_open(&whole, what, 1, PRECISION_FLOAT32);
	word_run_open(&first, what, 1, PRECISION_FLOAT32);
	word_run_open(&second, what, 1, PRECISION_FLOAT32);
	struct epoch_metrics a = word_run_epochs(&whole, 4);
	word_run_epochs(&first, 2);
	assert_int_equal(trainer_save(first.trainer, "x", &bytes, &length, NULL), 0);
	assert_int_equal(trainer_load(second.trainer, "x", bytes, length, NULL), 0);
	struct epoch_metrics b = word_run_epochs(&second, 2);
	assert_same_run(&whole, &second, &a, &b);
	free(bytes);
	word_run_close(&whole);
	word_run_close(&first);
	word_run_close(&second);
}

#endif
