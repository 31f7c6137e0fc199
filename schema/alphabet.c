/* Words as characters. */
#include "schema/alphabet.h"

#include <string.h>

#include "engine/utf8.h"

/* JSON strings are well-formed, so that a character has a byte at least. */
static size_t character(const char *text)
{
	size_t bytes = utf8_character(text, strlen(text));
	return bytes > 0 ? bytes : 1;
}

const char *alphabet_of(const json_t *resolved)
{
	return json_string_value(json_object_get(json_object_get(resolved, "data"), "alphabet"));
}

int alphabet_check(const json_t *resolved, struct qlstm_error *error)
{
	const char *alphabet = alphabet_of(resolved);
	json_int_t bits = json_integer_value(json_object_get(json_object_get(resolved, "data"), "word_bits"));
	size_t count = 0, bytes, unused;
	if (alphabet == NULL)
		return 0;
	for (const char *at = alphabet; *at != '\0'; at += bytes, count++) {
		bytes = character(at);
		if ((size_t)alphabet_word(alphabet, at, &unused) != count)
			return error_set(error, ERR_INVALID, "/data/alphabet",
			                 "alphabet has the character '%.*s' twice, as the words %d and %zu", (int)bytes,
			                 at, alphabet_word(alphabet, at, &unused), count);
	}
	if (count > (size_t)1 << bits)
		return error_set(error, ERR_INVALID, "/data/alphabet",
		                 "alphabet has %zu characters; there are %zu words of %lld bits", count,
		                 (size_t)1 << bits, (long long)bits);
	return 0;
}

int alphabet_word(const char *alphabet, const char *text, size_t *bytes)
{
	int word = 0;
	*bytes = character(text);
	for (const char *at = alphabet; *at != '\0' && *text != '\0'; at += character(at), word++)
		if (strncmp(at, text, *bytes) == 0)
			return word;
	return -1;
}

void alphabet_write(const char *alphabet, size_t word, struct text *out)
{
	const char *at = alphabet;
	for (; word > 0 && *at != '\0'; word--)
		at += character(at);
	if (*at == '\0')
		at = "\xef\xbf\xbd";
	text_write(out, at, character(at));
}
