/* What `plan` says, for a person. */
#include "server/worker/tools/plan_text.h"

#include <stdbool.h>
#include <string.h>

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value != NULL ? value : "none";
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static long long whole(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static bool is_known(const json_t *object, const char *key)
{
	return json_is_number(json_object_get(object, key));
}

/* "1.5 MiB"; "unknown" for null. */
static const char *size_text(const json_t *object, const char *key, char out[32])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	double size = number(object, key);
	int unit = 0;
	for (; size >= 1024.0 && unit < 4; unit++)
		size /= 1024.0;
	if (is_known(object, key))
		snprintf(out, 32, "%.*f %s", unit > 0 ? 1 : 0, size, units[unit]);
	else
		snprintf(out, 32, "unknown");
	return out;
}

static void print_kind(FILE *file, const json_t *kind, const char *chosen, const char *why)
{
	char size[32];
	if (!json_is_true(json_object_get(kind, "possible"))) {
		fprintf(file, "    %-10s %14s   %10s   no: %s\n", text(kind, "plan"), "-", "-", text(kind, "reason"));
		return;
	}
	bool taken = chosen != NULL && strcmp(chosen, text(kind, "plan")) == 0;
	fprintf(file, "    %-10s %14.1f   %10s   %s%s%s\n", text(kind, "plan"), number(kind, "ns_per_sample"),
	        size_text(kind, "bytes", size), text(kind, "precision"), taken ? "   <- " : "", taken ? why : "");
}

static void print_circuit(FILE *file, const json_t *circuit)
{
	const char *chosen = json_string_value(json_object_get(circuit, "plan"));
	fprintf(file,
	        "  %s: %lld wires, %lld gates, %lld features, %lld weights, %lld outputs; %.0f evaluations a batch\n",
	        text(circuit, "role"), whole(circuit, "n_qubits"), whole(circuit, "gates"), whole(circuit, "features"),
	        whole(circuit, "weights"), whole(circuit, "outputs"), number(circuit, "calls_per_batch"));
	fprintf(file, "    %-10s %14s   %10s\n", "plan", "ns per sample", "memory");
	const json_t *kinds = json_object_get(circuit, "kinds");
	for (size_t i = 0; i < json_array_size(kinds); i++)
		print_kind(file, json_array_get(kinds, i), chosen, text(circuit, "why"));
	if (chosen == NULL)
		fprintf(file, "    none is taken: %s\n", text(circuit, "why"));
}

static void print_layer(FILE *file, size_t index, const json_t *layer)
{
	const json_t *circuits = json_object_get(layer, "circuits");
	fprintf(file, "\nlayer %zu: %s", index, text(layer, "type"));
	if (json_is_string(json_object_get(layer, "variant")))
		fprintf(file, " %s, ansatz %s", text(layer, "variant"), text(layer, "ansatz"));
	fprintf(file, ", %lld quantum and %lld classical parameters\n", whole(layer, "quantum"),
	        whole(layer, "classical"));
	for (size_t i = 0; i < json_array_size(circuits); i++)
		print_circuit(file, json_array_get(circuits, i));
}

static void print_seconds(FILE *file, const json_t *report)
{
	const json_t *seconds = json_object_get(report, "seconds");
	fprintf(file, "time         ");
	if (is_known(seconds, "per_epoch"))
		fprintf(file, "%.3g s per epoch, %.3g s for %lld epochs (an estimate, one core)\n",
		        number(seconds, "per_epoch"), number(seconds, "training"), whole(report, "epochs"));
	else if (is_known(seconds, "per_1000_windows"))
		fprintf(file, "%.3g s per 1,000 training windows (an estimate, one core)\n",
		        number(seconds, "per_1000_windows"));
	else
		fprintf(file, "unknown\n");
}

void plan_text_print(FILE *file, const json_t *report)
{
	const json_t *parameters = json_object_get(report, "parameters"), *data = json_object_get(report, "data");
	const json_t *bytes = json_object_get(report, "bytes"), *refused = json_object_get(report, "refused");
	const json_t *layers = json_object_get(report, "layers");
	char model[32], plans[32], windows[32], total[32];
	fprintf(file, "parameters   %lld: %lld quantum, %lld classical\n", whole(parameters, "total"),
	        whole(parameters, "quantum"), whole(parameters, "classical"));
	fprintf(file, "data         %s", text(data, "dataset"));
	if (is_known(data, "rows"))
		fprintf(file, ": %lld rows, %lld training and %lld test windows of %lld steps\n", whole(data, "rows"),
		        whole(data, "train"), whole(data, "test"), whole(report, "window"));
	else
		fprintf(file, ": no built-in series; --data FILE.csv tells how many windows there are\n");
	fprintf(file, "memory       %s: %s for the model (%s of it for plans), %s for the windows\n",
	        size_text(bytes, "total", total), size_text(bytes, "model", model), size_text(bytes, "plans", plans),
	        size_text(bytes, "data", windows));
	print_seconds(file, report);
	fprintf(file, "arithmetic   plan %s, %s, %s, batches of %lld\n", text(report, "plan"),
	        text(report, "precision"), text(report, "isa"), whole(report, "batch_size"));
	if (json_is_object(refused))
		fprintf(file, "refused      %s: %s\n", text(refused, "pointer"), text(refused, "message"));
	for (size_t i = 0; i < json_array_size(layers); i++)
		print_layer(file, i, json_array_get(layers, i));
}
