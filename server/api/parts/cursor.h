/* Cursors of lists: opaque to clients, the last id shown inside. */
#ifndef QLSTM_API_CURSOR_H
#define QLSTM_API_CURSOR_H

#include "engine/error.h"
#include "server/run/state.h"

#define CURSOR_SIZE 48

void cursor_encode(const char id[RUN_ID_SIZE], char cursor[CURSOR_SIZE]);
/* ERR_INVALID for what cursor_encode never made. */
int cursor_decode(const char *cursor, char id[RUN_ID_SIZE], struct qlstm_error *error);

#endif
