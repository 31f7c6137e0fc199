/* What others call a field. */
#include "schema/synonyms.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* "seqLen", "seq-len" and "seq_len" are one name. */
static bool is_name(const char *written, const char *name)
{
	for (;;) {
		written += strspn(written, "_- .");
		name += strspn(name, "_- .");
		if (*written == '\0' || *name == '\0')
			return *written == *name;
		if (tolower((unsigned char)*written++) != tolower((unsigned char)*name++))
			return false;
	}
}

static bool has_name(const json_t *row, const char *written)
{
	size_t i;
	json_t *name;
	json_array_foreach(json_object_get(row, "names"), i, name)
	{
		if (is_name(written, json_string_value(name)))
			return true;
	}
	return false;
}

static bool stands_at(const struct place *place, const char *pointer)
{
	char at[PLACE_POINTER_SIZE];
	if (place->parent == NULL)
		return false;
	place_pointer(place->parent, at);
	return strcmp(at, pointer) == 0;
}

static void describe(const json_t *row, const json_t *value, char *out)
{
	const char *says = json_string_value(json_object_get(row, "says"));
	const char *means = json_string_value(json_object_get(row, "means"));
	double fraction = json_number_value(value);
	char rest[32];
	if (says != NULL) {
		snprintf(out, SYNONYM_SIZE, "%s", says);
	} else if (json_is_true(json_object_get(row, "complement"))) {
		bool known = fraction > 0 && fraction < 1;
		snprintf(rest, sizeof rest, "%.15g", 1 - fraction);
		snprintf(out, SYNONYM_SIZE, "here %s says the training part%s%s", means, known ? ": " : "",
		         known ? rest : "");
	} else {
		snprintf(out, SYNONYM_SIZE, *means == '/' ? "here it is %s" : "here it is '%s' of a layer", means);
	}
}

bool synonym_find(const json_t *document, const struct place *place, const json_t *value, bool here,
                  char out[SYNONYM_SIZE])
{
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(document, "x-synonyms"), i, row)
	{
		const char *at = json_string_value(json_object_get(row, "at"));
		if ((at != NULL) != here || (here && !stands_at(place, at)) || !has_name(row, place->key))
			continue;
		describe(row, value, out);
		return true;
	}
	return false;
}
