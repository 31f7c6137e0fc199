/* Certificates and a small client. */
#include "server/http/tls.h"

#include <gnutls/gnutls.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/clock.h"
#include "server/common/file.h"

#define MAX_PEM_BYTES ((size_t)1 << 20)

static int read_pem(const char *path, char **text, struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length;
	int rc = file_read(path, MAX_PEM_BYTES, &bytes, &length, error);
	if (rc != 0)
		return rc;
	*text = (char *)bytes;
	if (strlen(*text) != length || strstr(*text, "-----BEGIN ") == NULL)
		return error_set(error, ERR_CORRUPT, NULL, "%s is no PEM file", path);
	return 0;
}

static int check_certificate(const char *path, const char *text, struct qlstm_error *error)
{
	gnutls_certificate_credentials_t credentials;
	if (gnutls_certificate_allocate_credentials(&credentials) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the certificate");
	const gnutls_datum_t pem = {.data = (unsigned char *)text, .size = (unsigned)strlen(text)};
	int number = gnutls_certificate_set_x509_trust_mem(credentials, &pem, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(credentials);
	if (number > 0)
		return 0;
	return error_set(error, ERR_CORRUPT, NULL, "%s holds no certificate: %s", path,
	                 number < 0 ? gnutls_strerror(number) : "none was found");
}

static int check_pair(const struct tls_files *files, const char *certificate, const char *key,
                      struct qlstm_error *error)
{
	gnutls_certificate_credentials_t credentials;
	if (gnutls_certificate_allocate_credentials(&credentials) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the certificate");
	const gnutls_datum_t one = {.data = (unsigned char *)files->certificate,
	                            .size = (unsigned)strlen(files->certificate)},
	                     other = {.data = (unsigned char *)files->key, .size = (unsigned)strlen(files->key)};
	int number = gnutls_certificate_set_x509_key_mem(credentials, &one, &other, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(credentials);
	if (number >= 0)
		return 0;
	if (number == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return error_set(error, ERR_INVALID, NULL, "%s is not the key of %s", key, certificate);
	return error_set(error, ERR_INVALID, NULL, "%s is no key that can be used: %s", key, gnutls_strerror(number));
}

int tls_open(struct tls_files *files, const char *certificate, const char *key, struct qlstm_error *error)
{
	*files = (struct tls_files){0};
	int rc = read_pem(certificate, &files->certificate, error);
	if (rc == 0)
		rc = check_certificate(certificate, files->certificate, error);
	if (rc == 0)
		rc = read_pem(key, &files->key, error);
	return rc == 0 ? check_pair(files, certificate, key, error) : rc;
}

void tls_close(struct tls_files *files)
{
	if (files->key != NULL)
		sodium_memzero(files->key, strlen(files->key));
	free(files->key);
	free(files->certificate);
	*files = (struct tls_files){0};
}

/* Milliseconds until then, at least one: 0 would be no limit. */
static unsigned left_until(double deadline)
{
	double left = (deadline - clock_monotonic()) * 1000;
	return left > 1 ? (unsigned)left : 1;
}

/* To the end of the answer: as a rule the other side says goodbye, but an end of the connection will do. */
static const char *receive(gnutls_session_t session, double deadline, char *head, size_t size)
{
	size_t kept = 0;
	for (;;) {
		char part[1024];
		if (clock_monotonic() > deadline)
			return "no whole answer in time";
		gnutls_record_set_timeout(session, left_until(deadline));
		ssize_t count = gnutls_record_recv(session, part, sizeof part);
		if (count == GNUTLS_E_INTERRUPTED || count == GNUTLS_E_AGAIN)
			continue;
		if (count == GNUTLS_E_TIMEDOUT)
			return "no whole answer in time";
		if (count < 0 && count != GNUTLS_E_PREMATURE_TERMINATION)
			return gnutls_strerror((int)count);
		if (count <= 0)
			break;
		size_t room = size - 1 - kept, taken = (size_t)count < room ? (size_t)count : room;
		memcpy(head + kept, part, taken);
		kept += taken;
	}
	head[kept] = '\0';
	return NULL;
}

static const char *exchange(gnutls_session_t session, double deadline, const char *request, char *head, size_t size)
{
	int number;
	gnutls_handshake_set_timeout(session, left_until(deadline));
	do
		number = gnutls_handshake(session);
	while (number < 0 && !gnutls_error_is_fatal(number) && clock_monotonic() < deadline);
	if (number < 0)
		return number == GNUTLS_E_TIMEDOUT ? "no whole answer in time" : gnutls_strerror(number);
	ssize_t sent = gnutls_record_send(session, request, strlen(request));
	if (sent != (ssize_t)strlen(request))
		return "the request was not taken";
	return receive(session, deadline, head, size);
}

const char *tls_ask(int socket, double seconds, const char *request, char *head, size_t size)
{
	double deadline = clock_monotonic() + seconds;
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	const char *fault = "no memory for TLS";
	if (gnutls_certificate_allocate_credentials(&credentials) != 0)
		return fault;
	if (gnutls_init(&session, GNUTLS_CLIENT) == 0) {
		gnutls_priority_set_direct(session, TLS_PRIORITIES, NULL);
		gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
		gnutls_transport_set_int(session, socket);
		fault = exchange(session, deadline, request, head, size);
		gnutls_deinit(session);
	}
	gnutls_certificate_free_credentials(credentials);
	return fault;
}
