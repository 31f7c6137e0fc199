/* The weights' file of an experiment, in memory. */
#ifndef QLSTM_API_EXPORT_WEIGHTS_FILE_H
#define QLSTM_API_EXPORT_WEIGHTS_FILE_H

#include "server/api/artifacts.h"

struct weights_file {
	const unsigned char *bytes;
	size_t length;
};

/* Maps the file, or answers the client and says false: as artifact_open_or_reply, and with a 422 where there are more
 * than `limit` bytes, which `format` is not for. */
bool weights_file_open_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                                enum artifact which, size_t limit, const char *format, struct weights_file *out);
void weights_file_close(struct weights_file *file);

/* The artifact that the query parameter `epoch` names; false: answered. */
bool weights_epoch_or_reply(const struct http_request *request, struct http_reply *reply, enum artifact *which);

#endif
