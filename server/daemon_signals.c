/* Signals: the daemon's end, politely; its log file opened anew. */
#include "server/daemon.h"

#include <signal.h>
#include <unistd.h>

#include "server/http/log.h"
#include "server/notify.h"

#define IDLE_CHECK_MS 50
#define IDLE_WAIT_MS  5000 /* for clients to take their last replies */

void daemon_hold_signals(bool hold)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* Ends the loop when the workers are gone and the last replies are out, or nobody takes them. */
static void on_idle_timer(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;
	if (!daemon->drained)
		return;
	if (daemon->idle_deadline == 0)
		daemon->idle_deadline = uv_now(daemon->loop) + IDLE_WAIT_MS;
	if (http_idle(daemon->http) || uv_now(daemon->loop) >= daemon->idle_deadline)
		uv_stop(daemon->loop);
}

static void on_drained(void *context)
{
	struct daemon *daemon = context;
	daemon->drained = true;
}

/* The first signal stops politely: no new connections, workers checkpoint and their runs go back to the queue. */
static void on_signal(uv_signal_t *handle, int number)
{
	struct daemon *daemon = handle->data;
	if (daemon->stopping)
		_exit(128 + number);
	daemon->stopping = true;
	log_message("info", "stopping");
	notify_send("STOPPING=1\n");
	atomic_store(&daemon->api.draining, true);
	http_quiesce(daemon->http);
	scheduler_drain(daemon->api.scheduler, on_drained, daemon);
	uv_timer_start(&daemon->idle_timer, on_idle_timer, 0, IDLE_CHECK_MS);
}

static void on_hangup(uv_signal_t *handle, int number)
{
	(void)handle, (void)number;
	log_reopen();
}

int daemon_open_signals(struct daemon *daemon, struct qlstm_error *error)
{
	static const struct {
		int number;
		void (*seen)(uv_signal_t *handle, int number);
	} signals[] = {{SIGTERM, on_signal}, {SIGINT, on_signal}, {SIGHUP, on_hangup}};
	uv_timer_init(daemon->loop, &daemon->idle_timer);
	daemon->idle_timer.data = daemon;
	for (int i = 0; i < 3; i++) {
		daemon->signals[i].data = daemon;
		bool ends = signals[i].number == SIGHUP && daemon->options.log[0] == '\0'; /* as it does by itself */
		if (uv_signal_init(daemon->loop, &daemon->signals[i]) != 0 ||
		    (!ends && uv_signal_start(&daemon->signals[i], signals[i].seen, signals[i].number) != 0))
			return error_set(error, ERR_INTERNAL, NULL, "cannot watch signals");
	}
	daemon_hold_signals(false);
	return 0;
}

void daemon_close_signals(struct daemon *daemon)
{
	uv_close((uv_handle_t *)&daemon->idle_timer, NULL);
	for (int i = 0; i < 3; i++)
		uv_close((uv_handle_t *)&daemon->signals[i], NULL);
}
