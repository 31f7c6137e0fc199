/* Data sets under one roof: built-in series and uploaded ones. */
#ifndef QLSTM_API_CATALOG_H
#define QLSTM_API_CATALOG_H

#include <jansson.h>

#include "engine/data/series.h"
#include "server/api/context.h"
#include "server/store/datasets.h"

struct catalog_entry {
	const struct series *series; /* NULL: an uploaded data set */
	struct dataset_row row;      /* of a built-in series: all but id and created_at */
};
void catalog_entry_free(struct catalog_entry *entry);

/* Generates the built-in series once for their SHA-256: of the values as little-endian float64. Before the first use.
 */
int catalog_open(struct qlstm_error *error);

/* By name of a series, else by id or name of an uploaded one that the viewer sees. ERR_NOT_FOUND suggests the nearest
 * name. */
int catalog_find(struct api *api, const struct viewer *viewer, const char *id_or_name, struct catalog_entry *out,
                 struct qlstm_error *error);

/* An uploaded data set's id, a built-in series' name: what a spec keeps. */
const char *catalog_id(const struct catalog_entry *entry);

/* The resource; new references. */
json_t *catalog_json(const struct catalog_entry *entry);
json_t *catalog_upload_json(const struct dataset_row *row);
/* The series of that index, NULL past the end or out of memory. */
json_t *catalog_builtin_json(int index);

/* What a new data set may be called: ERR_INVALID, ERR_OUT_OF_RANGE or ERR_CONFLICT say why not. */
int catalog_name_check(const char *name, struct qlstm_error *error);

#endif
