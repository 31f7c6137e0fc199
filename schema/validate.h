/* Validates a JSON value against a schema and fills in defaults, by interpreting the part of JSON Schema 2020-12 that
 * experiment.schema.json uses: type, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength,
 * maxLength, pattern (of one meaning: no control character), items, minItems, maxItems, properties, required,
 * additionalProperties: false, $ref into the document, oneOf of objects told apart by a const property, default; and
 * three annotations of our own: x-default-by (the default by the value of another field that stands before it),
 * x-only-for (the values of such a field that a field belongs to) and x-aliases (other names of a field). The schema is
 * therefore the only place where a range or a default stands. Debian has no C library for this. */
#ifndef QLSTM_SCHEMA_VALIDATE_H
#define QLSTM_SCHEMA_VALIDATE_H

#include <jansson.h>

#include "engine/error.h"

/* A new, fully resolved copy of `value` in *out (caller's reference): aliases renamed, defaults filled in, fields in
 * the order of the schema. The first violation ends it, with the JSON pointer, the value and what is allowed:
 *   /model/layers/0/n_qubits  out_of_range   "n_qubits is 26; allowed are 1 to 25"
 *   /training/epoch           unknown_field  "unknown field 'epoch'; did you mean 'epochs'?" */
int schema_resolve(const json_t *schema, const json_t *value, json_t **out, struct qlstm_error *error);
/* The same of one member of a value whose other members are resolved. */
int schema_resolve_member(const json_t *schema, const json_t *whole, const char *name, json_t **out,
                          struct qlstm_error *error);
/* Some fields alone of an object that is not resolved, in the order of `names`: as schema_resolve would give them. They
 * must depend on no field but those before them in `names`. */
int schema_resolve_fields(const json_t *schema, const json_t *value, const char *const *names, size_t n, json_t **out,
                          struct qlstm_error *error);

#endif
