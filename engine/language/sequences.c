/* Sequences of tokens: labels, the lexicon, then text by text. */
#include "engine/language/sequences.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, "/inputs", "out of memory for texts");
}

const struct texts *sequences_texts(const struct table *table, int column, struct qlstm_error *error)
{
	const struct column *at = column >= 0 && column < table->n_columns ? &table->columns[column] : NULL;
	if (at != NULL && at->texts != NULL && at->texts->count == table->n_rows)
		return at->texts;
	error_set(error, ERR_INVALID, "/dataset",
	          "the data set holds no texts; it is uploaded with text=labelled, tagged, pairs or lines");
	return NULL;
}

/* The labels that there are, by their bytes. */
static int find_labels(struct sequences *s, const struct texts *texts, struct qlstm_error *error)
{
	struct vocabulary met = {0};
	size_t *order = NULL;
	int rc = 0;
	for (size_t row = 0; rc == 0 && row < texts->count; row++) {
		const char *text = texts_at(texts, row);
		struct tokens tags;
		tokens_open(&tags, TOKENIZER_GIVEN, false, text);
		if (!s->per_token && vocabulary_add(&met, text, strlen(text), 1) < 0)
			rc = no_memory(error);
		while (rc == 0 && s->per_token && tokens_next(&tags))
			if (vocabulary_add(&met, tags.token, tags.length, 1) < 0)
				rc = no_memory(error);
	}
	if (rc == 0 && vocabulary_size(&met) > (size_t)s->classes)
		rc = error_set(error, ERR_INVALID, "/classes", "classes is %d; the data set has %zu different %s",
		               s->classes, vocabulary_size(&met), s->per_token ? "tags" : "labels");
	if (rc == 0)
		rc = vocabulary_order(&met, 1, &order, error);
	for (size_t k = 0; rc == 0 && k < vocabulary_size(&met); k++) {
		const char *label = vocabulary_word(&met, order[k]);
		if (vocabulary_add(&s->labels, label, strlen(label), met.counts[order[k]]) < 0)
			rc = no_memory(error);
	}
	free(order);
	vocabulary_free(&met);
	return rc;
}

static int add_class(struct sequences *s, const char *label, size_t length, struct qlstm_error *error)
{
	return numbers_add(&s->classes_of, (int32_t)vocabulary_find(&s->labels, label, length), error);
}

/* Those of a text with so many tokens; target NULL: nothing is known of them. */
static int take_classes(struct sequences *s, const char *target, size_t n, struct qlstm_error *error)
{
	struct tokens tags;
	int rc = 0;
	if (target == NULL) {
		for (size_t k = 0; rc == 0 && k < (s->per_token ? n : 1); k++)
			rc = numbers_add(&s->classes_of, SEQUENCES_UNKNOWN, error);
		return rc;
	}
	if (!s->per_token)
		return add_class(s, target, strlen(target), error);
	tokens_open(&tags, TOKENIZER_GIVEN, false, target);
	while (rc == 0 && tokens_next(&tags))
		rc = add_class(s, tags.token, tags.length, error);
	return rc;
}

static int take_text(struct sequences *s, const struct sequences_config *config, const char *text, const char *target,
                     size_t row, struct qlstm_error *error)
{
	size_t start = s->tokens.count, first = s->classes_of.count, most = (size_t)config->length;
	int rc = lexicon_read(&s->lexicon, text, &s->tokens, NULL, error);
	size_t n = s->tokens.count - start;
	if (rc == 0)
		rc = take_classes(s, target, n, error);
	if (rc == 0 && n == 0)
		return error_set(error, ERR_INVALID, "/inputs/0", "the text of row %zu (from 0) holds no token", row);
	if (rc == 0 && s->per_token && s->classes_of.count - first != n)
		return error_set(error, ERR_INVALID, "/targets/0", "row %zu (from 0) has %zu tokens and %zu tags", row,
		                 n, s->classes_of.count - first);
	if (n > most) {
		numbers_shorten(&s->tokens, start, most, config->keep == KEEP_LAST);
		if (s->per_token)
			numbers_shorten(&s->classes_of, first, most, config->keep == KEEP_LAST);
		s->cut++;
		n = most;
	}
	s->steps = (int)n > s->steps ? (int)n : s->steps;
	return rc;
}

/* targets NULL: the classes are not known. */
static int take_all(struct sequences *s, const struct sequences_config *config, const struct texts *inputs,
                    const struct texts *targets, struct qlstm_error *error)
{
	size_t count = parts_count(&s->parts);
	int rc = 0;
	s->starts = calloc(count + 1, sizeof *s->starts);
	if (s->starts == NULL)
		return no_memory(error);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		size_t row = s->order != NULL ? s->order[i] : i;
		const char *target = targets != NULL ? texts_at(targets, row) : NULL;
		rc = take_text(s, config, texts_at(inputs, row), target, row, error);
		s->starts[i + 1] = s->tokens.count;
	}
	return rc;
}

