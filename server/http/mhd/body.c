/* Request bodies. */
#include "server/http/mhd/body.h"

#include <stdlib.h>
#include <string.h>

#include "engine/error.h"

#define FIRST_CAPACITY 4096

static int body_grow(struct body *body, struct body_budget *budget, size_t needed)
{
	size_t capacity = body->capacity > 0 ? body->capacity : FIRST_CAPACITY;
	while (capacity < needed)
		capacity *= 2;
	if (capacity - body->capacity > budget->limit - budget->used)
		return ERR_UNAVAILABLE;
	unsigned char *larger = realloc(body->bytes, capacity);
	if (larger == NULL)
		return ERR_UNAVAILABLE;
	budget->used += capacity - body->capacity;
	body->bytes = larger;
	body->capacity = capacity;
	return 0;
}

int body_append(struct body *body, struct body_budget *budget, const void *bytes, size_t count)
{
	int rc = count > body->limit - body->length ? ERR_TOO_LARGE : 0;
	if (rc == 0 && body->length + count > body->capacity)
		rc = body_grow(body, budget, body->length + count);
	if (rc != 0) {
		body_clear(body, budget);
		return rc;
	}
	memcpy(body->bytes + body->length, bytes, count);
	body->length += count;
	return 0;
}

void body_clear(struct body *body, struct body_budget *budget)
{
	budget->used -= body->capacity;
	free(body->bytes);
	*body = (struct body){.limit = body->limit};
}
