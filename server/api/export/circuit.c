/* /experiments/ID/circuit: one trained circuit, as OpenQASM 3, as a drawing, as JSON. */
#include <stdlib.h>

#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/api/export/weights_file.h"
#include "server/common/circuit/trained_circuit.h"

#define MAX_BYTES    ((size_t)256 << 20) /* of weights */
#define ROW_OF_GATES 24                  /* of a drawing, unless the request says another number */

struct wish {
	enum artifact weights;
	struct circuit_choice choice;
	struct circuit_writing writing;
};

static bool read_wish_or_reply(const struct http_request *request, struct http_reply *reply, struct wish *wish)
{
	static const char *const directions[] = {"forward", "reverse", NULL};
	int direction = 0, format = CIRCUIT_QASM, labels = SVG_LABELS_VALUES;
	*wish = (struct wish){.choice.layer = -1, .writing.columns = ROW_OF_GATES};
	if (!query_choice_or_reply(request, reply, "format", circuit_formats, &format) ||
	    !query_choice_or_reply(request, reply, "direction", directions, &direction) ||
	    !query_choice_or_reply(request, reply, "labels", circuit_labels, &labels) ||
	    !query_int_or_reply(request, reply, "layer", 0, MODEL_MAX_LAYERS - 1, &wish->choice.layer) ||
	    !query_int_or_reply(request, reply, "circuit", 0, 5, &wish->choice.circuit) ||
	    !query_int_or_reply(request, reply, "columns", 1, PROGRAM_SVG_COLUMNS_MAX, &wish->writing.columns) ||
	    !weights_epoch_or_reply(request, reply, &wish->weights))
		return false;
	wish->choice.reverse = direction == 1;
	wish->writing.format = (enum circuit_format)format;
	wish->writing.labels = (enum svg_labels)labels;
	wish->writing.features = http_query(request, "features");
	return true;
}

void circuit_get(void *context, struct http_request *request, struct http_reply *reply)
{
	static const char *const types[] = {[CIRCUIT_QASM] = "text/x-openqasm; charset=utf-8",
	                                    [CIRCUIT_SVG] = "image/svg+xml",
	                                    [CIRCUIT_JSON] = "application/json"};
	struct qlstm_error error = {0};
	struct wish wish;
	struct weights_file file;
	struct trained_circuit circuit;
	struct text text = {0};
	if (!read_wish_or_reply(request, reply, &wish) ||
	    !weights_file_open_or_reply(context, request, reply, wish.weights, MAX_BYTES, "a circuit", &file))
		return;
	int rc = trained_circuit_open(&circuit, file.bytes, file.length, &wish.choice, &error);
	weights_file_close(&file);
	if (rc == 0) {
		rc = trained_circuit_write(&circuit, &wish.writing, &text, &error);
		trained_circuit_close(&circuit);
	}
	if (rc == 0) {
		reply_written(reply, types[wish.writing.format], &text);
		return;
	}
	free(text.bytes);
	if (error.pointer[0] != '\0')
		reply_problem_as(request, reply, 400, &error);
	else
		reply_problem(request, reply, &error);
}
