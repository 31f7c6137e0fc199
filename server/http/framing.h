/* Whether a request's head says unmistakably where the request ends. libmicrohttpd 0.9.75 accepts heads that two
 * programs may read differently (two Content-Length, Content-Length with Transfer-Encoding, two Host), which is how a
 * request is smuggled past a proxy; those are refused before anything else is done with the request. */
#ifndef QLSTM_HTTP_FRAMING_H
#define QLSTM_HTTP_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

struct framing {
	int hosts, lengths, encodings;
	bool bad_name, bad_encoding;
};

/* Feeds one header. `value` may be NULL. */
void framing_header(struct framing *framing, const char *name, size_t name_length, const char *value);
/* After the last header: NULL when the head is sound, else what is wrong with it. `version` is "HTTP/1.1" or alike. */
const char *framing_fault(const struct framing *framing, const char *version);

#endif
