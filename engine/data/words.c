/* Words: cutting sequences, checking values. */
#include "engine/data/words.h"

#include <math.h>
#include <stdlib.h>

int words_count(size_t n_rows, const struct words_config *config, struct parts *out, struct qlstm_error *error)
{
	if (config->length < 2 || n_rows % (size_t)config->length != 0)
		return error_set(error, ERR_INVALID, "/length",
		                 "length is %d; %zu rows are no sequences of that length", config->length, n_rows);
	size_t sequences = n_rows / (size_t)config->length;
	size_t train = (size_t)(config->train_fraction * (double)sequences);
	size_t validation = samples_train_count(config->validation_fraction, sequences);
	if (train == 0 || train >= sequences)
		return error_set(error, ERR_INVALID, "/split/train",
		                 "train %g of %zu sequences leaves no %s one: at least one of each is needed",
		                 config->train_fraction, sequences, train == 0 ? "training" : "test");
	if (train + validation >= sequences || (config->validation_fraction > 0 && validation == 0))
		return error_set(error, ERR_INVALID, "/split/validation",
		                 "validation %g of %zu sequences leaves no %s one: at least one of each is needed",
		                 config->validation_fraction, sequences, validation == 0 ? "validation" : "test");
	*out = (struct parts){.train = train, .validation = validation, .test = sequences - train - validation};
	return 0;
}

/* Rows `skip` .. skip + steps - 1 of every sequence, whole numbers from 0 to `most`. */
static int take_column(const struct table *table, int index, const struct words_config *config, size_t skip, int most,
                       const char *pointer, uint8_t *out, struct qlstm_error *error)
{
	const struct column *column = &table->columns[index];
	size_t length = (size_t)config->length;
	if (!column->numeric)
		return error_set(error, ERR_INVALID, pointer, "column '%s' is not numeric", column->name);
	for (size_t row = 0; row < table->n_rows; row++) {
		double value = column->values[row];
		if (!(value >= 0 && value <= most && value == floor(value)))
			return error_set(
			    error, ERR_INVALID, pointer,
			    "column '%s' holds %.17g in row %zu (from 0); allowed are the whole numbers from 0 "
			    "to %d",
			    column->name, value, row, most);
		if (row % length >= skip && row % length < skip + length - 1)
			*out++ = (uint8_t)value;
	}
	return 0;
}

int words_take(const struct table *table, const struct words_config *config, struct word_sequences *out,
               struct qlstm_error *error)
{
	struct word_sequences words = {.steps = config->length - 1, .bits = config->bits};
	int most = (1 << config->bits) - 1;
	int rc = words_count(table->n_rows, config, &words.parts, error);
	if (rc != 0)
		return rc;
	words.inputs = malloc(3 * table->n_rows);
	if (words.inputs == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "/inputs", "out of memory for %zu words", table->n_rows);
	words.targets = words.inputs + table->n_rows;
	words.scored = words.targets + table->n_rows;
	for (size_t k = 0; k < table->n_rows; k++)
		words.scored[k] = (uint8_t)ROW_DRAWN;
	rc = take_column(table, config->input, config, 0, most, "/inputs/0", words.inputs, error);
	if (rc == 0)
		rc = take_column(table, config->target, config, 1, most, "/targets/0", words.targets, error);
	if (rc == 0 && config->scored >= 0)
		rc = take_column(table, config->scored, config, 1, (int)ROW_GIVEN, "/scored", words.scored, error);
	if (rc != 0) {
		words_free(&words);
		return rc;
	}
	*out = words;
	return 0;
}

void words_free(struct word_sequences *words)
{
	free(words->inputs);
	*words = (struct word_sequences){0};
}

static void gather(const void *self, const size_t *order, size_t first, size_t count, const struct samples_batch *out)
{
	const struct word_sequences *words = self;
	size_t steps = (size_t)words->steps, bits = (size_t)words->bits;
	for (size_t b = 0; b < count; b++) {
		size_t start = samples_at(order, first, b) * steps;
		for (size_t t = 0; t < steps; t++) {
			for (size_t k = 0; k < bits; k++)
				out->x[(t * bits + k) * count + b] = words->inputs[start + t] >> (bits - 1 - k) & 1;
			out->target[t * count + b] = words->targets[start + t];
			out->mask[t * count + b] = words->scored[start + t];
		}
	}
}

static size_t count_rows(const void *self, const size_t *order, size_t first, size_t count)
{
	const struct word_sequences *words = self;
	size_t steps = (size_t)words->steps, rows = 0;
	for (size_t b = 0; b < count; b++)
		for (size_t t = 0; t < steps; t++)
			rows += words->scored[samples_at(order, first, b) * steps + t] != (uint8_t)ROW_IGNORED;
	return rows;
}

struct samples words_samples(const struct word_sequences *words, enum target_kind target)
{
	return (struct samples){.shape = {.steps = words->steps,
	                                  .n_inputs = words->bits,
	                                  .target = target,
	                                  .width = 1 << words->bits,
	                                  .per_step = true,
	                                  .masked = true},
	                        .n_train = words->parts.train,
	                        .n_validation = words->parts.validation,
	                        .n_test = words->parts.test,
	                        .self = words,
	                        .gather = gather,
	                        .count_rows = count_rows};
}
