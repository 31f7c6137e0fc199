/* How a run read its texts, as JSON in its weights' metadata ("text"), so that a trained model reads new ones:
 *
 *   {"tokenizer": "word", "lowercase": false, "words": ["<pad>", "<unk>", "<bos>", "<eos>", "the", ...],
 *    "merges": ["a b", ...], "labels": ["neg", "pos"]}
 *
 * merges are those of byte pairs, [] of other tokenisers. Of a translation that of the sources, with that of the
 * targets under "target". */
#ifndef QLSTM_WORKER_LEXICON_JSON_H
#define QLSTM_WORKER_LEXICON_JSON_H

#include <jansson.h>

#include "engine/language/lexicon.h"

/* New reference, NULL when out of memory. labels NULL: none. */
json_t *lexicon_json(const struct lexicon *lexicon, const struct vocabulary *labels);
/* Of a translation; likewise. */
json_t *lexicon_json_pair(const struct lexicon *source, const struct lexicon *target);
/* From the text of such JSON. ERR_CORRUPT for another. What was read is the caller's (lexicon_free, vocabulary_free),
 * nothing after a failure. */
int lexicon_json_read(const char *text, struct lexicon *lexicon, struct vocabulary *labels, struct qlstm_error *error);

/* What stands under "target"; likewise. */
int lexicon_json_read_target(const char *text, struct lexicon *lexicon, struct qlstm_error *error);

/* The words of a vocabulary as a list. */
json_t *vocabulary_json(const struct vocabulary *vocabulary);

#endif
