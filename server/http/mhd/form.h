/* A body that is a form (multipart/form-data), read while it arrives: one file, which becomes the request's body, and
 * fields, which stand beside the parameters of its query. Example: `curl -F name=prices -F file=@prices.csv`. */
#ifndef QLSTM_HTTP_MHD_FORM_H
#define QLSTM_HTTP_MHD_FORM_H

#include <microhttpd.h>
#include <stdbool.h>

#include "server/http/http.h"
#include "server/http/mhd/body.h"

#define FORM_FIELD_BYTES 4096 /* the longest field */
#define FORM_KEPT_BYTES  8192 /* that have arrived and are not with the body yet, at most */

struct form;

/* Whether the Content-Type says that a form comes. */
bool form_announced(struct MHD_Connection *connection);
/* `body` takes the file and is the caller's. NULL: the Content-Type has no boundary of 2 to 70 characters, or there is
 * no memory. */
struct form *form_new(struct MHD_Connection *connection, struct body *body, struct body_budget *budget);
/* The next bytes of the form. ERR_SYNTAX, or as body_append; *form says which words go with it (form_fault). */
int form_append(struct form *form, const char *bytes, size_t count);
/* The last ones were there. ERR_SYNTAX where the form is cut or holds no file. */
int form_finish(struct form *form);
/* What is wrong, after ERR_SYNTAX. Static storage. */
const char *form_fault(const struct form *form);
/* Fields and the type of the file; theirs until form_free. */
const struct http_form *form_content(const struct form *form);
void form_free(struct form *form);

#endif
