/* A tokeniser: cuts a text into tokens.
 *
 *     given       what stands between blanks
 *     word        letters, digits and the apostrophes between them are a word; every other character but blanks is a
 *                 token by itself: "Don't go!" is "Don't", "go", "!"
 *     character   every character, blanks too
 *     piece       as word, and U+2581 stands before what a blank, or nothing, stands before: "\u2581Don't", "\u2581go",
 * "!"; byte-pair encoding cuts these further (merges.h)
 *
 * In lower case: the letters of ASCII, Latin-1, Greek and Cyrillic. */
#ifndef QLSTM_LANGUAGE_TOKENIZER_H
#define QLSTM_LANGUAGE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

enum tokenizer { TOKENIZER_GIVEN, TOKENIZER_WORD, TOKENIZER_CHARACTER, TOKENIZER_PIECE };

#define TOKEN_SIZE   256 /* bytes of a token, with a NUL; what is longer is cut into several */
#define TOKEN_MARKER "\xe2\x96\x81"

/* A text, being cut. */
struct tokens {
	enum tokenizer tokenizer;
	bool lowercase;
	const char *at; /* what is left, NUL-terminated, UTF-8 */
	bool marked;    /* of pieces: a blank, or nothing, stands before `at` */
	char token[TOKEN_SIZE];
	size_t length; /* of the token */
};

/* Borrows the text. */
void tokens_open(struct tokens *tokens, enum tokenizer tokenizer, bool lowercase, const char *text);
/* The next token into tokens->token; false at the end. */
bool tokens_next(struct tokens *tokens);

/* Whether a blank stands between two tokens where words are put together to a text: not before "." and behind "(". */
bool tokens_apart(enum tokenizer tokenizer, const char *before, const char *token);

#endif
