/* The weights that an experiment starts from: those of another one, or an uploaded file of weights. */
#ifndef QLSTM_API_INITIAL_H
#define QLSTM_API_INITIAL_H

#include <jansson.h>

#include "engine/nn/params.h"
#include "server/api/context.h"
#include "server/run/state.h"

struct initial {
	char id[RUN_ID_SIZE]; /* of the experiment or the data set; "": it starts from its seed */
	char file[256];       /* below the data directory */
	char sha256[65];
	char optimizer[16]; /* whose state it must be, too (training.optimizer.resume); "": weights are enough */
};

/* What the spec's init_from names among what the viewer sees; the id goes into the spec in its place. ERR_NOT_FOUND,
 * ERR_CONFLICT (an experiment that has not ended), ERR_INVALID (no weights), all at /init_from; ERR_INVALID at
 * /training/optimizer/resume where it names nothing that could be gone on with. */
int initial_find(struct api *api, const struct viewer *viewer, json_t *spec, struct initial *out,
                 struct qlstm_error *error);
/* Whether they fit a model: ERR_INVALID at /init_from names the tensor. The model has them afterwards. ERR_INVALID at
 * /training/optimizer/resume where that wants the state of an optimiser that is not in the file. */
int initial_check(const struct api *api, const struct initial *initial, struct params *params,
                  struct qlstm_error *error);

#endif
