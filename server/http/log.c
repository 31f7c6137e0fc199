/* The daemon's log. */
#include "server/http/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/utf8.h"
#include "server/common/clock.h"
#include "server/common/json_text.h"

/* Where lines go: a file, or standard error while `path` is empty. */
static struct {
	pthread_mutex_t lock;
	char path[PATH_MAX];
	int fd, keep;
	uint64_t size, limit; /* limit 0: none */
} log_file = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

/* Under the lock. A file that cannot be opened leaves the one that is open. */
static int open_file(struct qlstm_error *error)
{
	struct stat status;
	int fd = open(log_file.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &status) != 0) {
		int number = errno;
		if (fd >= 0)
			close(fd);
		return error_set(error, ERR_IO, NULL, "cannot open the log %s: %s", log_file.path, strerror(number));
	}
	if (log_file.fd >= 0)
		close(log_file.fd);
	log_file.fd = fd;
	log_file.size = (uint64_t)status.st_size;
	return 0;
}

/* FILE becomes FILE.1, that FILE.2, ...; the last one goes. */
static void rotate(void)
{
	char from[PATH_MAX + 16], to[PATH_MAX + 16];
	for (int i = log_file.keep; i > 0; i--) {
		snprintf(to, sizeof to, "%s.%d", log_file.path, i);
		snprintf(from, sizeof from, i > 1 ? "%s.%d" : "%s", log_file.path, i - 1);
		rename(from, to);
	}
	if (log_file.keep == 0)
		unlink(log_file.path);
	log_file.size = 0; /* also where it is not renamed or opened: not tried again with every line */
	open_file(NULL);
}

int log_to(const char *path, uint64_t limit, int keep, struct qlstm_error *error)
{
	pthread_mutex_lock(&log_file.lock);
	snprintf(log_file.path, sizeof log_file.path, "%s", path);
	log_file.limit = limit;
	log_file.keep = keep;
	int rc = open_file(error);
	if (rc != 0)
		log_file.path[0] = '\0';
	pthread_mutex_unlock(&log_file.lock);
	return rc;
}

void log_reopen(void)
{
	pthread_mutex_lock(&log_file.lock);
	if (log_file.path[0] != '\0')
		open_file(NULL);
	pthread_mutex_unlock(&log_file.lock);
}

void log_close(void)
{
	pthread_mutex_lock(&log_file.lock);
	if (log_file.fd >= 0)
		close(log_file.fd);
	log_file.fd = -1;
	log_file.path[0] = '\0';
	pthread_mutex_unlock(&log_file.lock);
}

/* A line that the disk does not take is lost, as it would be on standard error. */
static void append(const char *text, size_t length)
{
	if (log_file.limit > 0 && log_file.size > 0 && log_file.size + length + 1 > log_file.limit)
		rotate();
	const struct iovec parts[] = {{(void *)text, length}, {(void *)"\n", 1}};
	ssize_t wrote = writev(log_file.fd, parts, 2);
	if (wrote > 0)
		log_file.size += (uint64_t)wrote;
}

/* Takes `line`. Whole lines in one call, so that threads do not mix theirs. */
static void write_line(struct text *line)
{
	char *text;
	size_t length;
	if (text_take(line, &text, &length) != 0)
		return;
	pthread_mutex_lock(&log_file.lock);
	if (log_file.fd >= 0)
		append(text, length);
	else
		fprintf(stderr, "%s\n", text);
	pthread_mutex_unlock(&log_file.lock);
	free(text);
}

static struct text begin_line(const char *level)
{
	struct text line = {0};
	char time[25];
	clock_iso8601(clock_now_ms(), time);
	text_print(&line, "{\"time\":\"%s\",\"level\":\"%s\"", time, level);
	return line;
}

void log_message(const char *level, const char *format, ...)
{
	char message[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	message[strcspn(message, "\n")] = '\0';
	utf8_clean(message);
	struct text line = begin_line(level);
	json_write_member(&line, "message", message);
	text_write(&line, "}", 1);
	write_line(&line);
}

void log_access(const struct log_access *access)
{
	char method[24], path[256];
	snprintf(method, sizeof method, "%s", access->method);
	snprintf(path, sizeof path, "%s", access->path);
	utf8_clean(method);
	utf8_clean(path);
	struct text line = begin_line("access");
	json_write_member(&line, "method", method);
	json_write_member(&line, "path", path);
	text_print(&line, ",\"status\":%d,\"bytes\":%zu,\"ms\":%.3f", access->status, access->bytes, access->millis);
	json_write_member(&line, "remote", access->remote);
	text_write(&line, "}", 1);
	write_line(&line);
}
