/* Words, numbers and signs. */
#include "engine/circuit/qasm/qasm_lexer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_letter(char c)
{
	/* Bytes of letters beyond ASCII, such as those of pi and theta, too. */
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || ((unsigned char)c & 0x80) != 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int qasm_refuse(const struct qasm_lexer *lexer, const char *format, ...)
{
	char message[300];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	return error_set(lexer->error, ERR_SYNTAX, "/qasm", "line %d, column %d: %s", lexer->token.line,
	                 lexer->token.column, message);
}

void qasm_copy(const struct qasm_token *token, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)(token->length < size ? token->length : size - 1), token->start);
}

static void pass_line(struct qasm_lexer *lexer)
{
	while (*lexer->at != '\0' && *lexer->at != '\n')
		lexer->at++;
}

/* Blanks, line ends and comments; false: a comment has no end. */
static bool pass_blanks(struct qasm_lexer *lexer)
{
	bool inside = false;
	for (;; lexer->at++) {
		const char *at = lexer->at;
		if (*at == '\0')
			return !inside;
		if (*at == '\n') {
			lexer->line++;
			lexer->line_start = at + 1;
		} else if (inside) {
			if (at[0] == '*' && at[1] == '/') {
				inside = false;
				lexer->at++;
			}
		} else if (at[0] == '/' && at[1] == '*') {
			inside = true;
			lexer->at++;
		} else if (at[0] == '/' && at[1] == '/') {
			pass_line(lexer);
			lexer->at--;
		} else if (*at != ' ' && *at != '\t' && *at != '\r') {
			return true;
		}
	}
}

static void read_number(struct qasm_lexer *lexer)
{
	char *end;
	/* No hexadecimal number, no "inf": the first character is a digit or a point. */
	size_t digits = strspn(lexer->at, "0123456789.eE+-_");
	lexer->token.kind = QASM_NUMBER;
	lexer->token.number = lexer->at[1] == 'x' || lexer->at[1] == 'X' ? 0.0 : strtod(lexer->at, &end);
	if (lexer->at[1] == 'x' || lexer->at[1] == 'X' || end > lexer->at + digits)
		end = (char *)lexer->at + 1;
	lexer->at = end;
}

static int read_string(struct qasm_lexer *lexer)
{
	const char *end = strpbrk(lexer->at + 1, "\"\n");
	if (end == NULL || *end == '\n')
		return qasm_refuse(lexer, "a string without an end");
	lexer->token.kind = QASM_STRING;
	lexer->token.start = lexer->at + 1;
	lexer->token.length = (size_t)(end - lexer->at) - 1;
	lexer->at = end + 1;
	return 0;
}

static bool read_pragma(struct qasm_lexer *lexer)
{
	size_t sign = *lexer->at == '#' ? 1 : 0;
	if (strncmp(lexer->at + sign, "pragma", 6) != 0 || is_letter(lexer->at[sign + 6]) ||
	    is_digit(lexer->at[sign + 6]))
		return false;
	lexer->token.kind = QASM_PRAGMA;
	lexer->token.start = lexer->at + sign + 6;
	pass_line(lexer);
	lexer->token.length = (size_t)(lexer->at - lexer->token.start);
	return true;
}

int qasm_next(struct qasm_lexer *lexer)
{
	bool whole = pass_blanks(lexer);
	lexer->token = (struct qasm_token){
	    .start = lexer->at, .line = lexer->line, .column = (int)(lexer->at - lexer->line_start) + 1};
	if (!whole)
		return qasm_refuse(lexer, "a comment without an end");
	const char *start = lexer->at;
	if (*start == '\0')
		return 0;
	if (read_pragma(lexer))
		return 0;
	if (*start == '"')
		return read_string(lexer);
	if (is_digit(*start) || (*start == '.' && is_digit(start[1]))) {
		read_number(lexer);
	} else if (is_letter(*start)) {
		lexer->token.kind = QASM_WORD;
		while (is_letter(*lexer->at) || is_digit(*lexer->at))
			lexer->at++;
	} else {
		lexer->token.kind = QASM_SIGN;
		lexer->at += start[0] == '-' && start[1] == '>' ? 2 : 1;
	}
	lexer->token.length = (size_t)(lexer->at - start);
	return 0;
}

int qasm_lexer_open(struct qasm_lexer *lexer, const char *text, struct qlstm_error *error)
{
	*lexer = (struct qasm_lexer){.at = text, .line_start = text, .line = 1, .error = error};
	return qasm_next(lexer);
}

bool qasm_is(const struct qasm_lexer *lexer, const char *words)
{
	const struct qasm_token *token = &lexer->token;
	return (token->kind == QASM_WORD || token->kind == QASM_SIGN) && token->length == strlen(words) &&
	       memcmp(token->start, words, token->length) == 0;
}

int qasm_expect(struct qasm_lexer *lexer, const char *words)
{
	char found[40];
	if (qasm_is(lexer, words))
		return qasm_next(lexer);
	qasm_copy(&lexer->token, found, sizeof found);
	return lexer->token.kind == QASM_END ? qasm_refuse(lexer, "'%s' is expected; the text ends", words)
	                                     : qasm_refuse(lexer, "'%s' is expected, not '%s'", words, found);
}
