/* Whether a result file is still what its row says. */
#ifndef QLSTM_API_INTACT_H
#define QLSTM_API_INTACT_H

#include <stddef.h>

#include "engine/error.h"

/* `fd` stands at its beginning, before and after. 0, or ERR_CORRUPT when the open file has another size or another
 * SHA-256 than was recorded. It is read as a whole the first time, and again when its time of change says that it may
 * have been written. */
int file_check_intact(int fd, size_t bytes, const char *sha256, struct qlstm_error *error);

#endif
