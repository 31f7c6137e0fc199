/* The surveyed circuits. n wires, L layers; trained angles: 5 (n^2 + 3 n) L, 10 n L + n, 14 4 n L, 18 3 n L. */
#include "schema/circuit/circuit_templates.h"

#include <stdlib.h>
#include <string.h>

/* Gates on their way into text; weights counts the trained angles. */
struct template_writing {
	struct text body;
	int n, weights;
};

static void turn_all(struct template_writing *w, const char *gate)
{
	for (int wire = 0; wire < w->n; wire++)
		text_print(&w->body, "%s(theta%d) q[%d];\n", gate, w->weights++, wire);
}

static void controlled(struct template_writing *w, const char *gate, int control, int target)
{
	text_print(&w->body, "%s(theta%d) q[%d], q[%d];\n", gate, w->weights++, control, target);
}

/* Wire i controls wire i + 1, from the last wire to the first. */
static void ring(struct template_writing *w, const char *gate)
{
	for (int i = w->n - 1; i >= 0 && w->n > 1; i--)
		controlled(w, gate, i, (i + 1) % w->n);
}

static void layer_5(struct template_writing *w)
{
	turn_all(w, "rx");
	turn_all(w, "rz");
	for (int control = w->n - 1; control >= 0; control--)
		for (int target = w->n - 1; target >= 0; target--)
			if (target != control)
				controlled(w, "crz", control, target);
	turn_all(w, "rx");
	turn_all(w, "rz");
}

static void layer_10(struct template_writing *w)
{
	if (w->weights == 0)
		turn_all(w, "ry");
	for (int i = w->n - 1; i > 0; i--)
		text_print(&w->body, "cz q[%d], q[%d];\n", i, i - 1);
	if (w->n > 2)
		text_print(&w->body, "cz q[0], q[%d];\n", w->n - 1);
	turn_all(w, "ry");
}

static void layer_14(struct template_writing *w)
{
	turn_all(w, "ry");
	ring(w, "crx");
	turn_all(w, "ry");
	/* Wire i controls wire i - 1: the last one, then from the first on. */
	for (int k = 0; k < w->n && w->n > 1; k++) {
		int control = (w->n - 1 + k) % w->n;
		controlled(w, "crx", control, (control + w->n - 1) % w->n);
	}
}

static void layer_18(struct template_writing *w)
{
	turn_all(w, "rx");
	turn_all(w, "rz");
	ring(w, "crz");
}

static const struct {
	const char *name;
	void (*layer)(struct template_writing *w);
} templates[] = {{"sim_5", layer_5}, {"sim_10", layer_10}, {"sim_14", layer_14}, {"sim_18", layer_18}};

bool circuit_template_write(const struct circuit_template *circuit, struct text *out)
{
	struct template_writing w = {.n = circuit->n_qubits};
	const char *prefix = circuit->encoder == ENCODER_X      ? ""
	                     : circuit->encoder == ENCODER_PI_X ? "pi_"
	                                                        : encoder_name(circuit->encoder);
	const char *join = circuit->encoder == ENCODER_X || circuit->encoder == ENCODER_PI_X ? "" : "_";
	size_t k = 0;
	while (k < sizeof templates / sizeof templates[0] && strcmp(templates[k].name, circuit->name) != 0)
		k++;
	if (k == sizeof templates / sizeof templates[0])
		return false;
	for (int layer = 0; layer < circuit->depth; layer++)
		templates[k].layer(&w);
	text_print(out, "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n");
	for (int wire = 0; wire < w.n; wire++)
		text_print(out, "input float[64] %s%sx%d;\n", prefix, join, wire);
	for (int i = 0; i < w.weights; i++)
		text_print(out, "input float[64] theta%d;\n", i);
	text_print(out, "qubit[%d] q;\n%s", w.n, circuit->hadamard ? "h q;\n" : "");
	for (int wire = 0; wire < w.n; wire++)
		text_print(out, "r%c(%s%sx%d) q[%d];\n", "xyz"[circuit->rotation], prefix, join, wire, wire);
	text_print(out, "%s", w.body.bytes != NULL ? w.body.bytes : "");
	out->failed = out->failed || w.body.failed;
	free(w.body.bytes);
	return true;
}
