/* What the daemon and a resident `qlstm-worker predict --serve` say to each other, over one socket, in turn, in the
 * byte order of the machine that both run on:
 *
 *   -> struct predict_request, path, double [samples][steps][features]; of a generation prompts, a word a step
 *   -> or, with text_bytes, behind the path a JSON text (worker/predict/reading.h), and no numbers
 *   <- struct predict_reply, double [samples][outputs], of a forecast [samples][ahead][targets], or with text_bytes a
 *      JSON text, or with a code a struct qlstm_error */
#ifndef QLSTM_COMMON_PREDICT_WIRE_H
#define QLSTM_COMMON_PREDICT_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

#define PREDICT_MAGIC       UINT64_C(0x3374636964657270) /* "predict3" */
#define PREDICT_MAX_NUMBERS ((size_t)1 << 20)            /* of all inputs together, and of all outputs */
#define PREDICT_MAX_PATH    4096
#define PREDICT_MAX_TEXT    ((size_t)64 << 20) /* bytes of a JSON text */

/* How sequences are to be continued (worker/predict/generator.h). */
struct generation {
	uint64_t length;    /* words of a sequence, those of its prompt among them; 0: this is a prediction */
	uint64_t seed;      /* of the draws */
	double temperature; /* 0: always the most probable word */
};

struct predict_request {
	uint64_t magic, path_bytes; /* of the weights' file, without a NUL */
	uint64_t samples, steps, features;
	uint64_t ahead;     /* rows to be predicted one after the other (worker/predict/forecast.h); 0: no forecast */
	uint64_t max_bytes; /* that the model may take */
	double max_seconds; /* that the answer may take, by the estimate */
	struct generation generation;
	uint64_t text_bytes; /* 0: numbers; else samples, steps and features are 1 */
};

struct predict_reply {
	uint64_t magic;
	int64_t code; /* 0, or an error's */
	uint64_t samples, outputs;
	uint64_t text_bytes; /* 0: numbers */
};

/* All of it, or ERR_IO when the other side is gone, ERR_UNAVAILABLE past `deadline` (seconds of clock_monotonic; 0:
 * none). Never raises SIGPIPE. */
int wire_read(int socket, void *bytes, size_t count, double deadline, struct qlstm_error *error);
int wire_write(int socket, const void *bytes, size_t count, double deadline, struct qlstm_error *error);

#endif
