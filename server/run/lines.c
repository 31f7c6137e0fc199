/* From the bytes of a pipe to lines. */
#include "server/run/lines.h"

#include <string.h>

char *lines_room(struct lines *lines, size_t *room)
{
	*room = sizeof lines->bytes - lines->used;
	return lines->bytes + lines->used;
}

void lines_feed(struct lines *lines, size_t count, void (*fn)(void *context, const char *text, size_t length),
                void *context)
{
	size_t start = 0, end = lines->used + count;
	const char *newline;
	while ((newline = memchr(lines->bytes + start, '\n', end - start)) != NULL) {
		size_t length = (size_t)(newline - lines->bytes) - start;
		if (lines->skipping)
			fn(context, NULL, 0);
		else
			fn(context, lines->bytes + start, length);
		lines->skipping = false;
		start += length + 1;
	}
	lines->used = end - start;
	memmove(lines->bytes, lines->bytes + start, lines->used);
	if (lines->used == sizeof lines->bytes) {
		lines->skipping = true;
		lines->used = 0;
	} else if (lines->skipping) {
		lines->used = 0;
	}
}
