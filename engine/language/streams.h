/* Streams: a running text as samples for a model that predicts the next token.
 *
 * Of each part the texts stand one behind the other, an end (LEXICON_END) behind each. The part is cut into as many
 * streams of equal length as there are samples in a batch, and each stream into segments of `steps` tokens: sample
 * k * streams + b is segment k of stream b, so that sample i goes on where sample i - streams ended (samples.h). Step t
 * reads a token and predicts the one behind it. Every token but the first of a part is predicted exactly once; steps
 * behind the end of a stream do not count. */
#ifndef QLSTM_LANGUAGE_STREAMS_H
#define QLSTM_LANGUAGE_STREAMS_H

#include "engine/data/samples.h"
#include "engine/data/split.h"
#include "engine/data/table.h"
#include "engine/language/lexicon.h"

struct streams_config {
	int input;          /* a column of texts */
	int steps;          /* tokens of a segment */
	int streams;        /* samples of a batch */
	struct split split; /* of the texts, in their order; resolved */
	struct lexicon_config lexicon;
};

struct streams_part {
	size_t first, count; /* of `tokens` */
	size_t length;       /* tokens that a stream predicts at most */
	size_t segments;     /* of a stream */
	size_t first_sample; /* samples are segments * streams */
	uint64_t characters; /* that the texts are written with, an end of a line for each */
};

enum { STREAMS_PARTS = 3 }; /* training, validation, test */

struct streams {
	int steps, streams, size; /* size: of the vocabulary */
	struct streams_part parts[STREAMS_PARTS];
	struct lexicon lexicon; /* learned from the training part */
	struct numbers tokens;  /* of all parts */
};

/* Errors point into the experiment's data part: "/dataset" (no texts), "/split/train", "/length" (a part has fewer
 * tokens than streams). */
int streams_take(const struct table *table, const struct streams_config *config, struct streams *out,
                 struct qlstm_error *error);
/* The same for a model that was trained: all texts are the test part, cut into config->streams streams or, where they
 * are shorter, into fewer. Takes over the lexicon, which is {0} afterwards, also after an error. ERR_INVALID at
 * "/dataset" for texts that hold no token to be predicted. */
int streams_read(const struct table *table, const struct streams_config *config, struct lexicon *lexicon,
                 struct streams *out, struct qlstm_error *error);
void streams_free(struct streams *streams);
/* Borrows `streams`. Its parts have samples; an empty validation part has none. */
struct samples streams_samples(const struct streams *streams);

/* Which token step t of sample `index` predicts: its place in `tokens`; 0: it does not count (no first token is
 * predicted). */
size_t streams_target(const struct streams *streams, size_t index, size_t t);

#endif
