/* Command line options from a table. */
#include "server/worker/options.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int option_index(const struct option *options, const char *name, size_t length)
{
	for (int i = 0; options[i].name != NULL; i++)
		if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
			return i;
	return -1;
}

static int unknown_option(const struct option *options, const char *word, struct qlstm_error *error)
{
	const char *names[OPTIONS_MAX];
	size_t count = 0;
	for (; options[count].name != NULL; count++)
		names[count] = options[count].name;
	const char *near = error_nearest(word, names, count);
	if (near == NULL)
		return error_set(error, ERR_INVALID, NULL, "unknown option '%s'", word);
	return error_set(error, ERR_INVALID, NULL, "unknown option '%s'; did you mean '%s'?", word, near);
}

static int value_set(const struct option *option, const char *text, struct option_value *value,
                     struct qlstm_error *error)
{
	static const struct {
		bool whole;
		double least, most;
		const char *what;
	} numbers[] = {[OPTION_SECONDS] = {false, 0, DBL_MAX, "a number of seconds, 0 or more"},
	               [OPTION_COUNT] = {true, 1, INT_MAX, "a whole number, 1 or more"}};
	value->text = text;
	if (option->kind != OPTION_SECONDS && option->kind != OPTION_COUNT)
		return 0;
	char *end = NULL;
	value->number = strtod(text, &end);
	bool inside = value->number >= numbers[option->kind].least && value->number <= numbers[option->kind].most;
	bool whole = !numbers[option->kind].whole || value->number == floor(value->number);
	if (end == text || *end != '\0' || !inside || !whole)
		return error_set(error, ERR_INVALID, NULL, "%s is '%s'; it takes %s", option->name, text,
		                 numbers[option->kind].what);
	return 0;
}

/* The option at argv[*next], and its value from behind '=' or from the next word. */
static int parse_option(const struct option *options, int argc, char **argv, int *next, struct option_value *values,
                        struct qlstm_error *error)
{
	const char *word = argv[*next];
	size_t length = strcspn(word, "=");
	const char *inside = word[length] == '=' ? word + length + 1 : NULL;
	int i = option_index(options, word, length);
	if (i < 0)
		return unknown_option(options, word, error);
	const struct option *option = &options[i];
	if (values[i].given)
		return error_set(error, ERR_INVALID, NULL, "%s is given twice", option->name);
	values[i].given = true;
	if (option->kind == OPTION_FLAG)
		return inside == NULL ? 0 : error_set(error, ERR_INVALID, NULL, "%s takes no value", option->name);
	const char *text = inside;
	if (text == NULL && *next + 1 < argc && strncmp(argv[*next + 1], "--", 2) != 0)
		text = argv[++*next];
	if (text == NULL || *text == '\0')
		return error_set(error, ERR_INVALID, NULL, "%s needs a value: %s", option->name, option->placeholder);
	return value_set(option, text, &values[i], error);
}

/* Fallbacks for what was not given, and what had to be. */
static int complete(const struct option *options, struct option_value *values, struct qlstm_error *error)
{
	for (int i = 0; options[i].name != NULL; i++) {
		if (values[i].given)
			continue;
		if (options[i].required)
			return error_set(error, ERR_INVALID, NULL, "%s %s is missing", options[i].name,
			                 options[i].placeholder);
		if (options[i].fallback != NULL && value_set(&options[i], options[i].fallback, &values[i], error) != 0)
			return ERR_INVALID;
	}
	return 0;
}

int options_read(const struct option *options, const char *operand_name, int argc, char **argv, const char **operand,
                 struct option_value values[OPTIONS_MAX], struct qlstm_error *error)
{
	size_t count = 0;
	while (options[count].name != NULL)
		count++;
	if (count > OPTIONS_MAX)
		return error_set(error, ERR_INTERNAL, NULL, "the command has %zu options; there is room for %d", count,
		                 OPTIONS_MAX);
	memset(values, 0, OPTIONS_MAX * sizeof *values);
	*operand = NULL;
	bool only_operands = false;
	for (int i = 0; i < argc; i++) {
		if (!only_operands && strcmp(argv[i], "--") == 0) {
			only_operands = true;
			continue;
		}
		if (!only_operands && argv[i][0] == '-' && argv[i][1] != '\0') {
			int rc = parse_option(options, argc, argv, &i, values, error);
			if (rc != 0)
				return rc;
			continue;
		}
		if (*operand != NULL || operand_name == NULL)
			return error_set(error, ERR_INVALID, NULL, "unexpected argument '%s'", argv[i]);
		*operand = argv[i];
	}
	if (*operand == NULL && operand_name != NULL)
		return error_set(error, ERR_INVALID, NULL, "%s is missing", operand_name);
	return complete(options, values, error);
}

void options_print_usage(FILE *file, const struct option *options, const char *operand_name)
{
	if (operand_name != NULL)
		fprintf(file, " %s", operand_name);
	for (; options->name != NULL; options++) {
		bool flag = options->kind == OPTION_FLAG;
		fprintf(file, " %s%s%s%s%s", options->required ? "" : "[", options->name, flag ? "" : " ",
		        flag ? "" : options->placeholder, options->required ? "" : "]");
	}
}

void options_print_table(FILE *file, const struct option *options)
{
	for (; options->name != NULL; options++) {
		char left[48];
		snprintf(left, sizeof left, "%s %s", options->name,
		         options->placeholder != NULL ? options->placeholder : "");
		fprintf(file, "  %-26s %s", left, options->summary);
		if (options->fallback != NULL)
			fprintf(file, " (default %s)", options->fallback);
		fputc('\n', file);
	}
}
