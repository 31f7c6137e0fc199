/* The files of the dashboard. */
#include "server/web/assets.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/file.h"
#include "server/http/reply.h"

#define VERSION_LENGTH 12 /* digits of the SHA-256 in the page's ?v= */

/* Nothing but the service itself: no script, style, picture or connection of another origin, nothing written in the
 * page, no frame around it. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                             "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

#define EMBEDDED(name)                                                                                                 \
	extern const unsigned char web_##name[], web_##name##_end[], web_##name##_gz[], web_##name##_gz_end[]
EMBEDDED(index);
EMBEDDED(script);
EMBEDDED(style);
EMBEDDED(icon);
EMBEDDED(licences);

struct asset {
	const char *name, *type;
	const unsigned char *plain, *plain_end, *packed, *packed_end;
	char sha256[65]; /* of the plain bytes; made once */
};

#define ASSET(file, type, name)                                                                                        \
	{                                                                                                              \
		file, type, web_##name, web_##name##_end, web_##name##_gz, web_##name##_gz_end, ""                     \
	}
static struct asset assets[] = {
    ASSET("index.html", "text/html; charset=utf-8", index),
    ASSET("app.js", "text/javascript; charset=utf-8", script),
    ASSET("app.css", "text/css; charset=utf-8", style),
    ASSET("icon.svg", "image/svg+xml", icon),
    ASSET("LICENCES.txt", "text/plain; charset=utf-8", licences),
};
enum { N_ASSETS = sizeof assets / sizeof assets[0] };
static pthread_once_t hashed = PTHREAD_ONCE_INIT;

static void hash_all(void)
{
	for (int i = 0; i < N_ASSETS; i++)
		sha256_hex(assets[i].plain, (size_t)(assets[i].plain_end - assets[i].plain), assets[i].sha256);
}

/* Whether the client takes gzip. A weight of 0 says that it does not. */
static bool takes_gzip(const struct http_request *request)
{
	const char *list = http_header(request, "Accept-Encoding");
	const char *found = list != NULL ? strstr(list, "gzip") : NULL;
	if (found == NULL)
		return false;
	found += strlen("gzip");
	found += strspn(found, " ");
	if (*found != ';')
		return true;
	const char *weight = strstr(found, "q=");
	return weight == NULL || strtod(weight + 2, NULL) > 0;
}

static void asset_headers(struct http_reply *reply, const char *etag, bool packed, bool for_ever)
{
	reply->n_headers = 0; /* in place of no-store */
	reply_header(reply, "Cache-Control", "%s", for_ever ? "public, max-age=31536000, immutable" : "no-cache");
	reply_header(reply, "ETag", "%s", etag);
	reply_header(reply, "Vary", "Accept-Encoding");
	reply_header(reply, "Content-Security-Policy", "%s", policy);
	reply_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
	if (packed)
		reply_header(reply, "Content-Encoding", "gzip");
}

static void asset_reply(const struct asset *asset, const struct http_request *request, struct http_reply *reply)
{
	char etag[80];
	bool packed = takes_gzip(request);
	const char *version = http_query(request, "v");
	bool for_ever = version != NULL && strlen(version) == VERSION_LENGTH &&
	                strncmp(version, asset->sha256, VERSION_LENGTH) == 0;
	snprintf(etag, sizeof etag, "\"%s%s\"", asset->sha256, packed ? "-gzip" : "");
	if (reply_not_modified(request, reply, etag)) {
		asset_headers(reply, etag, false, for_ever);
		return;
	}
	const unsigned char *from = packed ? asset->packed : asset->plain;
	size_t length = (size_t)((packed ? asset->packed_end : asset->plain_end) - from);
	unsigned char *copy = malloc(length > 0 ? length : 1);
	if (copy == NULL) {
		reply_json(reply, 500, NULL);
		return;
	}
	memcpy(copy, from, length);
	reply_bytes(reply, 200, asset->type, copy, length);
	asset_headers(reply, etag, packed, for_ever);
}

void web_page(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	pthread_once(&hashed, hash_all);
	asset_reply(&assets[0], request, reply);
}

bool web_file(const struct http_request *request, struct http_reply *reply)
{
	pthread_once(&hashed, hash_all);
	for (int i = 0; i < N_ASSETS; i++) {
		if (strcmp(assets[i].name, request->params[0]) == 0) {
			asset_reply(&assets[i], request, reply);
			return true;
		}
	}
	return false;
}
