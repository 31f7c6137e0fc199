/* The last rows of a forecasting's data, in the metadata of the weights' file. */
#include "server/common/predict/last_window.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/common/tensors.h"

/* Of a header; params have names and shapes alone, so it is far smaller. */
#define MAX_HEADER ((uint64_t)64 << 20)

/* The JSON in front of the tensors; NULL: it cannot be read. */
static json_t *header_of(int fd)
{
	unsigned char size[8];
	uint64_t length = 0;
	if (pread(fd, size, sizeof size, 0) != (ssize_t)sizeof size)
		return NULL;
	for (int i = 7; i >= 0; i--)
		length = length << 8 | size[i];
	char *text = length <= MAX_HEADER ? malloc(length + 1) : NULL;
	json_t *header = NULL;
	if (text != NULL && pread(fd, text, length, sizeof size) == (ssize_t)length)
		header = json_loadb(text, length, 0, NULL);
	free(text);
	return header;
}

int last_window_read(const char *weights_path, json_t **window, struct qlstm_error *error)
{
	int fd = open(weights_path, O_RDONLY | O_CLOEXEC);
	json_t *header = fd >= 0 ? header_of(fd) : NULL;
	const json_t *meta = json_object_get(header, "__metadata__");
	const char *text = json_string_value(json_object_get(meta, LAST_WINDOW_KEY));
	*window = text != NULL ? json_loads(text, 0, NULL) : NULL;
	json_decref(header);
	if (fd >= 0)
		close(fd);
	if (fd < 0)
		return error_set(error, ERR_NOT_FOUND, NULL, "the weights cannot be opened");
	if (*window != NULL)
		return 0;
	return error_set(error, ERR_CONFLICT, "/steps",
	                 "the weights do not hold the last rows of their data (no forecasting, a window of more than "
	                 "%zu numbers, or another version's file): give the window to go on from as inputs",
	                 (size_t)LAST_WINDOW_MAX);
}

int last_window_inputs(const json_t *window, struct predict_inputs *inputs, struct qlstm_error *error)
{
	const json_t *values = json_object_get(window, "values");
	size_t dims[TENSOR_MAX_RANK] = {0}, strides[TENSOR_MAX_RANK] = {0}, ahead = inputs->ahead;
	if (values == NULL || tensor_shape(values, 2, NULL, dims, NULL) != 0)
		return error_set(error, ERR_CORRUPT, NULL, "the last rows in the weights' metadata cannot be read");
	int rc = predict_inputs_reserve(inputs, 1, dims[0], dims[1], NULL, error);
	if (rc != 0)
		return rc;
	tensor_strides(2, dims, strides);
	tensor_fill(values, 2, strides, inputs->values);
	inputs->ahead = ahead;
	return 0;
}
