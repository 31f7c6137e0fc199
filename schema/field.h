/* A field of the resolved spec and the struct member that it fills. A table of them is how a spec becomes C. */
#ifndef QLSTM_SCHEMA_FIELD_H
#define QLSTM_SCHEMA_FIELD_H

#include <assert.h>
#include <jansson.h>
#include <stddef.h>

struct field {
	const char *part; /* way to the object it stands in: "training/optimizer"; "" for the object itself */
	const char *name;
	void (*store)(void *at, const json_t *value, const struct field *field);
	size_t offset, size;       /* of the struct member */
	const char *const *values; /* of an enum, in the order of the enumerators; NULL at the end */
};

void field_int(void *at, const json_t *value, const struct field *field);
void field_u64(void *at, const json_t *value, const struct field *field);
void field_double(void *at, const json_t *value, const struct field *field);
void field_bool(void *at, const json_t *value, const struct field *field);
void field_text(void *at, const json_t *value, const struct field *field);          /* char[] */
void field_text_borrowed(void *at, const json_t *value, const struct field *field); /* const char *, the value's own */
void field_enum(void *at, const json_t *value, const struct field *field);          /* an enum as wide as int */

#define FIELD_SIZE(type, member) sizeof(((type *)0)->member)
#define FIELD(type, part, name, store, member, values)                                                                 \
	{                                                                                                              \
		part, name, store, offsetof(type, member), FIELD_SIZE(type, member), values                            \
	}

/* Fills the members of the struct at `base`; absent fields keep what they have. */
void fields_store(void *base, const struct field *fields, size_t n, const json_t *object);

#endif
