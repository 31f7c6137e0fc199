/* A text that grows in memory, piece by piece, and remembers when memory ran out. (A stream of open_memstream does not:
 * what it had no room for is lost, its error flag stays clear and fclose succeeds.) */
#ifndef QLSTM_ENGINE_TEXT_H
#define QLSTM_ENGINE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Takes a piece of a text. Non-zero: it could not. */
typedef int (*text_sink_fn)(void *context, const char *bytes, size_t n);

enum { TEXT_PIECE = 1 << 16 };

/* {0} is empty text. With a sink it is never whole in memory: what is written goes there once it is TEXT_PIECE bytes.
 */
struct text {
	char *bytes; /* with a NUL behind them once something was written */
	size_t length, room;
	bool failed; /* out of memory, or refused by the sink: what was written since is lost */
	text_sink_fn sink;
	void *context;
};

void text_write(struct text *text, const char *bytes, size_t n);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hands the text over: *bytes (malloc), never NULL on success, is the caller's. ERR_OUT_OF_MEMORY when any of it was
 * lost; then nothing is handed over. `text` is empty again in either case. */
int text_take(struct text *text, char **bytes, size_t *length);
/* The rest to the sink. ERR_OUT_OF_MEMORY when any of the text was lost. `text` is empty again in either case. */
int text_end(struct text *text);

#endif
