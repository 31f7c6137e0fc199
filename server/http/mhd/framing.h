/* Whether a request's head says unmistakably where it and its request end. libmicrohttpd 0.9.75 accepts heads that two
 * programs may read differently (two Content-Length, Content-Length with Transfer-Encoding, two Host, a line that
 * begins with a colon, a NUL, a bare line feed), which is how a request is smuggled past a proxy. Those are refused
 * before anything else is done with the request. So are two of any other field that may stand once and that somebody
 * goes by (RFC 9110 section 5.3): of two Authorization one program takes the first, another the last.
 *
 * The head is read as the library leaves it in its buffer: there the blank behind the method, the colon behind a name,
 * and each CR and LF that ends a line have become NUL. The lengths of its lines are thus known although the library
 * gives texts that end at the first NUL. Example, · for NUL:
 *     GET·/healthz·HTTP/1.1··Host· localhost··Accept· text/csv····
 * Two NUL inside a value look like CR LF, and what stands behind them like a header that nobody sent, where a third one
 * follows: there are then more headers than the library counts. What cannot be seen: a NUL or a leading colon with a
 * bare LF right behind or right before it, which leave the same two bytes as CR LF. */
#ifndef QLSTM_HTTP_MHD_FRAMING_H
#define QLSTM_HTTP_MHD_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

/* Pointers into the library's buffer, method <= version <= method + size. */
struct head {
	const char *method, *version;
	size_t size;          /* from the method to behind the blank line */
	size_t target_length; /* of the target up to its first NUL, before the library took it apart */
	int headers;          /* that the library found */
};

struct framing {
	int lines, hosts, lengths, encodings;
	unsigned seen;     /* fields that may stand once, a bit each */
	const char *twice; /* the fault of the first of them that came again; NULL: none did */
	bool bad_name, bad_value, bad_encoding;
};

/* NULL when the head is sound, else what is wrong with it (static storage). `framing` is what was found. */
const char *framing_read(struct framing *framing, const struct head *head);

#endif
