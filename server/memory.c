/* How much memory there is. */
#include "server/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* The number in a file; UINT64_MAX where it is "max", or the file is not there. */
static uint64_t read_limit(const char *path)
{
	char text[32] = "";
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return UINT64_MAX;
	size_t length = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	return length > 0 && end != text ? value : UINT64_MAX;
}

uint64_t memory_of_group(const char *mount, const char *group)
{
	char path[PATH_MAX];
	uint64_t smallest = UINT64_MAX;
	size_t length = strlen(group);
	for (;;) {
		int wanted = snprintf(path, sizeof path, "%s%.*s/memory.max", mount, (int)length, group);
		uint64_t limit = wanted > 0 && (size_t)wanted < sizeof path ? read_limit(path) : UINT64_MAX;
		if (limit < smallest)
			smallest = limit;
		if (length == 0)
			return smallest;
		while (length > 0 && group[--length] != '/')
			;
	}
}

/* Of version 2, which libuv 1.44 does not look at: the line "0::/GROUP". */
static uint64_t own_group(void)
{
	char line[PATH_MAX];
	uint64_t limit = UINT64_MAX;
	FILE *file = fopen("/proc/self/cgroup", "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0)
			limit = memory_of_group("/sys/fs/cgroup", line + 3);
	}
	if (file != NULL)
		fclose(file);
	return limit;
}

size_t memory_available(void)
{
	const uint64_t limits[] = {uv_get_constrained_memory(), own_group()};
	uint64_t least = uv_get_total_memory();
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		if (limits[i] > 0 && limits[i] < least)
			least = limits[i];
	return (size_t)least;
}
