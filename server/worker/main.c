/* qlstm-worker: runs one experiment in a process of its own, and shows what the engine computes. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "engine/circuit/plan.h"
#include "engine/qlstm.h"
#include "server/worker/command.h"

static const struct worker_command *const commands[] = {
    &command_train, &command_evaluate, &command_circuit, &command_describe, &command_init_weights, &command_plan,
    &command_bench, &command_predict,  &command_apply,   &command_generate, &command_export};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static void print_usage(FILE *file, const struct worker_command *command)
{
	fprintf(file, "usage: qlstm-worker %s", command->name);
	options_print_usage(file, command->options, command->operand);
	fputc('\n', file);
}

static int print_help(void)
{
	puts("usage: qlstm-worker [--isa NAME] COMMAND ARGUMENTS\n");
	for (int i = 0; i < COMMAND_COUNT; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	puts("\nqlstm-worker COMMAND --help tells the arguments of a command; \"-\" as a file name reads standard "
	     "input.");
	puts("--isa NAME takes another instruction set than the widest of this machine, such as x86-64-v3.");
	puts("Exit status: 0 done, 1 failed, 2 wrong usage, 3 told to stop, 4 nobody is left to report to.");
	return WORKER_DONE;
}

static int print_version(void)
{
	printf("qlstm-worker %s (%s)\n", QLSTM_VERSION, plan_isa());
	return WORKER_DONE;
}

static int print_command_help(const struct worker_command *command)
{
	print_usage(stdout, command);
	printf("\n%s\n\n", command->summary);
	options_print_table(stdout, command->options);
	return WORKER_DONE;
}

static int unknown_command(const char *word)
{
	const char *names[COMMAND_COUNT];
	for (int i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i]->name;
	const char *near = error_nearest(word, names, COMMAND_COUNT);
	fprintf(stderr, "qlstm-worker: unknown command '%s'", word);
	if (near != NULL)
		fprintf(stderr, "; did you mean '%s'?", near);
	fputs("\nqlstm-worker --help lists the commands\n", stderr);
	return WORKER_USAGE;
}

static int run_command(const struct worker_command *command, int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (is_help(argv[i]))
			return print_command_help(command);
	struct qlstm_error error = {0};
	struct option_value values[OPTIONS_MAX];
	const char *operand = NULL;
	if (options_read(command->options, command->operand, argc, argv, &operand, values, &error) != 0) {
		fprintf(stderr, "qlstm-worker %s: %s\n", command->name, error.message);
		print_usage(stderr, command);
		return WORKER_USAGE;
	}
	return command->run(operand, values);
}

/* "--isa NAME" or "--isa=NAME" before the command; `used` is the number of words that it takes, 0 when it is absent. */
static int read_isa(int argc, char **argv, int *used, struct qlstm_error *error)
{
	static const char name[] = "--isa";
	size_t length = sizeof name - 1;
	*used = 0;
	if (argc < 2 || strncmp(argv[1], name, length) != 0 || (argv[1][length] != '\0' && argv[1][length] != '='))
		return 0;
	bool inside = argv[1][length] == '=';
	const char *value = inside ? argv[1] + length + 1 : argc > 2 ? argv[2] : "";
	*used = inside ? 1 : 2;
	return plan_isa_use(value, error);
}

int main(int argc, char **argv)
{
	struct qlstm_error error = {0};
	int used;
	if (read_isa(argc, argv, &used, &error) != 0) {
		fprintf(stderr, "qlstm-worker: --isa: %s\n", error.message);
		return WORKER_USAGE;
	}
	argc -= used;
	argv += used;
	if (sodium_init() < 0) {
		fputs("qlstm-worker: libsodium does not start\n", stderr);
		return WORKER_FAILED;
	}
	if (argc < 2) {
		fputs("usage: qlstm-worker COMMAND ARGUMENTS\nqlstm-worker --help lists the commands\n", stderr);
		return WORKER_USAGE;
	}
	if (is_help(argv[1]))
		return print_help();
	if (strcmp(argv[1], "--version") == 0)
		return print_version();
	for (int i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(argv[1], commands[i]->name) == 0)
			return run_command(commands[i], argc - 2, argv + 2);
	return unknown_command(argv[1]);
}
