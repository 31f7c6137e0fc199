/* Whether the service takes new experiments. */
#ifndef QLSTM_API_DRAIN_H
#define QLSTM_API_DRAIN_H

#include "server/api/context.h"

/* ERR_UNAVAILABLE, with the words why, while it is drained or ends. */
int drain_check(struct api *api, struct qlstm_error *error);
bool drain_is_on(struct api *api);

#endif
