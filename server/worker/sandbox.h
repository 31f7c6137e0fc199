/* The sandbox of a process that works for the daemon. It has what it was started with and needs nothing else:
 *
 * - files: its folder and the files it was given (Landlock, where the kernel has it);
 * - system calls: those of a computation with threads, files and the descriptors it has. No socket, no other program,
 * no new process, no tracing (seccomp, where the kernel or the container lets it);
 * - no new privileges, no core dump, a limit on its address space and on the size of files;
 * - it dies with its parent, also when it is stopped (SIGSTOP).
 *
 * What a kernel lacks is left out and said on standard error; the daemon says so once at its start. In builds with
 * SANDBOX_RELAXED (sanitizers, coverage: they open files, map terabytes and trace) Landlock, seccomp and the limit on
 * the address space are off. */
#ifndef QLSTM_WORKER_SANDBOX_H
#define QLSTM_WORKER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

enum { SANDBOX_FILES = 4 };

struct sandbox {
	const char *folder;               /* all below it; NULL: Landlock is left out */
	bool writes;                      /* in the folder */
	const char *files[SANDBOX_FILES]; /* to read; NULL: none */
	size_t memory;                    /* bytes that it should do with; some are added. 0: no limit */
	int threads;                      /* that it will start */
};

/* Before there is a second thread. Never fails: what is not to be had is left out. */
void sandbox_enter(const struct sandbox *sandbox);

#endif
