/* Commands as processes of this machine. */
#include "server/run/launcher.h"

#include <signal.h>
#include <stdlib.h>

struct local {
	uv_process_t handle;
	void (*ended)(void *context);
	void *context;
	bool over;
	struct launch_end end;
};

static void on_exited(uv_process_t *handle, int64_t status, int signal)
{
	struct local *local = handle->data;
	local->over = true;
	local->end = (struct launch_end){status, signal};
	local->ended(local->context);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void local_close(void *launch)
{
	struct local *local = launch;
	uv_close((uv_handle_t *)&local->handle, on_closed);
}

static uv_stdio_container_t inherited(int descriptor)
{
	if (descriptor < 0)
		return (uv_stdio_container_t){.flags = UV_IGNORE}; /* libuv opens /dev/null */
	return (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = descriptor};
}

static int local_start(void *self, const struct command *command, void (*ended)(void *context), void *context,
                       void **launch, struct qlstm_error *error)
{
	int rc = command_check(command, error);
	if (rc != 0)
		return rc;
	struct local *local = calloc(1, sizeof *local);
	if (local == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a worker");
	uv_stdio_container_t stdio[3] = {inherited(command->input), inherited(command->output),
	                                 inherited(command->errors)};
	uv_process_options_t options = {
	    .file = command->arguments.items[0],
	    .args = command->arguments.items,
	    .env = command->environment.items,
	    .cwd = command->folder,
	    .flags = UV_PROCESS_DETACHED,
	    .stdio = stdio,
	    .stdio_count = 3,
	    .exit_cb = on_exited,
	};
	local->ended = ended;
	local->context = context;
	local->handle.data = local;
	rc = uv_spawn(self, &local->handle, &options);
	if (rc != 0) {
		error_set(error, ERR_IO, NULL, "cannot start the worker %s: %s", options.file, uv_strerror(rc));
		local_close(local);
		return ERR_IO;
	}
	*launch = local;
	return 0;
}

static void local_stop(void *launch)
{
	struct local *local = launch;
	if (!local->over)
		uv_process_kill(&local->handle, SIGTERM);
}

static void local_stop_for_good(void *launch)
{
	struct local *local = launch;
	if (!local->over)
		uv_process_kill(&local->handle, SIGURG);
	local_stop(launch);
}

static void local_kill(void *launch)
{
	struct local *local = launch;
	if (!local->over)
		uv_process_kill(&local->handle, SIGKILL);
}

static bool local_poll(void *launch, struct launch_end *end)
{
	const struct local *local = launch;
	*end = local->end;
	return local->over;
}

struct launcher launcher_local(uv_loop_t *loop)
{
	return (struct launcher){
	    .name = "local",
	    .self = loop,
	    .start = local_start,
	    .stop = local_stop,
	    .stop_for_good = local_stop_for_good,
	    .kill = local_kill,
	    .poll = local_poll,
	    .close = local_close,
	};
}
