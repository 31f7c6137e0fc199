/* A circuit drawn as SVG 1.1, for a page of print: black on white, no styles or fonts of its own to load. Wires from
 * top to bottom, gates as early as their wires are free, long circuits in rows of at most `columns` gates. */
#ifndef QLSTM_EXPORT_PROGRAM_SVG_H
#define QLSTM_EXPORT_PROGRAM_SVG_H

#include "engine/circuit/program.h"
#include "engine/nn/layer_circuit.h"
#include "engine/text.h"

#define PROGRAM_SVG_COLUMNS_MAX 1000

/* What stands below a gate's name. */
enum svg_labels {
	SVG_LABELS_VALUES, /* trained angles as numbers with two decimals, features as x_0 or arctan x_0 */
	SVG_LABELS_NAMES,  /* trained angles as theta_0, theta_1, .., in the order of the weights */
	SVG_LABELS_NONE
};

/* weights [n_weights], radians; made: as of program_qasm.h; title: for readers' tools, is escaped; 1 <= columns <=
 * PROGRAM_SVG_COLUMNS_MAX. ERR_OUT_OF_MEMORY. */
int program_write_svg(const struct circuit_program *program, const double *weights, const struct feature_made *made,
                      const char *title, enum svg_labels labels, int columns, struct text *out,
                      struct qlstm_error *error);

#endif
