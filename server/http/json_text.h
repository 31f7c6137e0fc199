/* JSON as text for people and programs. */
#ifndef QLSTM_HTTP_JSON_TEXT_H
#define QLSTM_HTTP_JSON_TEXT_H

#include <jansson.h>

/* Compact text in which every real has the fewest of 15, 16 or 17 digits that read back to the same double (jansson
 * alone shows 0.67 as 0.67000000000000004). malloc, the caller's; NULL when out of memory or `value` is NULL. */
char *json_text(const json_t *value);

#endif
