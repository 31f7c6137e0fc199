/* Sequences of tokens as samples, each of its own length: a class for each token (tagging), or one for the whole text.
 *
 * A sample is [steps] token numbers, of a batch as many steps as its longest sample has; shorter ones are followed by
 * padding, which counts nowhere and changes nothing (samples.h). split.h says which texts are trained on. */
#ifndef QLSTM_LANGUAGE_SEQUENCES_H
#define QLSTM_LANGUAGE_SEQUENCES_H

#include "engine/data/samples.h"
#include "engine/data/split.h"
#include "engine/data/table.h"
#include "engine/language/lexicon.h"

enum kept_tokens { KEEP_FIRST, KEEP_LAST };

/* Of a class that is not known. */
enum { SEQUENCES_UNKNOWN = -1 };

struct sequences_config {
	int input, target;     /* columns of texts; sequences_read: target -1 where nothing is known of the classes */
	bool per_token;        /* the target is a tag for each token; else the text's label */
	int length;            /* tokens of a text at most */
	enum kept_tokens keep; /* of a longer one */
	int classes;           /* that there may be */
	struct split split;    /* resolved */
	struct lexicon_config lexicon;
};

struct sequences {
	bool per_token;
	int steps; /* of the longest */
	int classes;
	struct parts parts;
	size_t *order;             /* [samples]: which text each one is; NULL: the same */
	struct lexicon lexicon;    /* learned from the training part */
	struct vocabulary labels;  /* the classes' names, in the order of their bytes */
	struct numbers tokens;     /* of all samples, in their order, one behind the other */
	struct numbers classes_of; /* of each token; or of each sample */
	size_t *starts;            /* [samples + 1]: of a sample's tokens */
	size_t cut;                /* texts that were longer than `length` */
};

/* Errors point into the experiment's data part: "/dataset" (no texts), "/inputs/0" (a text without tokens), "/classes"
 * (more labels than said), "/split/train". */
int sequences_take(const struct table *table, const struct sequences_config *config, struct sequences *out,
                   struct qlstm_error *error);
/* The same for a model that was trained: all texts are the test part, in the order of the table; a class that `labels`
 * does not have is SEQUENCES_UNKNOWN, for which the samples have class 0. Takes over lexicon and labels, which are {0}
 * afterwards, also after an error. */
int sequences_read(const struct table *table, const struct sequences_config *config, struct lexicon *lexicon,
                   struct vocabulary *labels, struct sequences *out, struct qlstm_error *error);
void sequences_free(struct sequences *sequences);
/* Borrows `sequences`. */
struct samples sequences_samples(const struct sequences *sequences);

/* The texts of a column, NULL with an error at "/dataset" where the table holds none. */
const struct texts *sequences_texts(const struct table *table, int column, struct qlstm_error *error);

static inline size_t sequences_length(const struct sequences *sequences, size_t sample)
{
	return sequences->starts[sample + 1] - sequences->starts[sample];
}

#endif
