/* Running texts. */
#include "engine/language/streams.h"

#include <stdlib.h>
#include <string.h>

#include "engine/language/sequences.h"

static uint64_t count_characters(const char *text)
{
	uint64_t n = 0;
	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* The tokens of texts first .. first + n - 1, as a part that is not cut. */
static int read_part(struct streams *s, const struct texts *texts, size_t first, size_t n, struct streams_part *part,
                     struct qlstm_error *error)
{
	int rc = 0;
	*part = (struct streams_part){.first = s->tokens.count};
	for (size_t k = first; rc == 0 && k < first + n; k++) {
		rc = lexicon_read(&s->lexicon, texts_at(texts, k), &s->tokens, NULL, error);
		if (rc == 0)
			rc = numbers_add(&s->tokens, LEXICON_END, error);
		part->characters += count_characters(texts_at(texts, k)) + 1;
	}
	part->count = s->tokens.count - part->first;
	return rc;
}

/* Into streams, fewer than there are tokens. */
static void cut_part(const struct streams *s, struct streams_part *part)
{
	size_t streams = (size_t)s->streams, steps = (size_t)s->steps;
	part->length = (part->count - 1 + streams - 1) / streams;
	part->segments = (part->length + steps - 1) / steps;
}

static int take_part(struct streams *s, const struct texts *texts, size_t first, size_t n, struct streams_part *part,
                     struct qlstm_error *error)
{
	size_t streams = (size_t)s->streams;
	int rc = read_part(s, texts, first, n, part, error);
	if (rc != 0 || n == 0)
		return rc;
	if (part->count <= streams)
		return error_set(error, ERR_INVALID, "/split/train",
		                 "a part of %zu texts has %zu tokens; batch_size cuts it into %zu streams", n,
		                 part->count, streams);
	cut_part(s, part);
	return 0;
}

int streams_take(const struct table *table, const struct streams_config *config, struct streams *out,
                 struct qlstm_error *error)
{
	struct streams s = {.steps = config->steps, .streams = config->streams, .size = config->lexicon.size};
	struct parts parts;
	const struct texts *texts = sequences_texts(table, config->input, error);
	int rc = texts != NULL ? 0 : ERR_INVALID;
	if (rc == 0)
		rc =
		    split_parts(&config->split, table->n_rows, (struct split_rows){.stride = 1}, "text", &parts, error);
	if (rc == 0)
		rc = lexicon_learn(&s.lexicon, &config->lexicon, texts, NULL, parts.train, error);
	if (rc == 0) {
		const size_t counts[STREAMS_PARTS] = {parts.train, parts.validation, parts.test};
		size_t first = 0, sample = 0;
		for (int k = 0; rc == 0 && k < STREAMS_PARTS; first += counts[k++]) {
			rc = take_part(&s, texts, first, counts[k], &s.parts[k], error);
			s.parts[k].first_sample = sample;
			sample += s.parts[k].segments * (size_t)s.streams;
		}
	}
	if (rc != 0) {
		streams_free(&s);
		return rc;
	}
	*out = s;
	return 0;
}

int streams_read(const struct table *table, const struct streams_config *config, struct lexicon *lexicon,
                 struct streams *out, struct qlstm_error *error)
{
	struct streams s = {
	    .steps = config->steps, .streams = config->streams, .size = config->lexicon.size, .lexicon = *lexicon};
	struct streams_part *test = &s.parts[STREAMS_PARTS - 1];
	*lexicon = (struct lexicon){0};
	const struct texts *texts = sequences_texts(table, config->input, error);
	int rc = texts != NULL ? read_part(&s, texts, 0, texts->count, test, error) : ERR_INVALID;
	if (rc == 0 && test->count < 2)
		rc = error_set(error, ERR_INVALID, "/dataset",
		               "the texts hold no token with one before it, which could be predicted");
	if (rc != 0) {
		streams_free(&s);
		return rc;
	}
	if (test->count <= (size_t)s.streams)
		s.streams = (int)test->count - 1;
	cut_part(&s, test);
	*out = s;
	return 0;
}

void streams_free(struct streams *s)
{
	lexicon_free(&s->lexicon);
	numbers_free(&s->tokens);
	*s = (struct streams){0};
}

static const struct streams_part *part_of(const struct streams *s, size_t index)
{
	const struct streams_part *part = &s->parts[0];
	while (index >= part->first_sample + part->segments * (size_t)s->streams)
		part++;
	return part;
}

size_t streams_target(const struct streams *s, size_t index, size_t t)
{
	const struct streams_part *part = part_of(s, index);
	size_t k = index - part->first_sample, streams = (size_t)s->streams;
	size_t within = k / streams * (size_t)s->steps + t, at = k % streams * part->length + within;
	return within < part->length && at + 1 < part->count ? part->first + at + 1 : 0;
}

static void gather(const void *self, const size_t *order, size_t first, size_t count, const struct samples_batch *out)
{
	const struct streams *s = self;
	for (size_t b = 0; b < count; b++)
		for (size_t t = 0; t < (size_t)s->steps; t++) {
			size_t target = streams_target(s, samples_at(order, first, b), t), at = t * count + b;
			out->x[at] = target > 0 ? s->tokens.values[target - 1] : LEXICON_PADDING;
			out->target[at] = target > 0 ? s->tokens.values[target] : 0;
			out->mask[at] = target > 0;
		}
}

static size_t count_rows(const void *self, const size_t *order, size_t first, size_t count)
{
	const struct streams *s = self;
	size_t rows = 0;
	for (size_t b = 0; b < count; b++)
		for (size_t t = 0; t < (size_t)s->steps; t++)
			rows += streams_target(s, samples_at(order, first, b), t) > 0;
	return rows;
}

struct samples streams_samples(const struct streams *s)
{
	size_t n[STREAMS_PARTS];
	for (int k = 0; k < STREAMS_PARTS; k++)
		n[k] = s->parts[k].segments * (size_t)s->streams;
	return (struct samples){.shape = {.steps = s->steps,
	                                  .n_inputs = 1,
	                                  .target = TARGET_CLASSES,
	                                  .width = s->size,
	                                  .per_step = true,
	                                  .masked = true,
	                                  .streams = s->streams},
	                        .n_train = n[0],
	                        .n_validation = n[1],
	                        .n_test = n[2],
	                        .self = s,
	                        .gather = gather,
	                        .count_rows = count_rows};
}
