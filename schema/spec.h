/* An experiment's spec: from the user's JSON to the engine's configuration structs.
 *
 *   request --spec_resolve--> long form --spec_bind--> with columns chosen --spec_parse--> struct spec
 *
 * Posting a resolved spec again gives the same run. Ranges and defaults come from experiment.schema.json alone. */
#ifndef QLSTM_SCHEMA_SPEC_H
#define QLSTM_SCHEMA_SPEC_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/data/table.h"
#include "engine/data/windows.h"
#include "engine/error.h"
#include "engine/nn/model.h"
#include "engine/train/trainer.h"

#define SPEC_NAME_SIZE 204

struct spec {
	char name[SPEC_NAME_SIZE * 4]; /* UTF-8 */
	char dataset[SPEC_NAME_SIZE * 4];
	struct windows_config windows; /* column indices are set by spec_columns */
	struct model_config model;     /* n_inputs and n_outputs from the spec's columns (1 where it names none) */
	struct trainer_config training;
	bool batch_first; /* of the first recurrent layer */
	double max_seconds;
	int max_attempts;
};

/* What spec_bind must know of a data set. */
struct spec_columns {
	int count;
	const char *const *names;
	const bool *numeric;
};

/* The parsed experiment.schema.json; borrowed, built once, thread-safe. NULL only when out of memory. */
const json_t *spec_schema(void);

/* Parses request text: ERR_SYNTAX with line and column; duplicate keys are refused. *request is the caller's. */
int spec_load(const char *text, size_t length, json_t **request, struct qlstm_error *error);

/* Expands the shorthand, validates, fills in defaults, adds the dense head. *resolved is the caller's. Columns may
 * still be absent. */
int spec_resolve(const json_t *request, json_t **resolved, struct qlstm_error *error);

/* Chooses and checks the columns in place: fills absent /data/inputs and /data/targets with names (the column named
 * "value", else the last numeric one), turns indices into names, refuses unknown (with the nearest name) and
 * non-numeric ones. */
int spec_bind(json_t *resolved, const struct spec_columns *columns, struct qlstm_error *error);

/* Into the engine's structs, then the checks that a schema cannot say (model_new's; inversward with bidirectional;
 * ...). `resolved` may be unbound: one input and one target are assumed then. */
int spec_parse(const json_t *resolved, struct spec *out, struct qlstm_error *error);

/* Looks the bound column names up in a table and writes their indices into spec->windows. */
int spec_columns(struct spec *spec, const json_t *resolved, const struct table *table, struct qlstm_error *error);

/* SHA-256 in hex of what determines the result (data, model, training, simulation, data hash); ties checkpoints to
 * their experiment. Needs sodium_init. */
void spec_fingerprint(const json_t *resolved, const char *data_sha256, char out[65]);

#endif
