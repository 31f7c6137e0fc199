/* Starts a worker process on this machine. */
#include "server/run/launcher.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static const char *environment_or(const char *name, const char *fallback)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : fallback;
}

int launcher_spawn(uv_loop_t *loop, const struct launcher_config *config, const struct prepared *prepared,
                   uv_process_t *process, uv_pipe_t *in, uv_pipe_t *out, uv_exit_cb exited, struct qlstm_error *error)
{
	char spec[ATTEMPT_PATH_SIZE + 16], path[4096], tmpdir[4096];
	snprintf(spec, sizeof spec, "%s/spec.json", prepared->folder);
	snprintf(path, sizeof path, "PATH=%s", environment_or("PATH", DEFAULT_PATH));
	snprintf(tmpdir, sizeof tmpdir, "TMPDIR=%s", environment_or("TMPDIR", "/tmp"));
	/* libuv wants pointers to char and does not write. Threads are the worker's own, none a library's. */
	char *environment[] = {path, tmpdir, (char *)"LANG=C", (char *)"OMP_NUM_THREADS=1", NULL};
	char *arguments[16] = {(char *)config->worker_path, (char *)"train",       spec, (char *)"--out",
	                       (char *)prepared->folder,    (char *)"--supervised"};
	int n = 6;
	char checkpoint[16];
	snprintf(checkpoint, sizeof checkpoint, "%d", config->checkpoint_seconds);
	arguments[n++] = (char *)"--checkpoint-seconds";
	arguments[n++] = checkpoint;
	char threads[16];
	snprintf(threads, sizeof threads, "%d", prepared->threads);
	arguments[n++] = (char *)"--threads";
	arguments[n++] = threads;
	if (prepared->data[0] != '\0') {
		arguments[n++] = (char *)"--data";
		arguments[n++] = (char *)prepared->data;
	}
	if (prepared->resume[0] != '\0') {
		arguments[n++] = (char *)"--resume";
		arguments[n++] = (char *)prepared->resume;
	}
	uv_stdio_container_t stdio[3] = {
	    {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)in},
	    {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)out},
	    {.flags = UV_INHERIT_FD, .data.fd = prepared->log_file},
	};
	uv_process_options_t options = {
	    .file = config->worker_path,
	    .args = arguments,
	    .env = environment,
	    .cwd = prepared->folder,
	    .flags = UV_PROCESS_DETACHED, /* a Ctrl-C at the terminal is for the daemon, which tells its workers */
	    .stdio = stdio,
	    .stdio_count = 3,
	    .exit_cb = exited,
	};
	int rc = uv_spawn(loop, process, &options);
	if (rc == 0)
		return 0;
	return error_set(error, ERR_IO, NULL, "cannot start the worker %s: %s", config->worker_path, uv_strerror(rc));
}
