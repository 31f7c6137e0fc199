/* The dashboard: a page, a script, a style sheet, an icon and the licences, carried inside the binary (embed.S). They
 * know nothing of this service's data; what they show they ask for by the API, so everybody may have them. */
#ifndef QLSTM_WEB_ASSETS_H
#define QLSTM_WEB_ASSETS_H

#include "server/http/http.h"

/* Answers with the page, index.html. */
void web_page(void *context, struct http_request *request, struct http_reply *reply);
/* Answers with the file that the first parameter names; false: there is none of this name, nothing was answered. Under
 * ?v=VERSION, the first digits of its SHA-256 as the page writes them, browsers keep it for ever; else they ask each
 * time whether their ETag still holds. */
bool web_file(const struct http_request *request, struct http_reply *reply);

#endif
