/* Children that nobody waits for are buried; those that the loop waits for keep their exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/run/orphans.h"

enum { CHILDREN = 200, PATIENCE_MS = 60000, LOOK_MS = 10 };

struct scene {
	uv_process_t own[CHILDREN];
	int ended, right; /* of the loop's own; with the status that they ended with */
	pid_t strangers[CHILDREN];
	int rounds;
};

static void on_exit_of_own(uv_process_t *process, int64_t status, int signal)
{
	struct scene *scene = process->data;
	scene->ended++;
	scene->right += status == (process - scene->own) % 100 && signal == 0;
	uv_close((uv_handle_t *)process, NULL);
}

static void spawn_own(struct scene *scene, uv_loop_t *loop, int i)
{
	char script[32];
	snprintf(script, sizeof script, "exit %d", i % 100);
	char *arguments[] = {(char *)"/bin/sh", (char *)"-c", script, NULL};
	uv_process_options_t options = {.file = "/bin/sh", .args = arguments, .exit_cb = on_exit_of_own};
	scene->own[i].data = scene;
	assert_int_equal(uv_spawn(loop, &scene->own[i], &options), 0);
}

static pid_t fork_stranger(void)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	return pid;
}

static int strangers_left(const struct scene *scene)
{
	int left = 0;
	for (int i = 0; i < CHILDREN; i++) {
		siginfo_t info;
		left += waitid(P_PID, (id_t)scene->strangers[i], &info, WEXITED | WNOHANG | WNOWAIT) == 0;
	}
	return left;
}

static void look(uv_timer_t *timer)
{
	struct scene *scene = timer->data;
	if ((scene->ended == CHILDREN && strangers_left(scene) == 0) || ++scene->rounds * LOOK_MS > PATIENCE_MS)
		uv_stop(timer->loop);
}

/* Both kinds die while the loop runs and while it does not, among each other. */
static void test_each_to_its_own(void **state)
{
	(void)state;
	static struct scene scene;
	uv_loop_t *loop = uv_default_loop();
	struct orphans *orphans = NULL;
	struct qlstm_error error = {0};
	assert_int_equal(orphans_open(&orphans, loop, &error), 0);
	for (int i = 0; i < CHILDREN; i++) {
		spawn_own(&scene, loop, i);
		scene.strangers[i] = fork_stranger();
		if (i % 10 == 0)
			uv_run(loop, UV_RUN_NOWAIT);
	}
	uv_timer_t timer;
	uv_timer_init(loop, &timer);
	timer.data = &scene;
	uv_timer_start(&timer, look, 0, LOOK_MS);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(scene.ended, CHILDREN);
	assert_int_equal(scene.right, CHILDREN);
	assert_int_equal(strangers_left(&scene), 0);

	uv_close((uv_handle_t *)&timer, NULL);
	orphans_close(orphans);
	orphans_close(NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_to_its_own)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
