/* How a data set is stored, wherever its bytes come from. */
#ifndef QLSTM_API_DATASETS_H
#define QLSTM_API_DATASETS_H

#include "engine/data/csv/dialect.h"
#include "server/access/keeper.h"
#include "server/api/context.h"
#include "server/http/http.h"

struct upload {
	const unsigned char *bytes;
	size_t length;
	const char *type; /* the media type that they come under; NULL: none */
	const char *name; /* that the data set gets, checked (catalog.h) */
	const struct principal *principal;
	struct csv_options csv; /* what is said of them */
};

/* Reads it, stores it and answers: 201 with the resource, 200 where it was there, or a problem. */
void datasets_store(struct api *api, const struct http_request *request, struct http_reply *reply,
                    const struct upload *upload);

#endif
