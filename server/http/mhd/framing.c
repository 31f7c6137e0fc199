/* Request heads that could be read in two ways. */
#include "server/http/mhd/framing.h"

#include <string.h>
#include <strings.h>

/* A stretch of the head that is still to be read. */
struct rest {
	const char *at, *end;
};

/* The bytes up to the next NUL or the end. */
static size_t text_length(const struct rest *rest)
{
	return strnlen(rest->at, (size_t)(rest->end - rest->at));
}

/* Steps over the two NUL that were CR LF. */
static bool skip_line_end(struct rest *rest)
{
	if (rest->end - rest->at < 2 || rest->at[0] != '\0' || rest->at[1] != '\0')
		return false;
	rest->at += 2;
	return true;
}

/* RFC 9110 section 5.6.2: what a header's name is made of. "Content-Length " with a blank is another header to us and
 * the real one to somebody else. */
static bool is_token(const char *name, size_t length)
{
	static const char letters[] = "!#$%&'*+-.^_`|~0123456789"
	                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	for (size_t i = 0; i < length; i++)
		if (memchr(letters, name[i], sizeof letters - 1) == NULL)
			return false;
	return length > 0;
}

/* RFC 9110 section 5.5: no control characters but the tab. A bare CR is one. */
static bool is_value(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
			return false;
	return true;
}

/* Fields of one value that we or a proxy go by. Of the others that we read, Accept, Accept-Encoding, Expect and
 * If-None-Match are lists, which may come in several lines. */
static const struct {
	const char *name, *fault;
} once[] = {
#define ONCE(name) name, "more than one " name " header"
    {ONCE("Host")},
    {ONCE("Content-Length")},
    {ONCE("Transfer-Encoding")},
    {ONCE("Content-Type")},
    {ONCE("Authorization")},
    {ONCE("Cookie")},
    {ONCE("Origin")},
    {ONCE("Sec-Fetch-Site")},
    {ONCE("Range")},
    {ONCE("If-Range")},
    {ONCE("Idempotency-Key")},
    {ONCE("Last-Event-ID")},
    {ONCE("Inference-Header-Content-Length")},
#undef ONCE
};

static void count_once(struct framing *framing, const char *name)
{
	for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
		if (strcasecmp(name, once[i].name) != 0)
			continue;
		if ((framing->seen & 1u << i) != 0 && framing->twice == NULL)
			framing->twice = once[i].fault;
		framing->seen |= 1u << i;
	}
}

/* Both texts end in a NUL of the head. */
static void read_header(struct framing *framing, const char *name, const char *value)
{
	value += strspn(value, " \t");
	framing->lines++;
	count_once(framing, name);
	framing->hosts += strcasecmp(name, "Host") == 0;
	framing->lengths += strcasecmp(name, "Content-Length") == 0;
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		framing->encodings++;
		framing->bad_encoding |= strcasecmp(value, "chunked") != 0;
	}
}

/* "Name· value··" */
static bool read_line(struct framing *framing, struct rest *rest)
{
	const char *name = rest->at;
	size_t length = text_length(rest);
	rest->at += length;
	if (rest->at == rest->end)
		return false;
	framing->bad_name |= !is_token(name, length);
	const char *value = ++rest->at;
	length = text_length(rest);
	framing->bad_value |= !is_value(value, length);
	rest->at += length;
	if (!skip_line_end(rest))
		return false;
	read_header(framing, name, value);
	return true;
}

/* "METHOD·target·HTTP/1.1··": one blank between, none elsewhere. */
static bool read_request_line(const struct head *head, struct rest *rest)
{
	const char *target = head->method + text_length(rest) + 1;
	if (!is_token(head->method, text_length(rest)) || target > head->version ||
	    (size_t)(head->version - target) != head->target_length + 1)
		return false;
	rest->at = head->version;
	rest->at += text_length(rest);
	return skip_line_end(rest);
}

static const char *find_fault(const struct framing *framing, bool old)
{
	const struct {
		bool broken;
		const char *message;
	} rules[] = {
	    {framing->bad_name, "a header's name is empty or holds a character that is not allowed"},
	    {framing->bad_value, "a header's value holds a control character"},
	    {framing->twice != NULL, framing->twice},
	    {framing->hosts == 0 && !old, "a Host header is required"},
	    {framing->lengths > 0 && framing->encodings > 0, "Content-Length together with Transfer-Encoding"},
	    {framing->bad_encoding, "the only Transfer-Encoding understood is chunked"},
	    {framing->encodings > 0 && old, "Transfer-Encoding in an HTTP/1.0 request"},
	};
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (rules[i].broken)
			return rules[i].message;
	return NULL;
}

const char *framing_read(struct framing *framing, const struct head *head)
{
	static const char odd_line[] = "a line of the head holds a NUL, begins with a colon or does not end in CR LF";
	*framing = (struct framing){0};
	struct rest rest = {head->method, head->method + head->size};
	if (!read_request_line(head, &rest))
		return "the request line is not METHOD, target and version with one blank between, ended by CR LF";
	bool old = strcmp(head->version, "HTTP/1.0") == 0;
	if (!old && strcmp(head->version, "HTTP/1.1") != 0)
		return "the versions understood are HTTP/1.0 and HTTP/1.1";
	while (rest.at < rest.end && *rest.at != '\0')
		if (!read_line(framing, &rest))
			return odd_line;
	if (!skip_line_end(&rest) || rest.at != rest.end || framing->lines != head->headers)
		return odd_line;
	return find_fault(framing, old);
}
