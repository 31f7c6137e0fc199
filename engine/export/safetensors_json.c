/* Scans the tokens of a JSON text (RFC 8259); every access is checked against `end`. */
#include "engine/export/safetensors_json.h"

#include <stdint.h>
#include <string.h>

#include "engine/utf8.h"

int json_broken(const struct json_cursor *c, const char *what)
{
	return error_set(c->error, ERR_CORRUPT, NULL, "safetensors header, byte %td: %s", c->at - c->start, what);
}

void json_skip_blanks(struct json_cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
		c->at++;
}

bool json_accept(struct json_cursor *c, char wanted)
{
	json_skip_blanks(c);
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

int json_expect(struct json_cursor *c, char wanted)
{
	const char what[] = {'\'', wanted, '\'', ' ', 'e', 'x', 'p', 'e', 'c', 't', 'e', 'd', '\0'};
	return json_accept(c, wanted) ? 0 : json_broken(c, what);
}

static int read_hex4(struct json_cursor *c, uint32_t *out)
{
	static const char digits[] = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
	uint32_t value = 0;
	if (c->end - c->at < 4)
		return json_broken(c, "the escape is cut off");
	for (int i = 0; i < 4; i++) {
		char lower = (char)(*c->at >= 'A' && *c->at <= 'F' ? *c->at + ('a' - 'A') : *c->at);
		const char *digit = memchr(digits, lower, sizeof digits);
		if (digit == NULL)
			return json_broken(c, "not a hexadecimal digit");
		value = value << 4 | (uint32_t)(digit - digits);
		c->at++;
	}
	*out = value;
	return 0;
}

static void put_utf8(struct json_cursor *c, uint32_t code)
{
	if (code < 0x80) {
		*c->strings++ = (char)code;
		return;
	}
	int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* continuation bytes */
	static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
	*c->strings++ = (char)(lead[tail] | code >> (6 * tail));
	while (tail-- > 0)
		*c->strings++ = (char)(0x80 | (code >> (6 * tail) & 0x3f));
}

/* After \u: one code unit, or two that make a surrogate pair. NUL is refused, for names are C strings here. */
static int read_unicode(struct json_cursor *c)
{
	uint32_t code = 0, low = 0;
	int rc = read_hex4(c, &code);
	if (rc != 0)
		return rc;
	if (code >= 0xd800 && code <= 0xdbff) {
		if (c->end - c->at < 2 || c->at[0] != '\\' || c->at[1] != 'u')
			return json_broken(c, "half a surrogate pair");
		c->at += 2;
		rc = read_hex4(c, &low);
		if (rc != 0)
			return rc;
		if (low < 0xdc00 || low > 0xdfff)
			return json_broken(c, "half a surrogate pair");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	} else if (code >= 0xdc00 && code <= 0xdfff) {
		return json_broken(c, "half a surrogate pair");
	} else if (code == 0) {
		return json_broken(c, "a NUL in a string");
	}
	put_utf8(c, code);
	return 0;
}

static int read_escape(struct json_cursor *c)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	if (c->at == c->end)
		return json_broken(c, "a string does not end");
	char letter = *c->at++;
	if (letter == 'u')
		return read_unicode(c);
	const char *known = memchr(letters, letter, sizeof letters - 1);
	if (known == NULL)
		return json_broken(c, "unknown escape");
	*c->strings++ = meanings[known - letters];
	return 0;
}

int json_read_string(struct json_cursor *c, const char **out)
{
	if (!json_accept(c, '"'))
		return json_broken(c, "a string expected");
	char *start = c->strings;
	while (c->at < c->end && *c->at != '"') {
		size_t n = utf8_character(c->at, (size_t)(c->end - c->at));
		if (n == 0)
			return json_broken(c, "not UTF-8");
		if ((unsigned char)*c->at < 0x20)
			return json_broken(c, "a control character in a string");
		if (*c->at == '\\') {
			c->at++;
			int rc = read_escape(c);
			if (rc != 0)
				return rc;
			continue;
		}
		memcpy(c->strings, c->at, n);
		c->strings += n;
		c->at += n;
	}
	if (c->at == c->end)
		return json_broken(c, "a string does not end");
	c->at++;
	*c->strings++ = '\0';
	*out = start;
	return 0;
}

int json_read_size(struct json_cursor *c, size_t *out)
{
	json_skip_blanks(c);
	const char *first = c->at;
	size_t value = 0;
	for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
		if (__builtin_mul_overflow(value, (size_t)10, &value) ||
		    __builtin_add_overflow(value, (size_t)(*c->at - '0'), &value))
			return json_broken(c, "the number is too large");
	if (c->at == first)
		return json_broken(c, "a whole number expected");
	if (*first == '0' && c->at - first > 1)
		return json_broken(c, "a number with a leading zero");
	*out = value;
	return 0;
}
