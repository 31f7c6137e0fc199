/* How much memory there is for this process and its children. */
#ifndef QLSTM_SERVER_MEMORY_H
#define QLSTM_SERVER_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Bytes: those of the machine, or of the smallest limit of a control group that it is in. */
size_t memory_available(void);

/* The smallest memory.max of the group and those above it, by paths as in version 2 of control groups: `mount` is where
 * they are, "/sys/fs/cgroup", `group` as the last field of /proc/self/cgroup. UINT64_MAX: there is none. */
uint64_t memory_of_group(const char *mount, const char *group);

#endif
