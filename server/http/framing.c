/* Request heads that could be read in two ways. */
#include "server/http/framing.h"

#include <string.h>
#include <strings.h>

/* RFC 9110 section 5.6.2: what a header's name is made of. "Content-Length " with a blank is another header to us and
 * the real one to somebody else. */
static bool is_token(const char *name, size_t length)
{
	static const char letters[] = "!#$%&'*+-.^_`|~0123456789"
	                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	return length > 0 && strnlen(name, length) == length && strspn(name, letters) >= length;
}

void framing_header(struct framing *framing, const char *name, size_t name_length, const char *value)
{
	if (!is_token(name, name_length)) {
		framing->bad_name = true;
		return;
	}
	framing->hosts += strcasecmp(name, "Host") == 0;
	framing->lengths += strcasecmp(name, "Content-Length") == 0;
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		framing->encodings++;
		if (value == NULL || strcasecmp(value, "chunked") != 0)
			framing->bad_encoding = true;
	}
}

const char *framing_fault(const struct framing *framing, const char *version)
{
	bool old = strcmp(version, "HTTP/1.0") == 0;
	const struct {
		bool broken;
		const char *message;
	} rules[] = {
	    {framing->bad_name, "a header's name holds a character that is not allowed"},
	    {framing->hosts > 1 || (framing->hosts == 0 && !old), "exactly one Host header is required"},
	    {framing->lengths > 1, "more than one Content-Length"},
	    {framing->encodings > 1, "more than one Transfer-Encoding"},
	    {framing->lengths > 0 && framing->encodings > 0, "Content-Length together with Transfer-Encoding"},
	    {framing->bad_encoding, "the only Transfer-Encoding understood is chunked"},
	    {framing->encodings > 0 && old, "Transfer-Encoding in an HTTP/1.0 request"},
	};
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (rules[i].broken)
			return rules[i].message;
	return NULL;
}
