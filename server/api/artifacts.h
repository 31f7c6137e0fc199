/* Result files of an experiment. */
#ifndef QLSTM_API_ARTIFACTS_H
#define QLSTM_API_ARTIFACTS_H

#include <jansson.h>

#include "server/api/context.h"
#include "server/http/reply.h"
#include "server/store/experiments.h"

/* What there is; the name is that of the store's row and of the path below /experiments/ID. */
enum artifact {
	ARTIFACT_WEIGHTS,
	ARTIFACT_PREDICTIONS,
	ARTIFACT_REPORT,
	ARTIFACT_TENSORBOARD,
	ARTIFACT_WEIGHTS_LAST, /* of those epochs, whichever the results are of */
	ARTIFACT_WEIGHTS_BEST,
	/* Of training.snapshots, after the epoch that the query parameter `epoch` names. */
	ARTIFACT_SNAPSHOT_WEIGHTS,
	ARTIFACT_SNAPSHOT_PREDICTIONS
};

/* That can be named. */
#define MAX_EPOCH 100000

/* Opens the artifact's file (close it) or answers the client and returns -1: 404 for an experiment that is not known or
 * ended without results, 409 for one that has not ended, 500 for a file that is gone, cut or has other bytes than were
 * recorded. */
int artifact_open_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                           enum artifact artifact, struct artifact_row *row);
/* The same of a row that is known already. */
int artifact_open_row_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                               enum artifact artifact, const struct artifact_row *row);
/* Its row, and the resolved spec of the experiment (the caller's reference); answers and says false as above. */
bool artifact_find_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                            enum artifact artifact, struct artifact_row *row, json_t **spec);
/* Sends the file. */
void artifact_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                    enum artifact artifact);

#endif
