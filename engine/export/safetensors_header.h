/* The JSON header of a safetensors file, read strictly: only what the format allows, and nothing twice. Shared by
 * the reader and the writer; nobody else includes it. */
#ifndef QLSTM_EXPORT_SAFETENSORS_HEADER_H
#define QLSTM_EXPORT_SAFETENSORS_HEADER_H

#include "engine/export/safetensors.h"

#define HEADER_PREFIX   8                           /* bytes of the header's length, before it */
#define HEADER_MAX_SIZE ((size_t)100 * 1000 * 1000) /* the format's own limit */
#define HEADER_METADATA "__metadata__"              /* the name that no tensor may have */

struct header_tensor {
	const char *name;
	size_t element_size; /* 8: F64, 4: F32 */
	int rank;
	size_t dims[SAFETENSORS_MAX_RANK];
	size_t begin, end; /* bytes of the data part, as written: not checked against anything yet */
};

struct header {
	struct header_tensor *tensors; /* in the order of the header */
	int n_tensors;
	struct safetensors_meta *meta;
	int n_meta;
	char *strings; /* what names, keys and values point into */
};

/* ERR_CORRUPT for a header that breaks the format; ERR_INVALID for a type or a rank that is not read here. *out is
 * untouched on failure. length is at most 100 MB. */
int header_read(const unsigned char *text, size_t length, struct header *out, struct qlstm_error *error);
void header_free(struct header *header);

#endif
