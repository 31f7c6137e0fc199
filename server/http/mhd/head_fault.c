/* What is wrong with a request's head. */
#include "server/http/mhd/head_fault.h"

#include <string.h>
#include <strings.h>

#include "server/http/mhd/framing.h"

/* What method and Host say about the target. */
static const char *check_target(const struct exchange *exchange)
{
	if (strcmp(exchange->target.path, "*") == 0 && strcmp(exchange->request.method, "OPTIONS") != 0)
		return "the target * is for OPTIONS alone";
	const char *authority = exchange->target.authority, *host = http_header(&exchange->request, "Host");
	if (authority == NULL || (host != NULL && strcasecmp(authority, host) == 0))
		return NULL;
	return "the target and the Host header name different servers";
}

/* Where the head or a part of it could be read in two ways, or not at all. */
static const char *check_syntax(struct exchange *exchange, const struct head *head)
{
	struct framing framing;
	const char *fault = framing_read(&framing, head);
	/* The library ends a chunked body, and the lines behind it, in more ways than one: what follows such a request
	 * is never read as another. */
	exchange->last = framing.encodings > 0;
	if (fault == NULL)
		fault = exchange->fault;
	return fault != NULL ? fault : check_target(exchange);
}

static bool names_another_server(const struct exchange *exchange)
{
	const struct host_names *hosts = exchange->server->config.hosts;
	const char *host = http_header(&exchange->request, "Host");
	return host != NULL && hosts != NULL && !host_names_allow(hosts, host);
}

bool head_fault_find(struct exchange *exchange, const char *method, const char *version, struct head_fault *out)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct head head = {.method = method,
	                    .version = version,
	                    .size = info != NULL ? info->header_size : 0,
	                    .target_length = exchange->target_length,
	                    .headers = MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, NULL, NULL)};
	const char *fault = check_syntax(exchange, &head);
	const struct {
		bool broken;
		struct head_fault fault;
	} rules[] = {
	    {head.target_length > HEAD_MOST_TARGET, {414, ERR_TOO_LARGE, "the target is longer than 16 KiB"}},
	    {head.headers > HEAD_MOST_HEADERS, {431, ERR_TOO_LARGE, "there are more than 100 headers"}},
	    {head.size > HEAD_MOST_BYTES, {431, ERR_TOO_LARGE, "the head of the request is larger than 48 KiB"}},
	    {fault != NULL, {400, ERR_SYNTAX, fault}},
	    {names_another_server(exchange),
	     {421, ERR_INVALID, "the Host header names another server; --host-name makes a name this one's"}},
	};
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (!rules[i].broken)
			continue;
		*out = rules[i].fault;
		return true;
	}
	return false;
}
