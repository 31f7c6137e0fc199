/* One trained circuit of a model. */
#include "server/common/circuit/trained_circuit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/export/params_tensors.h"
#include "engine/export/program_qasm.h"
#include "schema/spec.h"
#include "server/common/circuit/circuit_json.h"
#include "server/common/json_text.h"

const char *const circuit_formats[] = {[CIRCUIT_QASM] = "qasm", [CIRCUIT_SVG] = "svg", [CIRCUIT_JSON] = "json", NULL};
const char *const circuit_labels[] = {
    [SVG_LABELS_VALUES] = "values", [SVG_LABELS_NAMES] = "names", [SVG_LABELS_NONE] = "none", NULL};

/* The gates of a cell in the order of its tensor (engine/README.md). */
static const char *gate_of(const struct layer_config *layer, int row)
{
	static const char *const qlstm[] = {"f", "i", "g", "o", "h", "y"}, *const chen2024[] = {"i", "f", "g", "o"},
	                         *const qgru[] = {"r", "z", "n"};
	if (strcmp(layer->type, "qlstm") == 0)
		return strcmp(layer->qlstm.variant, "chen2024") == 0 ? chen2024[row] : qlstm[row];
	return strcmp(layer->type, "qgru") == 0 ? qgru[row] : "layer";
}

static int circuits_of(const struct model *model, int layer, bool reverse)
{
	struct trained_angles angles;
	int count = 0;
	while (model_trained_circuit(model, layer, reverse, count, &angles))
		count++;
	return count;
}

static int refuse_choice(const struct model *model, const struct circuit_choice *choice, struct qlstm_error *error)
{
	char there[256] = "no layer has circuits that are lists of gates";
	size_t used = 0;
	for (int k = 0; k < model_config(model)->n_layers; k++)
		for (int reverse = 0; reverse < 2; reverse++) {
			int count = circuits_of(model, k, reverse);
			if (count > 0 && used < sizeof there)
				used += (size_t)snprintf(
				    there + used, sizeof there - used, "%slayer %d%s: circuits 0 to %d",
				    used > 0 ? "; " : "there are ", k, reverse ? ", reverse" : "", count - 1);
		}
	if (choice->layer < 0)
		return error_set(error, ERR_NOT_FOUND, NULL, "%s", there);
	return error_set(error, ERR_NOT_FOUND, NULL, "layer %d has no circuit %d%s; %s", choice->layer, choice->circuit,
	                 choice->reverse ? " in reverse" : "", there);
}

static int choose(struct trained_circuit *circuit, const struct circuit_choice *choice, struct qlstm_error *error)
{
	circuit->choice = *choice;
	int n_layers = model_config(circuit->model)->n_layers;
	for (int k = 0; circuit->choice.layer < 0 && k < n_layers; k++)
		if (circuits_of(circuit->model, k, choice->reverse) > 0)
			circuit->choice.layer = k;
	if (!model_trained_circuit(circuit->model, circuit->choice.layer, choice->reverse, choice->circuit,
	                           &circuit->angles))
		return refuse_choice(circuit->model, &circuit->choice, error);
	circuit->gate = gate_of(&model_config(circuit->model)->layers[circuit->choice.layer], choice->circuit);
	return 0;
}

static int load(struct trained_circuit *circuit, const struct safetensors_file *file, struct qlstm_error *error)
{
	struct spec spec;
	const char *text = safetensors_meta_find(file, "spec");
	if (text == NULL)
		return error_set(error, ERR_CONFLICT, NULL, "the weights do not say which experiment they are of");
	circuit->resolved = json_loads(text, 0, NULL);
	if (circuit->resolved == NULL)
		return error_set(error, ERR_CORRUPT, NULL, "the spec in the weights' metadata cannot be read");
	int rc = spec_parse(circuit->resolved, &spec, error);
	if (rc == 0)
		rc = model_new(&circuit->model, &spec.model, error);
	return rc != 0 ? rc : params_from_safetensors(model_params(circuit->model), file, error);
}

