/* A text that grows in memory, piece by piece, and remembers when memory ran out. (A stream of open_memstream does not:
 * what it had no room for is lost, its error flag stays clear and fclose succeeds.) */
#ifndef QLSTM_ENGINE_TEXT_H
#define QLSTM_ENGINE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* {0} is empty text. */
struct text {
	char *bytes; /* with a NUL behind them once something was written */
	size_t length, room;
	bool failed; /* out of memory: what was written since is lost */
};

void text_write(struct text *text, const char *bytes, size_t n);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hands the text over: *bytes (malloc), never NULL on success, is the caller's. ERR_OUT_OF_MEMORY when any of it was
 * lost; then nothing is handed over. `text` is empty again in either case. */
int text_take(struct text *text, char **bytes, size_t *length);

#endif
