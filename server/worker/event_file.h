/* An event file as TensorBoard reads it: TFRecords (length, its checksum, bytes, theirs) that each hold an Event, a
 * protocol buffer of TensorFlow's event.proto and summary.proto. Written by hand: two messages of few fields, for which
 * there is no library in C but TensorFlow itself. */
#ifndef QLSTM_WORKER_EVENT_FILE_H
#define QLSTM_WORKER_EVENT_FILE_H

#include <stdint.h>

#include "engine/text.h"

/* A file in memory; {0} is one to begin. What is lost for want of memory, text_take of `bytes` says. */
struct event_file {
	struct text bytes;
};

/* The first record: which version of the format follows. `wall` is in seconds since 1970, likewise below. */
void event_file_begin(struct event_file *file, double wall);
/* A number; kept as float32, as the format has it. */
void event_file_scalar(struct event_file *file, double wall, int64_t step, const char *tag, double value);
/* A text of UTF-8, which TensorBoard shows as Markdown. */
void event_file_text(struct event_file *file, double wall, int64_t step, const char *tag, const char *text);

#endif
