/* Translations. */
#include "server/worker/translate.h"

#include <stdlib.h>

#include "engine/decode/beam.h"
#include "engine/text.h"

static int no_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for translations");
}

static int open_said(struct translate_said *said, size_t count, size_t length, struct qlstm_error *error)
{
	*said = (struct translate_said){.room = length};
	said->tokens = calloc(count * length, sizeof *said->tokens);
	said->lengths = calloc(count, sizeof *said->lengths);
	said->log_probability = calloc(count, sizeof *said->log_probability);
	bool room = said->tokens != NULL && said->lengths != NULL && said->log_probability != NULL;
	return room ? 0 : no_memory(error);
}

void translate_free(struct translate_said *said)
{
	free(said->tokens);
	free(said->lengths);
	free(said->log_probability);
	*said = (struct translate_said){0};
}

/* x [steps][count] and the lengths; steps is that of the longest. */
static int lay_out(const struct translate_source *sources, size_t count, struct beam_sources *out, double **x,
                   int **lengths, struct qlstm_error *error)
{
	size_t steps = 1;
	for (size_t i = 0; i < count; i++)
		steps = sources[i].count > steps ? sources[i].count : steps;
	*x = malloc(steps * count * sizeof **x);
	*lengths = malloc(count * sizeof **lengths);
	if (*x == NULL || *lengths == NULL)
		return no_memory(error);
	for (size_t i = 0; i < count; i++) {
		(*lengths)[i] = (int)sources[i].count;
		for (size_t t = 0; t < steps; t++)
			(*x)[t * count + i] = t < sources[i].count ? sources[i].tokens[t] : LEXICON_PADDING;
	}
	*out = (struct beam_sources){.x = *x, .lengths = *lengths, .steps = (int)steps, .count = count};
	return 0;
}

int translate(struct model *model, const struct translate_options *options, const struct translate_source *sources,
              size_t count, struct translate_said *said, struct qlstm_error *error)
{
	const struct beam_config config = {.width = options->beam_width,
	                                   .length_penalty = options->length_penalty,
	                                   .length = options->length + 1, /* an end */
	                                   .begin = LEXICON_BEGIN,
	                                   .end = LEXICON_END,
	                                   .first = LEXICON_FIRST,
	                                   .known = (int)vocabulary_size(&options->target->words)};
	struct beam_sources laid;
	double *x = NULL;
	int *lengths = NULL;
	int rc = open_said(said, count, (size_t)config.length, error);
	if (rc == 0)
		rc = lay_out(sources, count, &laid, &x, &lengths, error);
	if (rc == 0)
		rc = beam_search(model, &config, &laid,
		                 &(struct beam_said){said->tokens, said->lengths, said->log_probability}, error);
	free(x);
	free(lengths);
	if (rc != 0)
		translate_free(said);
	return rc;
}

char *translate_text(const struct lexicon *target, const int32_t *tokens, size_t n)
{
	struct text out = {0};
	char *bytes = NULL;
	size_t length;
	text_write(&out, "", 0);
	lexicon_write(target, tokens, n, &out);
	return text_take(&out, &bytes, &length) == 0 ? bytes : NULL;
}

char *translate_reference(const struct lexicon *target, const char *text)
{
	struct text out = {0};
	struct tokens characters;
	char *bytes = NULL;
	size_t length;
	text_write(&out, "", 0);
	tokens_open(&characters, TOKENIZER_CHARACTER, target->config.lowercase, text);
	while (tokens_next(&characters))
		text_write(&out, characters.token, characters.length);
	return text_take(&out, &bytes, &length) == 0 ? bytes : NULL;
}
