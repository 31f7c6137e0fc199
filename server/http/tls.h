/* TLS: the certificate and key that the server shows, and the client that asks after its health. The protocol itself is
 * GnuTLS, within libmicrohttpd. */
#ifndef QLSTM_HTTP_TLS_H
#define QLSTM_HTTP_TLS_H

#include <stddef.h>

#include "engine/error.h"

/* Versions and ciphers, in GnuTLS's words: TLS 1.2 and 1.3. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* PEM texts; owned. */
struct tls_files {
	char *certificate; /* of the server, those that vouch for it behind */
	char *key;
};

/* Reads both and looks whether they belong together; the error names the file and the cause. tls_close in any case. */
int tls_open(struct tls_files *files, const char *certificate, const char *key, struct qlstm_error *error);
/* Overwrites the key. */
void tls_close(struct tls_files *files);

/* A request and its answer over a connected, blocking socket, within `seconds`: keeps the beginning of the answer in
 * `head`, as text. It does not ask whose certificate it is shown: who asks after the health of an address of its own
 * knows. NULL, or what went wrong (static storage). */
const char *tls_ask(int socket, double seconds, const char *request, char *head, size_t size);

#endif
