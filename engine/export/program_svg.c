/* A circuit drawn as SVG. */
#include "engine/export/program_svg.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Pixels. */
enum { COLUMN = 54, WIRE = 44, BOX_WIDTH = 46, BOX_HEIGHT = 34, LEFT = 44, RIGHT = 10, TOP = 12, GAP = 26 };

/* Of text, which has neither a stroke nor the boxes' white. */
#define INK "stroke=\"none\" fill=\"black\" "

struct drawing {
	const struct circuit_program *program;
	const double *weights;
	const struct feature_made *made; /* NULL: features are inputs */
	enum svg_labels labels;
	int columns; /* of a row */
	int used;    /* columns in all */
	struct text *out;
};

/* Rows of wires, one below the other. */
static int row_height(const struct drawing *d)
{
	return d->program->n_wires * WIRE + GAP;
}

static int x_of(const struct drawing *d, int column)
{
	return LEFT + column % d->columns * COLUMN + COLUMN / 2;
}

static int y_of(const struct drawing *d, int column, int wire)
{
	return TOP + column / d->columns * row_height(d) + wire * WIRE + WIRE / 2;
}

/* The next free column of the wires that an operation spans. */
static int place(const struct circuit_op *op, int *free_from)
{
	int first = op->wires[0], last = gate_wires(op->gate) == 2 ? op->wires[1] : first, column = 0;
	if (first > last) {
		int swap = first;
		first = last;
		last = swap;
	}
	for (int w = first; w <= last; w++)
		column = free_from[w] > column ? free_from[w] : column;
	for (int w = first; w <= last; w++)
		free_from[w] = column + 1;
	return column;
}

