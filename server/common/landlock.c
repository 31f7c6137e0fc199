/* Landlock by its system calls: the C library has no functions for them. */
#include "server/common/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the oldest headers. */
#define ACCESS_REFER    (UINT64_C(1) << 13) /* version 2 */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14) /* version 3 */

#define ACCESS_FIRST (ACCESS_REFER - 1) /* all of version 1 */

/* What a rule may say of a file that is no folder. */
#define OF_FILES                                                                                                       \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_TRUNCATE)
#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES                                                                                                         \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |              \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | ACCESS_TRUNCATE)

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return version > 0 ? (int)version : 0;
}

static int allow(int rules, uint64_t handled, const struct landlock_path *path)
{
	struct stat status;
	int fd = path->path != NULL ? open(path->path, O_PATH | O_CLOEXEC) : -1;
	if (fd < 0)
		return 0;
	int rc = fstat(fd, &status);
	uint64_t access = (READS | (path->write ? WRITES : 0)) & handled;
	if (rc == 0 && !S_ISDIR(status.st_mode))
		access &= OF_FILES;
	struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(fd);
	return rc;
}

int landlock_restrict(const struct landlock_path *paths, int count)
{
	int version = landlock_version();
	if (version == 0) {
		errno = ENOSYS;
		return -1;
	}
	uint64_t handled = ACCESS_FIRST | (version >= 2 ? ACCESS_REFER : 0) | (version >= 3 ? ACCESS_TRUNCATE : 0);
	struct landlock_ruleset_attr attributes = {.handled_access_fs = handled};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
	if (rules < 0)
		return -1;
	int rc = 0;
	for (int i = 0; rc == 0 && i < count; i++)
		rc = allow(rules, handled, &paths[i]);
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
	return rc;
}
