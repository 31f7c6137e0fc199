/* safetensors, the interchange format of weights: 8 bytes little-endian header length, a JSON header, raw little-endian
 * row-major data. Written as F64; F64 and F32 are read. Format: https://github.com/huggingface/safetensors. */
#ifndef QLSTM_EXPORT_SAFETENSORS_H
#define QLSTM_EXPORT_SAFETENSORS_H

#include <stddef.h>

#include "engine/error.h"

#define SAFETENSORS_MAX_RANK 6

struct safetensors_tensor {
	const char *name;
	int rank;
	size_t dims[SAFETENSORS_MAX_RANK];
	const double *data;
};

/* __metadata__: strings only, as the format demands. */
struct safetensors_meta {
	const char *key, *value;
};

/* *out (malloc) is the caller's. Tensors keep their order; the header is padded with spaces to a multiple of 8. */
int safetensors_encode(const struct safetensors_tensor *tensors, int n_tensors, const struct safetensors_meta *meta,
                       int n_meta, unsigned char **out, size_t *length, struct qlstm_error *error);

/* A decoded file owns copies of everything. */
struct safetensors_file {
	struct safetensors_tensor *tensors;
	int n_tensors;
	struct safetensors_meta *meta;
	int n_meta;
	void *arena; /* what the pointers above point into */
};

/* Checks all that the format promises: header at most 100 MB and inside the file, offsets contiguous and without
 * overlap, sizes that equal shape times type, no duplicate names. ERR_CORRUPT says which of them failed. */
int safetensors_decode(const unsigned char *bytes, size_t length, struct safetensors_file *out,
                       struct qlstm_error *error);
void safetensors_free(struct safetensors_file *file);
const struct safetensors_tensor *safetensors_find(const struct safetensors_file *file, const char *name);
const char *safetensors_meta_find(const struct safetensors_file *file, const char *key); /* NULL when absent */

#endif