int sequences_take(const struct table *table, const struct sequences_config *config, struct sequences *out,
                   struct qlstm_error *error)
{
	struct sequences s = {.per_token = config->per_token, .classes = config->classes};
	const struct texts *inputs = sequences_texts(table, config->input, error);
	const struct texts *targets = sequences_texts(table, config->target, error);
	int rc = inputs != NULL && targets != NULL ? 0 : ERR_INVALID;
	if (rc == 0)
		rc = split_parts(&config->split, table->n_rows, (struct split_rows){.stride = 1}, "text", &s.parts,
		                 error);
	if (rc == 0)
		rc = split_order(&config->split, table->n_rows, &s.order, error);
	if (rc == 0)
		rc = find_labels(&s, targets, error);
	if (rc == 0)
		rc = lexicon_learn(&s.lexicon, &config->lexicon, inputs, s.order, s.parts.train, error);
	if (rc == 0)
		rc = take_all(&s, config, inputs, targets, error);
	if (rc != 0) {
		sequences_free(&s);
		return rc;
	}
	*out = s;
	return 0;
}

int sequences_read(const struct table *table, const struct sequences_config *config, struct lexicon *lexicon,
                   struct vocabulary *labels, struct sequences *out, struct qlstm_error *error)
{
	struct sequences s = {.per_token = config->per_token,
	                      .classes = config->classes,
	                      .parts.test = table->n_rows,
	                      .lexicon = *lexicon,
	                      .labels = *labels};
	*lexicon = (struct lexicon){0};
	*labels = (struct vocabulary){0};
	const struct texts *inputs = sequences_texts(table, config->input, error), *targets = NULL;
	int rc = inputs != NULL ? 0 : ERR_INVALID;
	if (rc == 0 && config->target >= 0) {
		targets = sequences_texts(table, config->target, error);
		rc = targets != NULL ? 0 : ERR_INVALID;
	}
	if (rc == 0)
		rc = take_all(&s, config, inputs, targets, error);
	if (rc != 0) {
		sequences_free(&s);
		return rc;
	}
	*out = s;
	return 0;
}

void sequences_free(struct sequences *s)
{
	free(s->order);
	free(s->starts);
	lexicon_free(&s->lexicon);
	vocabulary_free(&s->labels);
	numbers_free(&s->tokens);
	numbers_free(&s->classes_of);
	*s = (struct sequences){0};
}

static size_t length_of(const void *self, size_t index)
{
	return sequences_length(self, index);
}

static void gather(const void *self, const size_t *order, size_t first, size_t count, const struct samples_batch *out)
{
	const struct sequences *s = self;
	for (size_t b = 0; b < count; b++) {
		size_t i = samples_at(order, first, b), n = sequences_length(s, i);
		const int32_t *tokens = s->tokens.values + s->starts[i];
		const int32_t *classes = s->classes_of.values + (s->per_token ? s->starts[i] : i);
		out->lengths[b] = (int)n;
		for (size_t t = 0; t < (size_t)out->steps; t++) {
			out->x[t * count + b] = t < n ? tokens[t] : LEXICON_PADDING;
			if (!s->per_token)
				continue;
			bool known = t < n && classes[t] != SEQUENCES_UNKNOWN;
			out->target[t * count + b] = known ? classes[t] : 0;
			out->mask[t * count + b] = known;
		}
		if (!s->per_token)
			out->target[b] = classes[0] != SEQUENCES_UNKNOWN ? classes[0] : 0;
	}
}

static size_t count_rows(const void *self, const size_t *order, size_t first, size_t count)
{
	const struct sequences *s = self;
	size_t rows = 0;
	for (size_t b = 0; b < count; b++)
		rows += sequences_length(s, samples_at(order, first, b));
	return rows;
}

struct samples sequences_samples(const struct sequences *s)
{
	return (struct samples){.shape = {.steps = s->steps,
	                                  .n_inputs = 1,
	                                  .target = TARGET_CLASSES,
	                                  .width = s->classes,
	                                  .per_step = s->per_token,
	                                  .masked = s->per_token},
	                        .n_train = s->parts.train,
	                        .n_validation = s->parts.validation,
	                        .n_test = s->parts.test,
	                        .self = s,
	                        .gather = gather,
	                        .count_rows = s->per_token ? count_rows : NULL,
	                        .length = length_of};
}
