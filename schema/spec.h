/* An experiment's spec: from the user's JSON to the engine's configuration structs.
 *
 *   request --spec_resolve--> long form --spec_bind--> with columns chosen --spec_parse--> struct spec
 *
 * Posting a resolved spec again gives the same run. Ranges and defaults come from experiment.schema.json alone. */
#ifndef QLSTM_SCHEMA_SPEC_H
#define QLSTM_SCHEMA_SPEC_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/data/missing.h"
#include "engine/data/records.h"
#include "engine/data/table.h"
#include "engine/data/windows.h"
#include "engine/data/words.h"
#include "engine/error.h"
#include "engine/language/pairs.h"
#include "engine/language/sequences.h"
#include "engine/language/streams.h"
#include "engine/nn/model.h"
#include "engine/train/trainer.h"

#define SPEC_NAME_SIZE   204
#define SPEC_MAX_CLASSES 1000

/* What is learned of the rows (schema/task.h). */
enum task {
	TASK_FORECASTING,
	TASK_REGRESSION,
	TASK_CLASSIFICATION,
	TASK_WORDS,
	TASK_TAGGING,
	TASK_TEXT_CLASSIFICATION,
	TASK_LANGUAGE_MODEL,
	TASK_TRANSLATION
};

/* What the experiment is to do. */
enum spec_kind { SPEC_TRAINING, SPEC_PREDICTION };

struct spec {
	char name[SPEC_NAME_SIZE * 4]; /* UTF-8 */
	char dataset[SPEC_NAME_SIZE * 4];
	enum spec_kind kind;
	enum task task;
	enum missing missing;
	enum trainer_epoch_kept keep;
	int shown_sequences; /* of words */
	struct windows_config
	    windows;               /* column indices are set by spec_columns; columns, scaling and split of any task */
	struct fold folds;         /* index 0; count 0: none are asked for */
	int period;                /* of a forecasting, in rows; 0: none is said */
	int steps, classes;        /* of tasks whose rows are samples; classes: 0 where there are none */
	struct words_config words; /* of words; column indices are set by spec_columns */
	struct sequences_config text; /* of texts; column indices are set by spec_columns, the split by spec_text */
	int beam_width;               /* of translations, likewise length_penalty (engine/decode/beam.h) */
	double length_penalty;
	char scored[SPEC_NAME_SIZE * 4]; /* of words: the column's name, "": there is none */
	char alphabet[64 * 4 + 1];       /* of words, UTF-8 (schema/alphabet.h); "": there is none */
	bool resume_optimizer;           /* init_from is a training's state */
	bool batch_first;                /* of the first recurrent layer */
	bool balance_classes;
	int n_class_weights;       /* 0: none are said */
	struct model_config model; /* n_inputs and n_outputs from the spec's columns (1 where it names none) */
	struct trainer_config training;
	double class_weights[SPEC_MAX_CLASSES];
	double max_seconds;
	int max_attempts;
};

/* The parsed experiment.schema.json; borrowed, built once, thread-safe. NULL only when out of memory. */
const json_t *spec_schema(void);

/* Parses request text, which may begin with a byte-order mark: ERR_SYNTAX with line and column; duplicate keys are
 * refused. A number that is too large is ERR_OUT_OF_RANGE at its field. *request is the caller's. */
int spec_load(const char *text, size_t length, json_t **request, struct qlstm_error *error);

/* Expands the shorthand, validates, fills in defaults, adds the dense head. *resolved is the caller's. Columns may
 * still be absent; whether the layers fit as many as a data set has is model_new's to say then. */
int spec_resolve(const json_t *request, json_t **resolved, struct qlstm_error *error);

/* Moves the pointer of an error found after spec_resolve to where the request has the field: a shorthand that was
 * expanded. */
void spec_locate(const json_t *request, struct qlstm_error *error);

/* Chooses and checks the columns of a table, of which the values are not looked at, in place: fills absent /data/inputs
 * and /data/targets (of a forecasting what the other one says, else the column by default: choose.h), leaves an index
 * an index, refuses unknown (with the nearest name), ambiguous, non-numeric (with the line or row that holds no
 * number), incomplete (data.missing) and repeated ones. */
int spec_bind(json_t *resolved, const struct table *table, struct qlstm_error *error);

/* Checks in the same way that a table has the inputs of a bound spec, and writes their indices. Of a prediction, whose
 * data need no targets. */
int spec_bind_inputs(const json_t *resolved, const struct table *table, int indices[SAMPLES_MAX_COLUMNS],
                     struct qlstm_error *error);

/* The same of texts: the columns that the spec names, or the only one that there is; *target is -1 where the data have
 * none. */
int spec_bind_texts(const json_t *resolved, const struct table *table, int *input, int *target,
                    struct qlstm_error *error);

/* Into the engine's structs. `resolved` may be unbound: one input and one target are assumed then. What the engine
 * checks (inversward with bidirectional, ...) was checked by spec_resolve, and is by model_new. */
int spec_parse(const json_t *resolved, struct spec *out, struct qlstm_error *error);

/* Looks the bound column names up in a table and writes their indices into spec->windows. */
int spec_columns(struct spec *spec, const json_t *resolved, const struct table *table, struct qlstm_error *error);

/* Time steps of a sample. */
int spec_steps(const struct spec *spec);
/* Of a task whose rows are samples; borrows the spec's columns. */
struct records_config spec_records(const struct spec *spec);
/* Of tagging and text_classification. */
struct sequences_config spec_text(const struct spec *spec);
/* Of translations. */
struct pairs_config spec_pairs(const struct spec *spec);
/* Of a language model. */
struct streams_config spec_streams(const struct spec *spec);
/* What kind of targets the samples have: words for a model that measures them. */
enum target_kind spec_targets(const struct spec *spec);
/* Whether only the rows say where a part ends, by their times or because some are left out: until split_resolve. */
bool spec_split_needs_rows(const struct spec *spec);
/* How many samples a table of n_rows gives; as windows_count and records_count. Where
 * spec_split_needs_rows the fractions are taken: an estimate. */
int spec_count_samples(const struct spec *spec, size_t n_rows, struct parts *out, struct qlstm_error *error);

/* SHA-256 in hex of what determines the result (data, model, training, simulation, data hash); ties checkpoints to
 * their experiment. Fields with x-fingerprint "unless-default" that stand at their default are left out: a field that
 * is new does not orphan the checkpoints of before. Needs sodium_init. */
void spec_fingerprint(const json_t *resolved, const char *data_sha256, char out[65]);

#endif
