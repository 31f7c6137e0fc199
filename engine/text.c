/* Text that grows in memory. */
#include "engine/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/error.h"

/* Makes room for n more bytes and a NUL. */
static bool grow(struct text *text, size_t n)
{
	size_t needed = 0;
	if (text->failed || __builtin_add_overflow(text->length + 1, n, &needed) || needed > SIZE_MAX / 2)
		text->failed = true;
	if (text->failed || needed <= text->room)
		return !text->failed;
	size_t room = text->room < 256 ? 256 : text->room;
	while (room < needed)
		room *= 2;
	char *bytes = realloc(text->bytes, room);
	if (bytes == NULL) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	text->room = room;
	return true;
}

static void hand_over(struct text *text)
{
	text->failed |= text->length > 0 && text->sink(text->context, text->bytes, text->length) != 0;
	text->length = 0;
}

static void hand_over_pieces(struct text *text)
{
	if (text->sink != NULL && text->length >= TEXT_PIECE)
		hand_over(text);
}

void text_write(struct text *text, const char *bytes, size_t n)
{
	if (!grow(text, n))
		return;
	memcpy(text->bytes + text->length, bytes, n);
	text->length += n;
	text->bytes[text->length] = '\0';
	hand_over_pieces(text);
}

void text_print(struct text *text, const char *format, ...)
{
	va_list arguments, again;
	size_t room = text->failed ? 0 : text->room - text->length; /* most often there is enough */
	va_start(arguments, format);
	va_copy(again, arguments);
	int n = vsnprintf(room > 0 ? text->bytes + text->length : NULL, room, format, arguments);
	va_end(arguments);
	if (n < 0) {
		text->failed = true;
	} else if ((size_t)n >= room && grow(text, (size_t)n)) {
		vsnprintf(text->bytes + text->length, (size_t)n + 1, format, again);
		room = (size_t)n + 1;
	}
	if (n >= 0 && (size_t)n < room)
		text->length += (size_t)n;
	va_end(again);
	hand_over_pieces(text);
}

int text_take(struct text *text, char **bytes, size_t *length)
{
	struct text taken = *text;
	bool whole = grow(&taken, 0); /* empty text is a NUL */
	*text = (struct text){0};
	if (!whole) {
		free(taken.bytes);
		return ERR_OUT_OF_MEMORY;
	}
	taken.bytes[taken.length] = '\0';
	if (taken.room - taken.length > TEXT_PIECE) { /* it may be kept for long */
		char *fit = realloc(taken.bytes, taken.length + 1);
		taken.bytes = fit != NULL ? fit : taken.bytes;
	}
	*bytes = taken.bytes;
	*length = taken.length;
	return 0;
}

int text_end(struct text *text)
{
	if (!text->failed)
		hand_over(text);
	bool whole = !text->failed;
	free(text->bytes);
	*text = (struct text){0};
	return whole ? 0 : ERR_OUT_OF_MEMORY;
}
