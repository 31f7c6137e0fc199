/* UTF-8 (RFC 3629): enough to keep every name and message that leaves the engine well-formed. */
#ifndef QLSTM_ENGINE_UTF8_H
#define QLSTM_ENGINE_UTF8_H

#include <stddef.h>

/* Bytes (1 to 4) of the well-formed character that text[0 .. n-1] starts with; 0 when there is none. */
size_t utf8_character(const char *text, size_t n);

/* The greatest length up to `limit` at which the NUL-terminated text can be cut without splitting a character. */
size_t utf8_cut(const char *text, size_t limit);

/* The length of the control character (U+0000 to U+001F, U+007F to U+009F) that the text begins with; 0 when it begins
 * with another or is empty. Such a character can make a terminal do things: ESC, CSI. */
size_t utf8_control(const char *text);

/* Replaces every byte that belongs to no well-formed character by a question mark. */
void utf8_clean(char *text);

#endif
