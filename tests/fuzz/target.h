/* What a fuzz target gives: one function that takes any bytes and must come back without a fault, and seeds to begin
 * with. libFuzzer calls the first (`make fuzz`); replay.c is the main of a build without it. */
#ifndef QLSTM_FUZZ_TARGET_H
#define QLSTM_FUZZ_TARGET_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Calls `give` with each seed; it copies the bytes. */
typedef void target_give(void *context, const void *bytes, size_t length);
void target_seeds(target_give *give, void *context);

/* What must hold, whatever the bytes are. */
#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                 \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* A refusal has its code in the struct, and words that fit into an answer's JSON. */
static inline void check_refusal(const struct qlstm_error *error, int rc)
{
	CHECK(rc < 0 && error->code == rc);
	json_t *answer = json_pack("{s:s, s:s}", "pointer", error->pointer, "message", error->message);
	CHECK(answer != NULL);
	json_decref(answer);
}

static inline void give_text(target_give *give, void *context, const char *text)
{
	give(context, text, strlen(text));
}

#define GIVE_TEXTS(texts)                                                                                              \
	for (size_t text_ = 0; text_ < sizeof(texts) / sizeof *(texts); text_++)                                       \
	give_text(give, context, (texts)[text_])

#endif
