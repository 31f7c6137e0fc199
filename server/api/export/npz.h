/* Tensors as an .npz file: a ZIP archive, not compressed, of one .npy file for each array. Format: NumPy's
 * documentation of numpy.lib.format, PKWARE's APPNOTE.TXT. */
#ifndef QLSTM_API_EXPORT_NPZ_H
#define QLSTM_API_EXPORT_NPZ_H

#include "engine/export/safetensors.h"

/* Each tensor as float64 under its name, and "metadata", a byte string of no dimension: the file's metadata as a JSON
 * object. *out (malloc) is the caller's. The same bytes for the same file: members bear no time. ERR_TOO_LARGE past 4
 * GiB, ERR_OUT_OF_MEMORY. */
int npz_encode(const struct safetensors_file *file, unsigned char **out, size_t *length, struct qlstm_error *error);

#endif
