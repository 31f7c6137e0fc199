/* Pairs of texts: the lexicon of either side, then text by text. */
#include "engine/language/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "engine/language/sequences.h"

static const char *const pointers[PAIRS_SIDES] = {[PAIRS_SOURCE] = "/inputs/0", [PAIRS_TARGET] = "/targets/0"};

static int take_text(struct pairs *p, const struct pairs_config *config, enum pairs_side side, const char *text,
                     size_t row, struct qlstm_error *error)
{
	struct pairs_texts *texts = &p->sides[side];
	size_t start = texts->tokens.count;
	int rc = lexicon_read(&texts->lexicon, text, &texts->tokens, NULL, error);
	if (rc != 0)
		return rc;
	size_t n = texts->tokens.count - start;
	if (n == 0)
		return error_set(error, ERR_INVALID, pointers[side], "the text of row %zu (from 0) holds no token",
		                 row);
	p->cut += n > (size_t)config->length;
	numbers_shorten(&texts->tokens, start, (size_t)config->length, false);
	/* A target has its end behind it. */
	int steps = (int)(texts->tokens.count - start) + (side == PAIRS_TARGET);
	p->steps = steps > p->steps ? steps : p->steps;
	return 0;
}

/* By its lexicon. texts NULL: they are not known. */
static int take_side(struct pairs *p, const struct pairs_config *config, enum pairs_side side,
                     const struct texts *texts, struct qlstm_error *error)
{
	struct pairs_texts *own = &p->sides[side];
	size_t count = parts_count(&p->parts);
	own->starts = calloc(count + 1, sizeof *own->starts);
	if (own->starts == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, pointers[side], "out of memory for texts");
	int rc = 0;
	for (size_t i = 0; rc == 0 && texts != NULL && i < count; i++) {
		size_t row = p->order != NULL ? p->order[i] : i;
		rc = take_text(p, config, side, texts_at(texts, row), row, error);
		own->starts[i + 1] = own->tokens.count;
	}
	return rc;
}

static int learn_side(struct pairs *p, const struct pairs_config *config, enum pairs_side side,
                      const struct table *table, struct qlstm_error *error)
{
	const struct texts *texts = sequences_texts(table, config->columns[side], error);
	int rc = texts != NULL
	             ? lexicon_learn(&p->sides[side].lexicon, &config->lexicon, texts, p->order, p->parts.train, error)
	             : ERR_INVALID;
	return rc == 0 ? take_side(p, config, side, texts, error) : rc;
}

int pairs_take(const struct table *table, const struct pairs_config *config, struct pairs *out,
               struct qlstm_error *error)
{
	struct pairs p = {.size = config->lexicon.size};
	int rc = split_parts(&config->split, table->n_rows, (struct split_rows){.stride = 1}, "text", &p.parts, error);
	if (rc == 0)
		rc = split_order(&config->split, table->n_rows, &p.order, error);
	for (int side = 0; rc == 0 && side < PAIRS_SIDES; side++)
		rc = learn_side(&p, config, (enum pairs_side)side, table, error);
	if (rc != 0) {
		pairs_free(&p);
		return rc;
	}
	*out = p;
	return 0;
}

int pairs_read(const struct table *table, const struct pairs_config *config, struct lexicon *lexicons[PAIRS_SIDES],
               struct pairs *out, struct qlstm_error *error)
{
	struct pairs p = {.size = config->lexicon.size, .parts.test = table->n_rows};
	int rc = 0;
	for (int side = 0; side < PAIRS_SIDES; side++) {
		p.sides[side].lexicon = *lexicons[side];
		*lexicons[side] = (struct lexicon){0};
	}
	for (int side = 0; rc == 0 && side < PAIRS_SIDES; side++) {
		bool known = config->columns[side] >= 0;
		const struct texts *texts = known ? sequences_texts(table, config->columns[side], error) : NULL;
		rc = known && texts == NULL ? ERR_INVALID : take_side(&p, config, (enum pairs_side)side, texts, error);
	}
	if (rc != 0) {
		pairs_free(&p);
		return rc;
	}
	*out = p;
	return 0;
}

void pairs_free(struct pairs *p)
{
	for (int side = 0; side < PAIRS_SIDES; side++) {
		lexicon_free(&p->sides[side].lexicon);
		numbers_free(&p->sides[side].tokens);
		free(p->sides[side].starts);
	}
	free(p->order);
	*p = (struct pairs){0};
}

static size_t length_of(const void *self, size_t index)
{
	size_t source = pairs_length(self, PAIRS_SOURCE, index), target = pairs_length(self, PAIRS_TARGET, index) + 1;
	return source > target ? source : target;
}

static void gather(const void *self, const size_t *order, size_t first, size_t count, const struct samples_batch *out)
{
	for (size_t b = 0; b < count; b++) {
		size_t i = samples_at(order, first, b);
		size_t n = pairs_length(self, PAIRS_SOURCE, i), m = pairs_length(self, PAIRS_TARGET, i);
		const int32_t *source = pairs_tokens(self, PAIRS_SOURCE, i);
		const int32_t *target = pairs_tokens(self, PAIRS_TARGET, i);
		out->lengths[b] = (int)n;
		for (size_t t = 0; t < (size_t)out->steps; t++) {
			int32_t given = t == 0 ? LEXICON_BEGIN : t <= m ? target[t - 1] : LEXICON_PADDING;
			out->x[2 * t * count + b] = t < n ? source[t] : LEXICON_PADDING;
			out->x[(2 * t + 1) * count + b] = given;
			out->target[t * count + b] = t < m ? target[t] : t == m ? LEXICON_END : LEXICON_PADDING;
			out->mask[t * count + b] = t <= m;
		}
	}
}

static size_t count_rows(const void *self, const size_t *order, size_t first, size_t count)
{
	size_t rows = 0;
	for (size_t b = 0; b < count; b++)
		rows += pairs_length(self, PAIRS_TARGET, samples_at(order, first, b)) + 1;
	return rows;
}

struct samples pairs_samples(const struct pairs *p)
{
	return (struct samples){.shape = {.steps = p->steps,
	                                  .n_inputs = PAIRS_SIDES,
	                                  .target = TARGET_CLASSES,
	                                  .width = p->size,
	                                  .per_step = true,
	                                  .masked = true},
	                        .n_train = p->parts.train,
	                        .n_validation = p->parts.validation,
	                        .n_test = p->parts.test,
	                        .self = p,
	                        .gather = gather,
	                        .count_rows = count_rows,
	                        .length = length_of};
}
