/* A submission: the body of POST /experiments on its way to a row of the store. */
#ifndef QLSTM_API_SUBMISSION_H
#define QLSTM_API_SUBMISSION_H

#include <jansson.h>

#include "server/api/context.h"
#include "server/api/initial.h"
#include "server/run/state.h"

struct submission {
	json_t *spec, *model, *data, *engine;                               /* owned; spec is resolved and bound */
	char *spec_json, *model_json, *data_json, *engine_json, *tags_json; /* the same as text, owned */
	char dataset_id[RUN_ID_SIZE];                                       /* "": built-in */
	struct initial initial;
	int epochs, max_attempts, priority;
	double max_seconds;
};

/* Parses, validates, looks up the data set among those that the viewer sees, counts windows and parameters, and checks
 * that the experiment fits the memory limit. Nothing is stored. On failure the error points into the spec and *out is
 * empty. */
int submission_make(struct api *api, const struct viewer *viewer, const char *text, size_t length,
                    struct submission *out, struct qlstm_error *error);
void submission_free(struct submission *submission);

const char *submission_notes(const struct submission *submission); /* borrowed, as the next */
const char *submission_name(const struct submission *submission);  /* borrowed, as the next */
const char *submission_project(const struct submission *submission);

#endif
