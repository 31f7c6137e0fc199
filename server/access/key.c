/* A key. */
#include "server/access/key.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "server/common/clock.h"
#include "server/common/file.h"

#define PREFIX "qlstmd_"

enum { PREFIX_LENGTH = sizeof PREFIX - 1, ID_LENGTH = KEY_ID_SIZE - 1, SECRET_BYTES = 32, SECRET_LENGTH = 43 };

static_assert(PREFIX_LENGTH + ID_LENGTH + 1 + SECRET_LENGTH + 1 == KEY_TEXT_SIZE, "the parts make up the whole");

void key_secret_make(const char *id, char text[KEY_TEXT_SIZE], char sha256[65])
{
	unsigned char secret[SECRET_BYTES];
	char letters[SECRET_LENGTH + 1];
	randombytes_buf(secret, sizeof secret);
	sodium_bin2base64(letters, sizeof letters, secret, sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	snprintf(text, KEY_TEXT_SIZE, PREFIX "%s_%s", id, letters);
	sha256_hex(text, strlen(text), sha256);
	sodium_memzero(secret, sizeof secret);
	sodium_memzero(letters, sizeof letters);
}

bool key_text_id(const char *text, char id[KEY_ID_SIZE])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	if (strlen(text) != KEY_TEXT_SIZE - 1 || strncmp(text, PREFIX, PREFIX_LENGTH) != 0)
		return false;
	memcpy(id, text + PREFIX_LENGTH, ID_LENGTH);
	id[ID_LENGTH] = '\0';
	const char *secret = text + PREFIX_LENGTH + ID_LENGTH;
	return ulid_valid(id) && *secret == '_' && strspn(secret + 1, letters) == SECRET_LENGTH;
}

bool key_matches(const struct key *key, const char *text)
{
	char sha256[65];
	sha256_hex(text, strlen(text), sha256);
	return sodium_memcmp(sha256, key->sha256, sizeof sha256) == 0;
}

bool key_in_force(const struct key *key, int64_t now)
{
	return key->revoked_at == 0 && (key->expires_at == 0 || now < key->expires_at);
}

bool key_name_valid(const char *name)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t length = strlen(name), fit = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                                                 "0123456789._@-");
	return length > 0 && length < KEY_NAME_SIZE && fit == length && strchr(first, name[0]) != NULL;
}

struct principal key_principal(const struct key *key)
{
	unsigned scopes = 0;
	for (unsigned scope = SCOPE_READ; scope <= (unsigned)key->scope; scope++)
		scopes |= 1U << scope;
	return (struct principal){key->name, scopes, {key->owner, key->scope == SCOPE_ADMIN}, key->quota, key->sha256};
}
