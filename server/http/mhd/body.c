/* Request bodies. */
#include "server/http/mhd/body.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

void body_clear_buffer(struct body *body, struct body_budget *budget)
{
	budget->used -= body->capacity;
	free(body->bytes);
	body->bytes = NULL;
	body->length = body->capacity = 0;
}

size_t body_room(const struct body *body)
{
	if (body->folder == NULL)
		return SIZE_MAX;
	return body->length < BODY_BLOCK ? BODY_BLOCK - body->length : 0;
}

int body_append(struct body *body, struct body_budget *budget, const void *bytes, size_t count)
{
	int rc = count > body->limit - body_length(body) ? ERR_TOO_LARGE : 0;
	if (rc == 0 && body->length + count > body->capacity)
		rc = body_grow(body, budget, body->length + count);
	if (rc != 0) {
		body_clear_buffer(body, budget);
		return rc;
	}
	memcpy(body->bytes + body->length, bytes, count);
	body->length += count;
	return 0;
}

int body_spool(struct body *body, struct qlstm_error *error)
{
	int rc = body->spool.file == 0 ? spool_open(&body->spool, body->folder, error) : 0;
	if (rc == 0)
		rc = spool_write(&body->spool, body->bytes, body->length, error);
	body->length = 0;
	return rc;
}

int body_finish(struct body *body, struct qlstm_error *error)
{
	if (body->spool.file == 0)
		return 0;
	int rc = body_spool(body, error);
	return rc == 0 ? spool_map(&body->spool, &body->pages, error) : rc;
}

void body_close_spool(struct body *body)
{
	spool_unmap(&body->spool, body->pages);
	body->pages = NULL;
	spool_close(&body->spool);
}

size_t body_length(const struct body *body)
{
	return body->spool.length + body->length;
}

const unsigned char *body_content(const struct body *body)
{
	return body->pages != NULL ? body->pages : body->bytes;
}
