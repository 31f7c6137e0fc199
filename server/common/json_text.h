/* JSON as text for people and programs. */
#ifndef QLSTM_COMMON_JSON_TEXT_H
#define QLSTM_COMMON_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/text.h"

/* `value` as text in which every real is the shortest that reads back to the same double (jansson alone shows 0.67 as
 * 0.67000000000000004). json_text is compact; json_text_indented is for people, two blanks a level. malloc, the
 * caller's; NULL when out of memory or `value` is NULL. */
char *json_text(const json_t *value);
char *json_text_indented(const json_t *value);

/* Writes a NUL-terminated text as a JSON string, as json_text does. False, with nothing written, when it is no UTF-8.
 */
bool json_write_string(struct text *out, const char *text);

/* Writes `,"name":"text"`, null where the text is NULL or no UTF-8. The name is written as it is. */
void json_write_member(struct text *out, const char *name, const char *text);

/* Writes a real as json_text does, null for NaN and infinities. */
void json_write_real(struct text *out, double value);

/* A real that keeps the value's bits, null for NaN and infinities. New reference, NULL when out of memory. */
json_t *json_number_or_null(double value);

#endif
