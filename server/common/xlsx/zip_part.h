/* Parts of a ZIP archive in memory, read piece by piece by minizip, which is met here alone. */
#ifndef QLSTM_COMMON_XLSX_ZIP_PART_H
#define QLSTM_COMMON_XLSX_ZIP_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

struct zip;

/* Borrows the bytes. ERR_SYNTAX for what is no archive; zip_close in any case. */
int zip_open(struct zip **out, const unsigned char *bytes, size_t length, struct qlstm_error *error);
void zip_close(struct zip *zip);

/* Calls `take` with the part's bytes, unpacked, piece by piece; a negative code from it ends the reading and is
 * returned. ERR_NOT_FOUND: there is no such part. ERR_TOO_LARGE as soon as all parts together unpack to more than
 * `limit`; ERR_SYNTAX where the part is damaged. */
typedef int (*zip_take)(void *context, const char *bytes, size_t length, bool last);
int zip_read(struct zip *zip, const char *name, size_t limit, zip_take take, void *context, struct qlstm_error *error);

#endif
