/* The hash of what determines an experiment's result. */
#include <sodium.h>
#include <string.h>

#include "schema/spec.h"

static int hash_text(const char *text, size_t length, void *state)
{
	return crypto_hash_sha256_update(state, (const unsigned char *)text, length);
}

/* Every part goes in with its name and the NUL byte after it, so that no two specs run together to the same text.
 * `out` is "" when memory runs out. */
void spec_fingerprint(const json_t *resolved, const char *data_sha256, char out[65])
{
	static const char *const parts[] = {"data", "model", "training", "simulation"};
	crypto_hash_sha256_state state;
	unsigned char hash[crypto_hash_sha256_BYTES];
	out[0] = '\0';
	crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		const json_t *part = json_object_get(resolved, parts[i]);
		hash_text(parts[i], strlen(parts[i]) + 1, &state);
		if (part != NULL && json_dump_callback(part, hash_text, &state, JSON_SORT_KEYS | JSON_COMPACT) != 0)
			return;
		hash_text("", 1, &state);
	}
	hash_text(data_sha256, strlen(data_sha256), &state);
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(out, 65, hash, sizeof hash);
}
