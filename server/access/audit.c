/* The audit log. */
#include "server/access/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/utf8.h"
#include "server/common/clock.h"
#include "server/common/json_text.h"
#include "server/http/log.h"

#define MAX_BYTES ((off_t)64 << 20)

struct audit {
	char path[PATH_MAX];
	pthread_mutex_t lock; /* of all below */
	int file;
	bool failing; /* said once */
};

static int open_file(const struct audit *audit)
{
	return open(audit->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int audit_open(struct audit **out, const char *data_dir, struct qlstm_error *error)
{
	struct audit *audit = calloc(1, sizeof *audit);
	if (audit == NULL || pthread_mutex_init(&audit->lock, NULL) != 0) {
		free(audit);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the audit log");
	}
	int length = snprintf(audit->path, sizeof audit->path, "%s/audit.log", data_dir);
	audit->file = length > 0 && (size_t)length < sizeof audit->path ? open_file(audit) : -1;
	if (audit->file < 0) {
		int rc = error_set(error, ERR_IO, NULL, "cannot open %s: %s", audit->path, strerror(errno));
		audit_close(audit);
		return rc;
	}
	*out = audit;
	return 0;
}

void audit_close(struct audit *audit)
{
	if (audit == NULL)
		return;
	if (audit->file >= 0)
		close(audit->file);
	pthread_mutex_destroy(&audit->lock);
	free(audit);
}

/* A file that cannot be made anew goes on as it is. */
static void rotate(struct audit *audit)
{
	char old[PATH_MAX + 4];
	struct stat status;
	if (fstat(audit->file, &status) != 0 || status.st_size < MAX_BYTES)
		return;
	snprintf(old, sizeof old, "%s.1", audit->path);
	int file = rename(audit->path, old) == 0 ? open_file(audit) : -1;
	if (file < 0)
		return;
	close(audit->file);
	audit->file = file;
}

static void write_line(struct audit *audit, const char *text, size_t length)
{
	pthread_mutex_lock(&audit->lock);
	rotate(audit);
	bool failed = write(audit->file, text, length) != (ssize_t)length;
	if (failed && !audit->failing)
		log_message("error", "the audit log cannot be written: %s", strerror(errno));
	audit->failing = failed;
	pthread_mutex_unlock(&audit->lock);
}

static const char *text_or_null(const char *text)
{
	return text != NULL && *text != '\0' ? text : NULL;
}

void audit_write(struct audit *audit, const struct caller *caller, const char *method, const char *path, int status,
                 const char *location)
{
	char time[25], cut[512], *text;
	struct text line = {0};
	size_t length;
	if (audit == NULL)
		return;
	clock_iso8601(clock_now_ms(), time);
	snprintf(cut, sizeof cut, "%s", path);
	utf8_clean(cut);
	text_print(&line, "{\"time\":\"%s\"", time);
	json_write_member(&line, "key", text_or_null(caller != NULL ? caller->key.id : NULL));
	json_write_member(&line, "name", text_or_null(caller != NULL ? caller->key.name : NULL));
	json_write_member(&line, "owner", text_or_null(caller != NULL ? caller->key.owner : NULL));
	json_write_member(&line, "method", method);
	json_write_member(&line, "path", cut);
	text_print(&line, ",\"status\":%d", status);
	json_write_member(&line, "location", text_or_null(location));
	text_write(&line, "}\n", 2);
	if (text_take(&line, &text, &length) != 0)
		return;
	write_line(audit, text, length);
	free(text);
}
