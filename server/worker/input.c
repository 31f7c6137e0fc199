/* Files named on the command line. */
#include "server/worker/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/common/file.h"

/* Standard input has no size to ask for: the buffer doubles. */
static int grow(unsigned char **buffer, size_t *room, struct qlstm_error *error)
{
	unsigned char *larger = *room < INPUT_MAX_BYTES ? realloc(*buffer, *room * 2) : NULL;
	if (larger == NULL)
		return error_set(error, ERR_TOO_LARGE, NULL, "standard input holds more than %zu bytes", *room);
	*buffer = larger;
	*room *= 2;
	return 0;
}

static int read_stdin(unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	size_t room = 1 << 16, used = 0;
	unsigned char *buffer = malloc(room);
	int rc = 0;
	if (buffer == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	while (rc == 0) {
		ssize_t n = read(STDIN_FILENO, buffer + used, room - used - 1);
		if (n == 0)
			break;
		if (n > 0)
			used += (size_t)n;
		else if (errno != EINTR)
			rc = error_set(error, ERR_IO, NULL, "cannot read standard input: %s", strerror(errno));
		if (rc == 0 && room - used == 1)
			rc = grow(&buffer, &room, error);
	}
	if (rc != 0) {
		free(buffer);
		return rc;
	}
	buffer[used] = '\0';
	*bytes = buffer;
	*length = used;
	return 0;
}

int input_read(const char *path, unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	if (strcmp(path, "-") == 0)
		return read_stdin(bytes, length, error);
	return file_read(path, INPUT_MAX_BYTES, bytes, length, error);
}

int input_map(const char *path, struct input *out, struct qlstm_error *error)
{
	struct stat about;
	*out = (struct input){0};
	if (stat(path, &about) == 0 && S_ISREG(about.st_mode))
		return file_map(path, INPUT_MAX_BYTES, &out->bytes, &out->length, error);
	int rc = input_read(path, &out->copy, &out->length, error);
	out->bytes = out->copy;
	return rc;
}

void input_unmap(struct input *input)
{
	if (input->copy == NULL)
		file_unmap(input->bytes, input->length);
	free(input->copy);
	*input = (struct input){0};
}

int input_json(const char *path, json_t **json, struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = input_read(path, &bytes, &length, error);
	if (rc != 0)
		return rc;
	json_error_t at;
	*json = json_loadb((const char *)bytes, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);
	free(bytes);
	if (*json == NULL)
		return error_set(error, ERR_SYNTAX, NULL, "%s, line %d, column %d: %s", path, at.line, at.column,
		                 at.text);
	return 0;
}
