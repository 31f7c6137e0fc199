/* One trained circuit of a model, from the weights' file alone, as text for other programs and for people. */
#ifndef QLSTM_COMMON_CIRCUIT_TRAINED_CIRCUIT_H
#define QLSTM_COMMON_CIRCUIT_TRAINED_CIRCUIT_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/export/program_svg.h"
#include "engine/nn/model.h"
#include "engine/text.h"

/* Which: row `circuit` of the tensor layers.I.circuits, I being `layer`, or of layers.I.reverse.circuits. */
struct circuit_choice {
	int layer; /* -1: the first one that has circuits */
	int circuit;
	bool reverse;
};

struct trained_circuit {
	struct circuit_choice choice;
	const char *gate; /* what it computes in its cell: "f", "i", "r", ..; "layer" of a quantum layer */
	struct trained_angles angles;
	json_t *resolved; /* the spec; owned, as what follows */
	struct model *model;
};

/* `bytes` is the weights' file (safetensors). ERR_NOT_FOUND where there is no such circuit, with those that there are;
 * ERR_CONFLICT for weights without a spec, ERR_CORRUPT. */
int trained_circuit_open(struct trained_circuit *out, const unsigned char *bytes, size_t length,
                         const struct circuit_choice *choice, struct qlstm_error *error);
void trained_circuit_close(struct trained_circuit *circuit);

enum circuit_format { CIRCUIT_QASM, CIRCUIT_SVG, CIRCUIT_JSON };
extern const char *const circuit_formats[]; /* their words, NULL at the end */
extern const char *const circuit_labels[];  /* of enum svg_labels, NULL at the end */

struct circuit_writing {
	enum circuit_format format;
	const char *features; /* "0.1,0.2": one number for each feature; NULL: they stay inputs */
	enum svg_labels labels;
	int columns; /* of a drawing, in a row */
};

/* OpenQASM 3 (engine/export/program_qasm.h), a drawing (program_svg.h), or JSON: {"layer", "direction", "circuit",
 * "gate", "program"}, where `program` is what `qlstm-worker circuit` reads. Errors of the features point at
 * "/features". */
int trained_circuit_write(const struct trained_circuit *circuit, const struct circuit_writing *writing,
                          struct text *out, struct qlstm_error *error);

#endif
