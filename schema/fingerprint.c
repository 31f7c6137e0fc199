/* The hash of what determines an experiment's result. */
#include <sodium.h>
#include <string.h>

#include "schema/keyword.h"
#include "schema/spec.h"

static int hash_text(const char *text, size_t length, void *state)
{
	return crypto_hash_sha256_update(state, (const unsigned char *)text, length);
}

static void leave_out_defaults(const json_t *schema, json_t *value, const json_t *root);

/* Removes the fields of `object` that say so in the schema and stand at their default; objects that say so when nothing
 * is left in them. */
static void leave_out_fields(const json_t *schema, json_t *object, const json_t *root)
{
	const char *name;
	json_t *property;
	keyword_foreach(json_object_get(schema, "properties"), name, property)
	{
		json_t *value = json_object_get(object, name);
		const char *when = json_string_value(json_object_get(property, "x-fingerprint"));
		if (value == NULL)
			continue;
		bool if_needed = when != NULL && strcmp(when, "unless-default") == 0;
		bool usual = if_needed && json_equal(value, keyword_default(property, object, root)) == 1;
		if (!usual)
			leave_out_defaults(property, value, root);
		if (usual || (if_needed && json_is_object(value) && json_object_size(value) == 0))
			json_object_del(object, name);
	}
}

/* The same in everything that `value` holds. */
static void leave_out_defaults(const json_t *schema, json_t *value, const json_t *root)
{
	const json_t *document = spec_schema();
	schema = keyword_follow(document, schema);
	const json_t *one_of = json_object_get(schema, "oneOf");
	const char *selector = one_of != NULL ? keyword_selector(document, one_of) : NULL;
	const char *choice = selector != NULL ? json_string_value(json_object_get(value, selector)) : NULL;
	if (choice != NULL)
		schema = keyword_branch(document, one_of, selector, choice);
	leave_out_fields(schema, value, root);
	for (size_t i = 0; i < json_array_size(value); i++)
		leave_out_defaults(json_object_get(schema, "items"), json_array_get(value, i), root);
}

/* Every part goes in with its name and the NUL byte after it, so that no two specs run together to the same text.
 * `out` is "" when memory runs out. */
void spec_fingerprint(const json_t *resolved, const char *data_sha256, char out[65])
{
	static const char *const parts[] = {"data", "model", "training", "simulation"};
	crypto_hash_sha256_state state;
	unsigned char hash[crypto_hash_sha256_BYTES];
	out[0] = '\0';
	json_t *spec = json_deep_copy(resolved);
	if (spec == NULL)
		return;
	leave_out_defaults(spec_schema(), spec, resolved);
	crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		const json_t *part = json_object_get(spec, parts[i]);
		hash_text(parts[i], strlen(parts[i]) + 1, &state);
		if (part != NULL && json_dump_callback(part, hash_text, &state, JSON_SORT_KEYS | JSON_COMPACT) != 0) {
			json_decref(spec);
			return;
		}
		hash_text("", 1, &state);
	}
	json_decref(spec);
	hash_text(data_sha256, strlen(data_sha256), &state);
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(out, 65, hash, sizeof hash);
}
