/* A submission: the body of POST /experiments on its way to a row of the store. */
#ifndef QLSTM_API_SUBMISSION_H
#define QLSTM_API_SUBMISSION_H

#include <jansson.h>

#include "server/api/context.h"
#include "server/api/initial.h"
#include "server/api/parts/assessments.h"
#include "server/http/http.h"
#include "server/run/state.h"

struct submission {
	json_t *captions;            /* name, project, tags, notes (schema/captions.h); owned */
	struct assessment found;     /* what it is beside these */
	char *spec_json, *tags_json; /* the whole spec, resolved and bound; owned */
	struct initial initial;
};

/* Parses, validates, looks up the data set among those that the viewer sees, counts windows and parameters, and checks
 * that the experiment fits the memory limit; of a request that came before, under whatever name, all but the name and
 * the data set is known (api->assessments). Nothing is stored. On failure the error points into the spec and *out is
 * empty. */
int submission_make(struct api *api, const struct viewer *viewer, const char *text, size_t length,
                    struct submission *out, struct qlstm_error *error);
void submission_free(struct submission *submission);

const char *submission_notes(const struct submission *submission); /* borrowed, as the next */
const char *submission_name(const struct submission *submission);  /* borrowed, as the next */
const char *submission_project(const struct submission *submission);
/* What would be queued, as a 200: {"spec", "model", "data", "engine"}. */
void submission_reply(const struct submission *submission, struct http_reply *reply);

#endif
