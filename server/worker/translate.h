/* Translations by a model with a decoder: tokens of sources to tokens of targets, and these to texts. */
#ifndef QLSTM_WORKER_TRANSLATE_H
#define QLSTM_WORKER_TRANSLATE_H

#include "engine/language/lexicon.h"
#include "engine/nn/model.h"
#include "server/common/cost.h"

/* Hypotheses at once: as many samples as a pass that trains nothing has. */
enum { TRANSLATE_COLUMNS = COST_COLUMNS };

struct translate_options {
	int beam_width;
	double length_penalty;        /* engine/decode/beam.h */
	int length;                   /* tokens said at most */
	const struct lexicon *target; /* borrowed */
};

struct translate_source {
	const int32_t *tokens;
	size_t count; /* above 0 */
};

/* room: where the tokens of the next one begin. An unknown token is never said. */
struct translate_said {
	int32_t *tokens;
	size_t *lengths, room;
	double *log_probability;
};

/* How many sources fit at once. */
static inline size_t translate_at_once(const struct translate_options *options)
{
	return TRANSLATE_COLUMNS / (size_t)options->beam_width;
}

/* Of so many sources at most. *said is the caller's (translate_free), nothing after a failure. The same for a source
 * whatever others there are. */
int translate(struct model *model, const struct translate_options *options, const struct translate_source *sources,
              size_t count, struct translate_said *said, struct qlstm_error *error);
void translate_free(struct translate_said *said);

/* Tokens as a text. malloc, the caller's; NULL: out of memory. */
char *translate_text(const struct lexicon *target, const int32_t *tokens, size_t n);
/* A reference as it is compared: as it is written, in lower case where the lexicon's texts are. Likewise. */
char *translate_reference(const struct lexicon *target, const char *text);

#endif
