/* For tests of what runs workers: a worker that is a shell script and runs its spec.json as one, and a loop that turns
 * until something holds. Include behind cmocka.h. */
#ifndef QLSTM_TESTS_WORKER_FIXTURE_H
#define QLSTM_TESTS_WORKER_FIXTURE_H

#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "tests/unit/experiment_fixture.h"

/* libuv closes descriptors by bare system calls, which ThreadSanitizer does not see: to it, the next file with the same
 * number is still the old pipe. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:epoll_ctl\nrace:pipe2\nrace:socketpair\n";
}

static const char worker_script[] =
    "#!/bin/sh\n"
    "say() { printf '%s\\n' \"$1\"; }\n"
    "hello() { say '{\"type\":\"hello\",\"pid\":'$$'}'; }\n"
    "epoch() { say '{\"type\":\"epoch\",\"epoch\":'$1',\"train_loss\":0.5,\"test_loss\":null,\"gradient_norm\":1,"
    "\"seconds\":0.1}'; }\n"
    "checkpoint() { printf $1 > checkpoint-$1; say "
    "'{\"type\":\"checkpoint\",\"epoch\":'$1',\"file\":\"checkpoint-'$1'\","
    "\"sha256\":\"'$(sha256sum checkpoint-$1 | cut -c1-64)'\"}'; }\n"
    "announce() { printf weights > w; say '{\"type\":\"done\",\"artifacts\":[{\"name\":\"weights\",\"file\":\"w\","
    "\"bytes\":'${1:-7}',\"sha256\":\"'$(sha256sum w | cut -c1-64)'\"}]}'; }\n"
    "finish() { announce $1; exit 0; }\n"
    "finish_partly() { announce $1; exit 3; }\n"
    "error() { say '{\"type\":\"error\",\"reason\":\"'$1'\",\"message\":\"m\"}'; exit 1; }\n"
    "first() { case \"$PWD\" in *attempt-1) true;; *) false;; esac; }\n"
    "beat() { say '{\"type\":\"heartbeat\"}'; sleep 0.02; }\n"
    "forever() { while true; do sleep 0.02; done; }\n"
    "spec=$2; all=\"$*\"\n"
    ". \"$spec\"\n";

enum { PATIENCE_MS = 300000 };

static uv_loop_t loop;
static uv_timer_t tick;
static char worker[300]; /* the script's path */

static inline int make_worker(void)
{
	snprintf(worker, sizeof worker, "%s/worker", folder);
	return file_write_atomic(folder, "worker", worker_script, sizeof worker_script - 1, NULL) != 0
	           ? -1
	           : chmod(worker, 0700);
}

static inline int open_loop(void)
{
	return uv_loop_init(&loop) != 0 ? -1 : uv_timer_init(&loop, &tick);
}

static inline int close_loop(void)
{
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

static inline void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* Turns the loop until it holds; false when it does not within `ms`. */
static inline bool turn_until(bool (*holds)(void *context), void *context, uint64_t ms)
{
	uint64_t end = uv_hrtime() + ms * 1000000;
	bool yes = holds(context);
	uv_timer_start(&tick, on_tick, 5, 5);
	while (!yes && uv_hrtime() < end) {
		uv_run(&loop, UV_RUN_ONCE);
		yes = holds(context);
	}
	uv_timer_stop(&tick);
	return yes;
}

/* Whether FOLDER/NAME is there; a holds() too. */
static inline bool exists(void *name)
{
	char path[600];
	snprintf(path, sizeof path, "%s/%s", folder, (const char *)name);
	return access(path, F_OK) == 0;
}

/* The text of FOLDER/NAME, up to the next call. */
static inline const char *read_text(const char *name)
{
	static char text[1 << 16];
	unsigned char *bytes = NULL;
	size_t length = 0;
	char path[600];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(file_read(path, sizeof text - 1, &bytes, &length, NULL), 0);
	memcpy(text, bytes, length + 1);
	free(bytes);
	return text;
}

#endif
