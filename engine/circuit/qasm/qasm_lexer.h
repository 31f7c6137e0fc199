/* Words, numbers and signs of OpenQASM text, with where they stand. Internal. */
#ifndef QLSTM_CIRCUIT_QASM_LEXER_H
#define QLSTM_CIRCUIT_QASM_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

enum qasm_token_kind { QASM_END, QASM_WORD, QASM_NUMBER, QASM_STRING, QASM_SIGN, QASM_PRAGMA };

struct qasm_token {
	enum qasm_token_kind kind;
	const char *start; /* in the text; of a pragma what stands behind the word */
	size_t length;
	double number; /* QASM_NUMBER */
	int line, column;
};

/* `token` is the one at hand; `at` stands behind it. A copy of the struct is a place to come back to. */
struct qasm_lexer {
	const char *at, *line_start;
	int line;
	struct qasm_token token;
	struct qlstm_error *error;
};

/* Reads the first token. */
int qasm_lexer_open(struct qasm_lexer *lexer, const char *text, struct qlstm_error *error);
/* The next one. */
int qasm_next(struct qasm_lexer *lexer);
/* Whether the token at hand is this word or sign. */
bool qasm_is(const struct qasm_lexer *lexer, const char *words);
/* Passes over it, or says that it is expected. */
int qasm_expect(struct qasm_lexer *lexer, const char *words);
/* Refuses at the token at hand: "line 3, column 7: " and the message. */
int qasm_refuse(const struct qasm_lexer *lexer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The token as text, cut to the room. */
void qasm_copy(const struct qasm_token *token, char *out, size_t size);

#endif
