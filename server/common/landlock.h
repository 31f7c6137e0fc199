/* Landlock: a process gives up all files but those below some paths, for itself and all it starts, for ever
 * (Linux 5.13; landlock(7)). What is open stays open. */
#ifndef QLSTM_COMMON_LANDLOCK_H
#define QLSTM_COMMON_LANDLOCK_H

#include <stdbool.h>

/* The version of what the kernel has; 0: nothing, or a container forbids to ask. */
int landlock_version(void);

struct landlock_path {
	const char *path; /* a file, or a folder with all below it; NULL and what does not exist are passed over */
	bool write;       /* also write, make and remove */
};

/* 0; -1 with errno where the kernel has none or refuses, and nothing has changed. Of threads that run already only the
 * calling one is held to it: call it before there are others. Needs no_new_privs. */
int landlock_restrict(const struct landlock_path *paths, int count);

#endif
