/* A browser's key: kept in a cookie that no script can read, sent with each request of the dashboard, event streams
 * too, where a program would send Authorization.
 *
 * Cookies come by themselves, so what is done by one must come from the service's own page: a request that a browser
 * marks as sent for another origin (Sec-Fetch-Site), or that changes something without saying which origin it is for,
 * has no key. SameSite=Strict keeps the cookie away from other sites before that. Cookies do not know ports: the name
 * holds the port, so that two services of one host do not take each other's. */
#ifndef QLSTM_ACCESS_COOKIE_H
#define QLSTM_ACCESS_COOKIE_H

#include "server/access/key.h"
#include "server/http/http.h"

#define COOKIE_AUTHORIZATION_SIZE (KEY_TEXT_SIZE + 8)
#define COOKIE_SIZE               (KEY_TEXT_SIZE + 100)

/* The Authorization header; else, of a request of the service's own page, "Bearer " and the cookie's key, written to
 * `buffer`; else NULL. */
const char *cookie_authorization(const struct http_request *request, char buffer[COOKIE_AUTHORIZATION_SIZE]);

/* The value of Set-Cookie that makes the browser keep this key until it is closed, or, with NULL, forget it. Secure
 * where the request came from a page of https. */
void cookie_set(const struct http_request *request, const char *key, char out[COOKIE_SIZE]);

#endif
