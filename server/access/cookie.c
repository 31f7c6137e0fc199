/* The cookie that holds a browser's key. */
#include "server/access/cookie.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE 20

/* "qlstmd_8080" for the Host "localhost:8080", "qlstmd" for one without a port. */
static void cookie_name(const struct http_request *request, char out[NAME_SIZE])
{
	const char *host = http_header(request, "Host");
	const char *port = host != NULL ? strrchr(host, ':') : NULL;
	if (port != NULL && strspn(port + 1, "0123456789") == strlen(port + 1) && strlen(port + 1) <= 5)
		snprintf(out, NAME_SIZE, "qlstmd_%s", port + 1);
	else
		snprintf(out, NAME_SIZE, "qlstmd");
}

/* The value of the first cookie of that name: where it begins, and its length. */
static const char *cookie_find(const char *list, const char *name, size_t *length)
{
	size_t name_length = strlen(name);
	while (list != NULL && *list != '\0') {
		list += strspn(list, " ;");
		if (strncmp(list, name, name_length) == 0 && list[name_length] == '=') {
			list += name_length + 1;
			*length = strcspn(list, ";");
			return list;
		}
		list = strchr(list, ';');
	}
	return NULL;
}

/* Whether the service's own page sent it, or, of what changes nothing, a reader who typed the address. */
static bool is_own(const struct http_request *request)
{
	const char *site = http_header(request, "Sec-Fetch-Site");
	bool changes = strcmp(request->method, "GET") != 0 && strcmp(request->method, "OPTIONS") != 0;
	if (changes && http_header(request, "Origin") == NULL)
		return false;
	return site == NULL || strcmp(site, "same-origin") == 0 || (strcmp(site, "none") == 0 && !changes);
}

const char *cookie_authorization(const struct http_request *request, char buffer[COOKIE_AUTHORIZATION_SIZE])
{
	const char *header = http_header(request, "Authorization");
	const char *cookies = header == NULL ? http_header(request, "Cookie") : NULL;
	char name[NAME_SIZE];
	size_t length = 0;
	if (cookies == NULL || !is_own(request))
		return header;
	cookie_name(request, name);
	const char *key = cookie_find(cookies, name, &length);
	if (key == NULL)
		return NULL;
	int used = snprintf(buffer, COOKIE_AUTHORIZATION_SIZE, "Bearer %.*s", (int)(length < 256 ? length : 256), key);
	return used < COOKIE_AUTHORIZATION_SIZE ? buffer : "Bearer";
}

void cookie_set(const struct http_request *request, const char *key, char out[COOKIE_SIZE])
{
	const char *origin = http_header(request, "Origin");
	bool secure = origin != NULL && strncmp(origin, "https://", 8) == 0;
	char name[NAME_SIZE];
	cookie_name(request, name);
	snprintf(out, COOKIE_SIZE, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", name, key != NULL ? key : "",
	         secure ? "; Secure" : "", key != NULL ? "" : "; Max-Age=0");
}