int trained_circuit_open(struct trained_circuit *out, const unsigned char *bytes, size_t length,
                         const struct circuit_choice *choice, struct qlstm_error *error)
{
	struct safetensors_file file = {0};
	*out = (struct trained_circuit){0};
	int rc = safetensors_decode(bytes, length, &file, error);
	if (rc == 0)
		rc = load(out, &file, error);
	safetensors_free(&file);
	if (rc == 0)
		rc = choose(out, choice, error);
	if (rc != 0)
		trained_circuit_close(out);
	return rc;
}

void trained_circuit_close(struct trained_circuit *circuit)
{
	model_free(circuit->model);
	json_decref(circuit->resolved);
	*circuit = (struct trained_circuit){0};
}

/* "0.1,0.2" into *out (malloc). */
static int read_features(const char *text, int count, double **out, struct qlstm_error *error)
{
	int n = 0;
	*out = calloc((size_t)count + 1, sizeof(double));
	if (*out == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %d features", count);
	for (const char *at = text; *at != '\0' || n > 0; n++) {
		char *end;
		double value = strtod(at, &end);
		if (end == at || !isfinite(value) || (*end != ',' && *end != '\0'))
			return error_set(error, ERR_SYNTAX, "/features",
			                 "features is '%.60s'; numbers with commas between them are expected", text);
		if (n < count)
			(*out)[n] = value;
		if (*end == '\0') {
			n++;
			break;
		}
		at = end + 1;
	}
	if (n != count)
		return error_set(error, ERR_INVALID, "/features", "%d features; the circuit reads %d", n, count);
	return 0;
}

/* Values of the layer's input that the circuit reads: 1 + the largest index. */
static int features_read(const struct trained_angles *angles)
{
	int count = angles->made == NULL ? angles->program->n_features : 0;
	for (int k = 0; angles->made != NULL && k < angles->program->n_features; k++)
		count = angles->made[k].source >= count ? angles->made[k].source + 1 : count;
	return count;
}

static const char *ansatz_of(const struct trained_circuit *circuit)
{
	const json_t *layers = json_object_get(json_object_get(circuit->resolved, "model"), "layers");
	const json_t *layer = json_array_get(layers, (size_t)circuit->choice.layer);
	const char *ansatz = json_string_value(json_object_get(layer, "ansatz"));
	return ansatz != NULL ? ansatz : "circuit";
}

static int write_json(const struct trained_circuit *circuit, const double *features, struct text *out,
                      struct qlstm_error *error)
{
	const struct trained_angles *angles = &circuit->angles;
	json_t *json = json_pack("{s:i, s:s, s:i, s:s, s:o}", "layer", circuit->choice.layer, "direction",
	                         circuit->choice.reverse ? "reverse" : "forward", "circuit", circuit->choice.circuit,
	                         "gate", circuit->gate, "program", circuit_json(angles, features));
	if (angles->made != NULL && json != NULL)
		json_object_set_new(json, "features_made", circuit_made_json(angles));
	char *text = json_text(json);
	if (text != NULL)
		text_print(out, "%s\n", text);
	else
		out->failed = true;
	free(text);
	json_decref(json);
	return out->failed ? error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the circuit") : 0;
}

int trained_circuit_write(const struct trained_circuit *circuit, const struct circuit_writing *writing,
                          struct text *out, struct qlstm_error *error)
{
	const struct trained_angles *angles = &circuit->angles;
	const struct circuit_choice *choice = &circuit->choice;
	double *features = NULL;
	char about[160];
	snprintf(about, sizeof about, "layers.%d.%scircuits[%d]: %s, trained, of the gate %s", choice->layer,
	         choice->reverse ? "reverse." : "", choice->circuit, ansatz_of(circuit), circuit->gate);
	int rc = 0;
	if (writing->features != NULL)
		rc = read_features(writing->features, features_read(angles), &features, error);
	if (rc == 0 && writing->format == CIRCUIT_QASM)
		rc = program_write_qasm(angles->program, angles->angles, angles->made, features, about, out, error);
	else if (rc == 0 && writing->format == CIRCUIT_SVG)
		rc = program_write_svg(angles->program, angles->angles, angles->made, about, writing->labels,
		                       writing->columns, out, error);
	else if (rc == 0)
		rc = write_json(circuit, features, out, error);
	free(features);
	return rc;
}
