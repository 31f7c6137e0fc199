/* Finds the number that made jansson give up: its error says a line and a column, but not whose value it is. */
#ifndef QLSTM_SCHEMA_OVERFLOW_H
#define QLSTM_SCHEMA_OVERFLOW_H

#include <stddef.h>

#include "schema/place/place.h"

struct overflow {
	char pointer[PLACE_POINTER_SIZE]; /* of the field; "" for a number alone */
	char name[PLACE_NAME_SIZE];       /* of the field, as messages call it */
	char token[PLACE_VALUE_SIZE];     /* the number as it was sent, at most 40 bytes of it */
};

/* Looks for the first number that no long long or double holds in text that is JSON up to there. Returns 0, or -1 when
 * there is none or it sits too deep. */
int overflow_find(const char *text, size_t length, struct overflow *out);

#endif