static void draw_line(struct text *out, int x1, int y1, int x2, int y2)
{
	text_print(out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", x1, y1, x2, y2);
}

static void draw_box(struct text *out, int x, int y)
{
	text_print(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2,
	           BOX_WIDTH, BOX_HEIGHT);
}

/* "R_x" on the middle line, or above it where an angle stands below. */
static void draw_name(struct text *out, int x, int y, enum gate gate, bool angle_below)
{
	const char *name = gate_name(gate);
	bool rotation = gate == GATE_RX || gate == GATE_RY || gate == GATE_RZ;
	text_print(out, "<text " INK "x=\"%d\" y=\"%d\" font-size=\"15\"><tspan font-style=\"italic\">%c</tspan>", x,
	           angle_below ? y - 1 : y + 5, name[0]);
	if (rotation)
		text_print(out, "<tspan font-size=\"10\" font-style=\"italic\" dy=\"3\">%c</tspan>",
		           name[1] - 'A' + 'a');
	text_print(out, "</text>\n");
}

/* What an encoder makes of x, up to the x. */
static const char *encoder_words(enum encoder encoder)
{
	static const char *const words[ENCODER_COUNT] = {
	    [ENCODER_X] = "",           [ENCODER_PI_X] = "\xcf\x80",
	    [ENCODER_ATAN] = "arctan ", [ENCODER_ATAN_SQUARE] = "arctan ",
	    [ENCODER_ASIN] = "arcsin ", [ENCODER_ACOS] = "arccos ",
	    [ENCODER_TANH] = "tanh ",
	};
	return words[encoder];
}

/* "arctan x_0^2", "theta_3": the letter in italics. */
static void draw_symbol(struct text *out, int x, int y, const char *before, const char *letter, int index, bool squared)
{
	text_print(out,
	           "<text " INK "x=\"%d\" y=\"%d\" font-size=\"%s\">%s<tspan font-style=\"italic\">%s</tspan>"
	           "<tspan font-size=\"7\" dy=\"2\">%d</tspan>%s</text>\n",
	           x, y + 12, before[0] != '\0' && before[1] > 0 ? "8" : "10", before, letter, index,
	           squared ? "<tspan font-size=\"7\" dx=\"-4\" dy=\"-5\">2</tspan>" : "");
}

static void draw_angle(const struct drawing *d, int x, int y, const struct angle *angle)
{
	if (angle->source == ANGLE_FEATURE) {
		struct feature_made input = {angle->index, angle->encoder, 1.0};
		char before[48] = "";
		if (d->made != NULL)
			input = d->made[angle->index];
		if (input.scale != 1.0)
			snprintf(before, sizeof before, "%g ", input.scale);
		snprintf(before + strlen(before), sizeof before - strlen(before), "%s", encoder_words(input.encoder));
		draw_symbol(d->out, x, y, before, "x", input.source, input.encoder == ENCODER_ATAN_SQUARE);
	} else if (angle->source == ANGLE_WEIGHT && d->labels == SVG_LABELS_NAMES) {
		draw_symbol(d->out, x, y, "", "\xce\xb8", angle->index, false);
	} else {
		double radians = angle->source == ANGLE_WEIGHT ? d->weights[angle->index] : angle->value;
		text_print(d->out, "<text " INK "x=\"%d\" y=\"%d\" font-size=\"10\">%s%.2f</text>\n", x, y + 12,
		           radians < -0.005 ? "\xe2\x88\x92" : "", fabs(radians));
	}
}

static void draw_dot(struct text *out, int x, int y)
{
	text_print(out, "<circle cx=\"%d\" cy=\"%d\" r=\"4\" fill=\"black\"/>\n", x, y);
}

static void draw_cross(struct text *out, int x, int y)
{
	draw_line(out, x - 6, y - 6, x + 6, y + 6);
	draw_line(out, x - 6, y + 6, x + 6, y - 6);
}

static void draw_plus(struct text *out, int x, int y)
{
	text_print(out, "<circle cx=\"%d\" cy=\"%d\" r=\"9\"/>\n", x, y);
	draw_line(out, x - 9, y, x + 9, y);
	draw_line(out, x, y - 9, x, y + 9);
}

static void draw_op(const struct drawing *d, const struct circuit_op *op, int column)
{
	int x = x_of(d, column), y = y_of(d, column, op->wires[0]);
	if (gate_wires(op->gate) == 2) {
		int other = y_of(d, column, op->wires[1]);
		draw_line(d->out, x, y, x, other);
		(op->gate == GATE_SWAP ? draw_cross : draw_dot)(d->out, x, y);
		(op->gate == GATE_SWAP ? draw_cross : op->gate == GATE_CZ ? draw_dot : draw_plus)(d->out, x, other);
		return;
	}
	bool angle = gate_takes_angle(op->gate) && d->labels != SVG_LABELS_NONE;
	draw_box(d->out, x, y);
	draw_name(d->out, x, y, op->gate, angle);
	if (angle)
		draw_angle(d, x, y, &op->angle);
}

/* A meter, and the Pauli matrix that it reads. */
static void draw_meter(const struct drawing *d, int column, int wire, char letter)
{
	int x = x_of(d, column), y = y_of(d, column, wire);
	draw_box(d->out, x, y);
	text_print(d->out, "<path d=\"M%d %dA13 13 0 0 1 %d %d\"/>\n", x - 13, y + 10, x + 13, y + 10);
	draw_line(d->out, x, y + 10, x + 9, y - 7);
	text_print(d->out, "<text " INK "x=\"%d\" y=\"%d\" font-size=\"10\" font-style=\"italic\">%c</text>\n", x - 13,
	           y - 5, letter);
}

/* In the last column; a wire that several observables read along different axes says "*". */
static void draw_meters(const struct drawing *d, int column)
{
	static const char letters[] = "IXZY";
	for (int w = 0; w < d->program->n_wires; w++) {
		char letter = 0;
		for (int i = 0; i < d->program->n_observables; i++) {
			const struct pauli_string *string = &d->program->observables[i];
			unsigned which = (string->x >> w & 1u) | (string->z >> w & 1u) << 1;
			if (which != 0)
				letter = letter == 0 || letter == letters[which] ? letters[which] : '*';
		}
		if (letter != 0)
			draw_meter(d, column, w, letter);
	}
}

static void draw_wires(const struct drawing *d)
{
	for (int row = 0; row * d->columns < d->used; row++) {
		int left = d->used - row * d->columns, columns = left < d->columns ? left : d->columns;
		for (int w = 0; w < d->program->n_wires; w++) {
			int y = y_of(d, row * d->columns, w);
			draw_line(d->out, LEFT - 6, y, LEFT + columns * COLUMN + RIGHT / 2, y);
			text_print(d->out,
			           "<text " INK
			           "x=\"%d\" y=\"%d\" font-size=\"15\" font-style=\"italic\">q<tspan font-size=\"10\" "
			           "font-style=\"normal\" dy=\"3\">%d</tspan></text>\n",
			           LEFT / 2 - 2, y + 5, w);
		}
	}
}

static void write_escaped(struct text *out, const char *words)
{
	for (; *words != '\0'; words++)
		if (*words == '&' || *words == '<' || *words == '>')
			text_print(out, "&#%d;", *words);
		else
			text_print(out, "%c", *words);
}

static void write_head(const struct drawing *d, const char *title)
{
	int columns = d->used < d->columns ? d->used : d->columns, rows = (d->used + d->columns - 1) / d->columns;
	int width = LEFT + columns * COLUMN + RIGHT, height = 2 * TOP + rows * row_height(d) - GAP;
	text_print(
	    d->out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n<title>",
	    width, height, width, height);
	write_escaped(d->out, title);
	text_print(d->out,
	           "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n"
	           "<g stroke=\"black\" stroke-width=\"1\" fill=\"white\" text-anchor=\"middle\" "
	           "font-family=\"STIX Two Text, Latin Modern Roman, Times New Roman, serif\">\n",
	           width, height);
}

int program_write_svg(const struct circuit_program *program, const double *weights, const struct feature_made *made,
                      const char *title, enum svg_labels labels, int columns, struct text *out,
                      struct qlstm_error *error)
{
	struct drawing d = {program, weights, made, labels, columns, 0, out};
	int free_from[CIRCUIT_MAX_WIRES] = {0};
	for (int i = 0; i < program->n_ops; i++) {
		int column = place(&program->ops[i], free_from);
		d.used = column + 1 > d.used ? column + 1 : d.used;
	}
	int meters = d.used++;
	write_head(&d, title);
	draw_wires(&d);
	for (int w = 0; w < CIRCUIT_MAX_WIRES; w++)
		free_from[w] = 0;
	for (int i = 0; i < program->n_ops; i++)
		draw_op(&d, &program->ops[i], place(&program->ops[i], free_from));
	draw_meters(&d, meters);
	text_print(out, "</g>\n</svg>\n");
	return out->failed ? error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the drawing") : 0;
}
