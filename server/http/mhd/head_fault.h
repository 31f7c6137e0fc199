/* What is wrong with a request's head: framing, target, size, or the name of another server. Found before anything else
 * is done with the request, which is then answered, and its connection ended. */
#ifndef QLSTM_HTTP_MHD_HEAD_FAULT_H
#define QLSTM_HTTP_MHD_HEAD_FAULT_H

#include <stdbool.h>

#include "server/http/mhd/exchange.h"

/* What a head may hold. The library's memory for a connection (server.c) holds more, so that we are asked about a head
 * that is a little too large and answer it; of one that is much too large the library speaks. */
#define HEAD_MOST_BYTES   ((size_t)48 << 10)
#define HEAD_MOST_TARGET  ((size_t)16 << 10)
#define HEAD_MOST_HEADERS 100

struct head_fault {
	int status, code;
	const char *message; /* static storage */
};

/* Whether there is one; the first. The target was read before (exchange_on_line). Says by `exchange->last` that the
 * connection ends with the reply, where the end of the request is the library's alone to tell. */
bool head_fault_find(struct exchange *exchange, const char *method, const char *version, struct head_fault *out);

#endif
