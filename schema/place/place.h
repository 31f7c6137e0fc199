/* Where in a document a value stands, and the words in which errors speak of places and values. Every text is bounded
 * and cut between characters, whatever the user sent. */
#ifndef QLSTM_SCHEMA_PLACE_H
#define QLSTM_SCHEMA_PLACE_H

#include <jansson.h>
#include <stddef.h>

#define PLACE_POINTER_SIZE 160 /* as qlstm_error.pointer */
#define PLACE_NAME_SIZE    64
#define PLACE_VALUE_SIZE   64
#define PLACE_LIST_SIZE    192

/* One step from the root; lives on the stack of whoever walks, so that no text is built before there is an error. */
struct place {
	const struct place *parent; /* NULL: the root */
	const char *key;            /* NULL: item `index` of an array */
	size_t index;
	unsigned depth; /* 0 at the root */
};

struct place place_key(const struct place *parent, const char *key);
struct place place_item(const struct place *parent, size_t index);

/* RFC 6901, "" for the root. */
void place_pointer(const struct place *place, char out[PLACE_POINTER_SIZE]);
/* "n_qubits", "layers[0]", "the request" for the root. */
void place_name(const struct place *place, char out[PLACE_NAME_SIZE]);

/* Appends to the NUL-terminated text in out[size], as much as fits. */
void place_add(char *out, size_t size, const char *text);
/* The same, as one token of a JSON pointer, its slash included. */
void place_add_token(char *out, size_t size, const char *key);
/* The same, quoted and at most 40 bytes of it; after a comma if something stands there already. */
void place_add_choice(char *out, size_t size, const char *choice);

/* The value as it was sent: 26, 0.1, true, 'damped'; "an object" for what is too big to show. */
void place_value(const json_t *value, char out[PLACE_VALUE_SIZE]);
/* A number in the fewest digits that read back as the same number. */
void place_number(double number, char out[32]);
/* "a string", "an integer", ... Static storage. */
const char *place_type(const json_t *value);

#endif
