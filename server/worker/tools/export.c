/* `export`: one trained circuit of a weights' file, for other programs and for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/circuit/trained_circuit.h"
#include "server/worker/command.h"
#include "server/worker/input.h"
#include "server/worker/reply.h"

enum { OPT_FORMAT, OPT_LAYER, OPT_CIRCUIT, OPT_DIRECTION, OPT_FEATURES, OPT_LABELS, OPT_COLUMNS };

static const struct option options[] = {
    [OPT_FORMAT] = {"--format", OPTION_TEXT, false, "F", "qasm", "qasm (OpenQASM 3), svg or json"},
    [OPT_LAYER] = {"--layer", OPTION_TEXT, false, "I", NULL, "of the model, from 0; the first one that has circuits"},
    [OPT_CIRCUIT] = {"--circuit", OPTION_TEXT, false, "K", "0", "row of the tensor layers.I.circuits, from 0"},
    [OPT_DIRECTION] = {"--direction", OPTION_TEXT, false, "D", "forward",
                       "forward, or reverse of a bidirectional layer"},
    [OPT_FEATURES] = {"--features", OPTION_TEXT, false, "LIST", NULL,
                      "0.1,0.2: angles of features as numbers; without it they stay inputs"},
    [OPT_LABELS] = {"--labels", OPTION_TEXT, false, "L", "values", "of a drawing: values, names or none"},
    [OPT_COLUMNS] = {"--columns", OPTION_COUNT, false, "N", "24", "of a drawing: gates in a row, at most 1000"},
    {0}};

static int read_choice(const struct option_value *value, const char *name, const char *const *choices, int *out,
                       struct qlstm_error *error)
{
	size_t count = 0;
	for (; choices[count] != NULL; count++)
		if (strcmp(choices[count], value->text) == 0) {
			*out = (int)count;
			return 0;
		}
	return error_set(error, ERR_INVALID, name, "%s is '%s'; allowed are %s to %s", name, value->text, choices[0],
	                 choices[count - 1]);
}

static int read_index(const struct option_value *value, const char *name, int *out, struct qlstm_error *error)
{
	if (value->text == NULL)
		return 0;
	char *end;
	long number = strtol(value->text, &end, 10);
	if (*value->text == '\0' || *end != '\0' || number < 0 || number > 1000)
		return error_set(error, ERR_OUT_OF_RANGE, name, "%s is '%s'; a whole number from 0 on is expected",
		                 name, value->text);
	*out = (int)number;
	return 0;
}

static int read_options(const struct option_value *values, struct circuit_choice *choice,
                        struct circuit_writing *writing, struct qlstm_error *error)
{
	static const char *const directions[] = {"forward", "reverse", NULL};
	int format = 0, labels = 0, direction = 0;
	*choice = (struct circuit_choice){.layer = -1};
	int rc = read_choice(&values[OPT_FORMAT], "--format", circuit_formats, &format, error);
	if (rc == 0)
		rc = read_choice(&values[OPT_LABELS], "--labels", circuit_labels, &labels, error);
	if (rc == 0)
		rc = read_choice(&values[OPT_DIRECTION], "--direction", directions, &direction, error);
	if (rc == 0)
		rc = read_index(&values[OPT_LAYER], "--layer", &choice->layer, error);
	if (rc == 0)
		rc = read_index(&values[OPT_CIRCUIT], "--circuit", &choice->circuit, error);
	if (rc == 0 && values[OPT_COLUMNS].number > PROGRAM_SVG_COLUMNS_MAX)
		rc = error_set(error, ERR_OUT_OF_RANGE, "--columns", "--columns is %.0f; allowed are 1 to %d",
		               values[OPT_COLUMNS].number, PROGRAM_SVG_COLUMNS_MAX);
	choice->reverse = direction == 1;
	*writing = (struct circuit_writing){(enum circuit_format)format, values[OPT_FEATURES].text,
	                                    (enum svg_labels)labels, rc == 0 ? (int)values[OPT_COLUMNS].number : 1};
	return rc;
}

static int export_circuit(const char *path, const struct option_value *values)
{
	struct qlstm_error error = {0};
	struct circuit_choice choice;
	struct circuit_writing writing;
	struct trained_circuit circuit = {0};
	struct text text = {0};
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = read_options(values, &choice, &writing, &error);
	if (rc == 0)
		rc = input_read(path, &bytes, &length, &error);
	if (rc == 0)
		rc = trained_circuit_open(&circuit, bytes, length, &choice, &error);
	free(bytes);
	if (rc == 0) {
		rc = trained_circuit_write(&circuit, &writing, &text, &error);
		trained_circuit_close(&circuit);
	}
	if (rc == 0 && (fwrite(text.bytes, 1, text.length, stdout) != text.length || fflush(stdout) != 0))
		rc = error_set(&error, ERR_IO, NULL, "standard output cannot be written");
	free(text.bytes);
	return rc == 0 ? WORKER_DONE : reply_failure(&error);
}

const struct worker_command command_export = {
    "export", "WEIGHTS", options, export_circuit,
    "Print one trained circuit as OpenQASM 3, as a drawing (SVG) or as JSON."};
