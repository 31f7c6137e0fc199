/* Texts, taken and counted. */
#include "server/common/cost_texts.h"

#include "engine/language/pairs.h"
#include "engine/language/sequences.h"
#include "engine/language/streams.h"
#include "engine/train/batches.h"

/* Steps of a pass over batches that are trained on: each has as many as its longest sample. */
static int count_trained(const struct spec *spec, const struct samples *samples, size_t *steps,
                         struct qlstm_error *error)
{
	const struct trainer_config *training = &spec->training;
	struct batches batches;
	int rc = batches_open(&batches, samples->n_train, (size_t)training->batch_size, training->shuffle,
	                      training->seed, error);
	if (training->bucket && samples->length != NULL)
		batches.by_length = samples;
	*steps = 0;
	for (size_t k = 0; rc == 0 && k < batches_in_pass(&batches); k++) {
		struct batch batch = batches_at(&batches, k);
		*steps += batch.count * (size_t)samples_steps(samples, batch.order, 0, batch.count);
	}
	batches_close(&batches);
	return rc;
}

/* Of those that are not, in their order. */
static size_t count_tested(const struct spec *spec, const struct samples *samples)
{
	size_t steps = 0, size = (size_t)spec->training.batch_size, count = samples_count(samples);
	for (size_t first = samples->n_train; first < count; first += size) {
		size_t n = count - first < size ? count - first : size;
		steps += n * (size_t)samples_steps(samples, NULL, first, n);
	}
	return steps;
}

static int count_samples(const struct spec *spec, const struct samples *samples, struct cost_windows *windows,
                         struct qlstm_error *error)
{
	windows->train = samples->n_train;
	windows->validation = samples->n_validation;
	windows->test = samples->n_validation + samples->n_test;
	windows->test_steps = count_tested(spec, samples);
	return count_trained(spec, samples, &windows->train_steps, error);
}

static int count_streams(const struct spec *spec, const struct table *table, struct cost_windows *windows,
                         struct qlstm_error *error)
{
	const struct streams_config config = spec_streams(spec);
	struct streams streams = {0};
	int rc = streams_take(table, &config, &streams, error);
	if (rc == 0) {
		const struct samples samples = streams_samples(&streams);
		windows->tokens = streams.tokens.count;
		rc = count_samples(spec, &samples, windows, error);
	}
	streams_free(&streams);
	return rc;
}

static int count_pairs(const struct spec *spec, const struct table *table, struct cost_windows *windows,
                       struct qlstm_error *error)
{
	const struct pairs_config config = spec_pairs(spec);
	struct pairs pairs = {0};
	int rc = pairs_take(table, &config, &pairs, error);
	if (rc == 0) {
		const struct samples samples = pairs_samples(&pairs);
		windows->tokens = pairs.sides[PAIRS_SOURCE].tokens.count + pairs.sides[PAIRS_TARGET].tokens.count;
		rc = count_samples(spec, &samples, windows, error);
	}
	pairs_free(&pairs);
	return rc;
}

static int count_sequences(const struct spec *spec, const struct table *table, struct cost_windows *windows,
                           struct qlstm_error *error)
{
	const struct sequences_config config = spec_text(spec);
	struct sequences texts = {0};
	int rc = sequences_take(table, &config, &texts, error);
	if (rc == 0) {
		const struct samples samples = sequences_samples(&texts);
		windows->tokens = texts.tokens.count;
		rc = count_samples(spec, &samples, windows, error);
	}
	sequences_free(&texts);
	return rc;
}

int cost_count_texts(const struct spec *spec, const struct table *table, struct cost_windows *windows,
                     struct qlstm_error *error)
{
	int rc = spec->task == TASK_LANGUAGE_MODEL ? count_streams(spec, table, windows, error)
	         : spec->task == TASK_TRANSLATION  ? count_pairs(spec, table, windows, error)
	                                           : count_sequences(spec, table, windows, error);
	if (rc != 0)
		error_prefix(error, "/data");
	return rc;
}
