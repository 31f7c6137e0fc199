/* A command: what is to run. */
#include "server/run/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* Takes `word` (malloc) over; NULL is a word that found no memory. */
static void words_add(struct words *words, char *word)
{
	char **longer = word != NULL ? realloc(words->items, ((size_t)words->count + 2) * sizeof *words->items) : NULL;
	if (longer == NULL) {
		free(word);
		words->failed = true;
		return;
	}
	words->items = longer;
	words->items[words->count++] = word;
	words->items[words->count] = NULL;
}

static void words_print(struct words *words, const char *format, va_list arguments)
{
	char *word = NULL;
	words_add(words, vasprintf(&word, format, arguments) >= 0 ? word : NULL);
}

static void words_free(struct words *words)
{
	for (int i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct words){0};
}

void command_add(struct command *command, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	words_print(&command->arguments, format, arguments);
	va_end(arguments);
}

void command_add_option(struct command *command, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	command_add(command, "%s", name);
	command_add(command, "%s", value);
}

void command_add_memory(struct command *command, size_t bytes)
{
	if (bytes == 0)
		return;
	command_add(command, "--memory");
	command_add(command, "%zu", (bytes >> 20) + 1);
}

static void __attribute__((format(printf, 2, 3))) set(struct command *command, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	words_print(&command->environment, format, arguments);
	va_end(arguments);
}

static const char *environment_or(const char *name, const char *fallback)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : fallback;
}

/* As they are, where they are set. */
static const char *const passed_on[] = {
#ifdef SANDBOX_RELAXED /* where a sanitizer's reports go */
    "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS",
#endif
    NULL,
};

void command_init(struct command *command, const char *program)
{
	*command = (struct command){.input = -1, .output = -1, .errors = -1};
	command_add(command, "%s", program);
	set(command, "PATH=%s", environment_or("PATH", DEFAULT_PATH));
	set(command, "TMPDIR=%s", environment_or("TMPDIR", "/tmp"));
	set(command, "LANG=C");
	set(command, "OMP_NUM_THREADS=1");
	for (const char *const *name = passed_on; *name != NULL; name++)
		if (getenv(*name) != NULL)
			set(command, "%s=%s", *name, getenv(*name));
}

void command_free(struct command *command)
{
	words_free(&command->arguments);
	words_free(&command->environment);
}

int command_check(const struct command *command, struct qlstm_error *error)
{
	if (!command->arguments.failed && !command->environment.failed)
		return 0;
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a command line");
}
