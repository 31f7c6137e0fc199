/* Parameters as files: safetensors with the facts that make them readable elsewhere, or plain JSON. */
#ifndef QLSTM_WORKER_WEIGHTS_H
#define QLSTM_WORKER_WEIGHTS_H

#include <jansson.h>
#include <stdint.h>

#include "engine/error.h"
#include "engine/nn/params.h"

/* Where weights come from; goes into the metadata of their file. Borrowed. */
struct weights_origin {
	const json_t *resolved; /* the spec in its long form */
	uint64_t seed;
	const char *data_sha256;   /* NULL: no data were involved */
	const char *plan;          /* what the circuits ran on */
	const json_t *scaling;     /* of the columns, scaling.h; NULL: no data were involved */
	const json_t *lexicon;     /* how texts are read, lexicon_json.h; NULL: the data are none */
	const json_t *last_window; /* server/common/predict/last_window.h; NULL: none */
	const json_t *circuits;    /* that users wrote, server/common/circuit/circuit_json.h; NULL or {}: none */
};

/* Every parameter by name as safetensors; the same bytes for the same values and origin. *bytes (malloc) is the
 * caller's. Metadata: format, spec, conventions, seed, data_sha256, engine, plan, isa, arithmetic, scaling (absent
 * without data), text (of texts alone), last_window (of a forecasting), circuits (where users wrote some). */
int weights_encode(const struct params *params, const struct weights_origin *origin, unsigned char **bytes,
                   size_t *length, struct qlstm_error *error);

/* Sets every parameter from a file: safetensors, or {"name": nested arrays} when the name ends in ".json". A missing
 * tensor, an extra one and a wrong shape are refused by name; the values are then partly set. */
int weights_load(const char *path, struct params *params, struct qlstm_error *error);

#endif
