/* From the bytes of a pipe to lines. */
#ifndef QLSTM_RUN_LINES_H
#define QLSTM_RUN_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "server/common/line.h"

struct lines {
	size_t used;
	bool skipping; /* inside a line that was too long */
	char bytes[LINE_MAX_BYTES];
};

/* Where the next bytes go, and how many fit: never 0. */
char *lines_room(struct lines *lines, size_t *room);
/* `count` bytes were put there. Calls `fn` for each whole line, without its line break; with length 0 and text NULL for
 * one that was too long. */
void lines_feed(struct lines *lines, size_t count, void (*fn)(void *context, const char *text, size_t length),
                void *context);

#endif
