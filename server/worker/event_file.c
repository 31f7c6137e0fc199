/* TFRecords of TensorFlow's events. */
#include "server/worker/event_file.h"

#include <stdlib.h>
#include <string.h>

#include "server/common/crc32c.h"

/* Wire types of protocol buffers. */
enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5 };

/* Fields of Event, Summary.Value, SummaryMetadata, PluginData, TensorProto and TensorShapeProto. */
enum { EVENT_WALL = 1, EVENT_STEP = 2, EVENT_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_TENSOR = 8, VALUE_METADATA = 9 };
enum { METADATA_PLUGIN = 1, PLUGIN_NAME = 1, TENSOR_TYPE = 1, TENSOR_SHAPE = 2, TENSOR_STRINGS = 8 };
enum { SHAPE_DIM = 2, DIM_SIZE = 1, TYPE_STRING = 7 };

static void put_little_endian(struct text *out, uint64_t value, int bytes)
{
	for (int k = 0; k < bytes; k++)
		text_write(out, &(char){(char)(value >> 8 * k & 0xff)}, 1);
}

static void put_varint(struct text *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		put_little_endian(out, value | 0x80, 1);
	put_little_endian(out, value, 1);
}

static void put_key(struct text *out, int field, int wire)
{
	put_varint(out, (uint64_t)field << 3 | (uint64_t)wire);
}

static void put_number(struct text *out, int field, uint64_t value)
{
	put_key(out, field, VARINT);
	put_varint(out, value);
}

static void put_bytes(struct text *out, int field, const char *bytes, size_t n)
{
	put_key(out, field, LENGTH);
	put_varint(out, n);
	text_write(out, bytes, n);
}

/* A message within a message; frees `inner`. */
static void put_message(struct text *out, int field, struct text *inner)
{
	char *bytes = NULL;
	size_t n = 0;
	if (text_take(inner, &bytes, &n) != 0) {
		out->failed = true;
		return;
	}
	put_bytes(out, field, bytes, n);
	free(bytes);
}

static void put_double(struct text *out, int field, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	put_key(out, field, EIGHT_BYTES);
	put_little_endian(out, bits, 8);
}

static void put_float(struct text *out, int field, float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	put_key(out, field, FOUR_BYTES);
	put_little_endian(out, bits, 4);
}

/* TFRecord's, so that a checksum over data with checksums in them is none of these. */
static uint32_t masked_crc(const void *bytes, size_t n)
{
	uint32_t crc = crc32c(bytes, n);
	return (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8);
}

/* Frees `event`. */
static void put_record(struct text *out, struct text *event)
{
	char *bytes = NULL;
	size_t n = 0;
	unsigned char length[8];
	if (text_take(event, &bytes, &n) != 0) {
		out->failed = true;
		return;
	}
	for (int k = 0; k < 8; k++)
		length[k] = (unsigned char)((uint64_t)n >> 8 * k & 0xff);
	text_write(out, (const char *)length, sizeof length);
	put_little_endian(out, masked_crc(length, sizeof length), 4);
	text_write(out, bytes, n);
	put_little_endian(out, masked_crc(bytes, n), 4);
	free(bytes);
}

void event_file_begin(struct event_file *file, double wall)
{
	static const char version[] = "brain.Event:2";
	struct text event = {0};
	put_double(&event, EVENT_WALL, wall);
	put_bytes(&event, EVENT_VERSION, version, sizeof version - 1);
	put_record(&file->bytes, &event);
}

/* An event whose summary is one value; frees `value`. */
static void put_value(struct event_file *file, double wall, int64_t step, struct text *value)
{
	struct text summary = {0}, event = {0};
	put_message(&summary, SUMMARY_VALUE, value);
	put_double(&event, EVENT_WALL, wall);
	put_number(&event, EVENT_STEP, (uint64_t)step);
	put_message(&event, EVENT_SUMMARY, &summary);
	put_record(&file->bytes, &event);
}

void event_file_scalar(struct event_file *file, double wall, int64_t step, const char *tag, double value)
{
	struct text field = {0};
	put_bytes(&field, VALUE_TAG, tag, strlen(tag));
	put_float(&field, VALUE_SIMPLE, (float)value);
	put_value(file, wall, step, &field);
}

/* A tensor of one string. */
static void put_string_tensor(struct text *out, const char *text)
{
	struct text tensor = {0}, shape = {0}, dim = {0};
	put_number(&dim, DIM_SIZE, 1);
	put_message(&shape, SHAPE_DIM, &dim);
	put_number(&tensor, TENSOR_TYPE, TYPE_STRING);
	put_message(&tensor, TENSOR_SHAPE, &shape);
	put_bytes(&tensor, TENSOR_STRINGS, text, strlen(text));
	put_message(out, VALUE_TENSOR, &tensor);
}

void event_file_text(struct event_file *file, double wall, int64_t step, const char *tag, const char *text)
{
	static const char plugin_name[] = "text";
	struct text field = {0}, metadata = {0}, plugin = {0};
	put_bytes(&field, VALUE_TAG, tag, strlen(tag));
	put_string_tensor(&field, text);
	put_bytes(&plugin, PLUGIN_NAME, plugin_name, sizeof plugin_name - 1);
	put_message(&metadata, METADATA_PLUGIN, &plugin);
	put_message(&field, VALUE_METADATA, &metadata);
	put_value(file, wall, step, &field);
}
