/* Copies the fields of a resolved spec into members of structs, by their kind: int, double, bool, text, enum. */
#include "schema/field.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void field_int(void *at, const json_t *value, const struct field *field)
{
	(void)field;
	*(int *)at = (int)json_integer_value(value);
}

void field_u64(void *at, const json_t *value, const struct field *field)
{
	(void)field;
	*(uint64_t *)at = (uint64_t)json_integer_value(value);
}

void field_double(void *at, const json_t *value, const struct field *field)
{
	(void)field;
	*(double *)at = json_number_value(value);
}

void field_bool(void *at, const json_t *value, const struct field *field)
{
	(void)field;
	*(bool *)at = json_is_true(value);
}

void field_text(void *at, const json_t *value, const struct field *field)
{
	const char *text = json_string_value(value);
	snprintf(at, field->size, "%s", text != NULL ? text : "");
}

void field_text_borrowed(void *at, const json_t *value, const struct field *field)
{
	(void)field;
	*(const char **)at = json_string_value(value);
}

void field_enum(void *at, const json_t *value, const struct field *field)
{
	const char *text = json_string_value(value);
	for (int i = 0; text != NULL && field->values[i] != NULL; i++)
		if (strcmp(field->values[i], text) == 0)
			memcpy(at, &i, sizeof i);
}

/* The object at "training/optimizer"; borrowed, NULL when absent. */
static const json_t *find_part(const json_t *object, const char *part)
{
	while (*part != '\0') {
		size_t length = strcspn(part, "/");
		object = json_object_getn(object, part, length);
		part += length + (part[length] == '/');
	}
	return object;
}

/* Fields of one part stand side by side in a table: it is found once for all of them. */
void fields_store(void *base, const struct field *fields, size_t n, const json_t *object)
{
	const json_t *part = NULL;
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(fields[i].part, fields[i - 1].part) != 0)
			part = find_part(object, fields[i].part);
		const json_t *value = json_object_get(part, fields[i].name);
		if (value != NULL)
			fields[i].store((char *)base + fields[i].offset, value, &fields[i]);
	}
}
