/* Tokenisers. */
#include "engine/language/tokenizer.h"

#include <stdint.h>
#include <string.h>

#include "engine/utf8.h"

void tokens_open(struct tokens *tokens, enum tokenizer tokenizer, bool lowercase, const char *text)
{
	*tokens = (struct tokens){.tokenizer = tokenizer, .lowercase = lowercase, .at = text, .marked = true};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* Bytes of the character; a byte that begins none is one by itself. */
static size_t character(const char *at)
{
	size_t n = utf8_character(at, strnlen(at, 4));
	return n > 0 ? n : 1;
}

static uint32_t code_point(const char *at, size_t n)
{
	const unsigned char *c = (const unsigned char *)at;
	if (n == 2)
		return (uint32_t)(c[0] & 0x1f) << 6 | (c[1] & 0x3f);
	if (n == 3)
		return (uint32_t)(c[0] & 0x0f) << 12 | (uint32_t)(c[1] & 0x3f) << 6 | (c[2] & 0x3f);
	return n == 1 ? c[0] : 0x10000;
}

/* Letters and digits: of ASCII those, of the rest all but signs and punctuation. */
static bool is_letter(const char *at, size_t n)
{
	uint32_t c = code_point(at, n);
	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
	return c >= 0xc0 && c != 0xd7 && c != 0xf7 && !(c >= 0x2000 && c <= 0x2bff) && !(c >= 0x3000 && c <= 0x303f);
}

static bool is_apostrophe(const char *at, size_t n)
{
	return (n == 1 && *at == '\'') || (n == 3 && memcmp(at, "\xe2\x80\x99", 3) == 0);
}

/* What is added to a capital of two bytes, or of one, to have the small letter. */
static uint32_t to_lower(uint32_t c)
{
	bool near = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
	            (c >= 0x410 && c <= 0x42f);
	return near ? c + 0x20 : c >= 0x400 && c <= 0x40f ? c + 0x50 : c;
}

/* A character to the end of the token; false where there is no room. */
static bool take(struct tokens *tokens, size_t n)
{
	char *to = tokens->token + tokens->length;
	if (tokens->length + n >= TOKEN_SIZE)
		return false;
	memcpy(to, tokens->at, n);
	uint32_t c = code_point(tokens->at, n), lower = tokens->lowercase && n <= 2 ? to_lower(c) : c;
	if (lower != c && n == 1)
		to[0] = (char)lower;
	else if (lower != c) {
		to[0] = (char)(0xc0 | lower >> 6);
		to[1] = (char)(0x80 | (lower & 0x3f));
	}
	tokens->length += n;
	tokens->token[tokens->length] = '\0';
	tokens->at += n;
	return true;
}

static void take_given(struct tokens *tokens)
{
	while (*tokens->at != '\0' && !is_blank(*tokens->at) && take(tokens, character(tokens->at)))
		;
}

/* A word, or one character that is none. */
static void take_word(struct tokens *tokens)
{
	size_t n = character(tokens->at);
	if (!is_letter(tokens->at, n)) {
		take(tokens, n);
		return;
	}
	while (*tokens->at != '\0') {
		n = character(tokens->at);
		const char *next = tokens->at + n;
		bool inside = is_letter(tokens->at, n) ||
		              (is_apostrophe(tokens->at, n) && *next != '\0' && is_letter(next, character(next)));
		if (!inside || !take(tokens, n))
			return;
	}
}

bool tokens_next(struct tokens *tokens)
{
	tokens->length = 0;
	for (; tokens->tokenizer != TOKENIZER_CHARACTER && is_blank(*tokens->at); tokens->at++)
		tokens->marked = true;
	if (*tokens->at == '\0')
		return false;
	if (tokens->tokenizer == TOKENIZER_PIECE && tokens->marked) {
		memcpy(tokens->token, TOKEN_MARKER, sizeof TOKEN_MARKER);
		tokens->length = sizeof TOKEN_MARKER - 1;
	}
	tokens->marked = false;
	if (tokens->tokenizer == TOKENIZER_GIVEN)
		take_given(tokens);
	else if (tokens->tokenizer == TOKENIZER_CHARACTER)
		take(tokens, character(tokens->at));
	else
		take_word(tokens);
	return true;
}

bool tokens_apart(enum tokenizer tokenizer, const char *before, const char *token)
{
	if (tokenizer == TOKENIZER_GIVEN)
		return true;
	if (tokenizer != TOKENIZER_WORD)
		return false;
	bool closing = token[0] != '\0' && token[1] == '\0' && strchr(".,;:!?)]}%", token[0]) != NULL;
	bool opening = before[0] != '\0' && before[1] == '\0' && strchr("([{$", before[0]) != NULL;
	return !closing && !opening;
}
