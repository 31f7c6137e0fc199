/* Sweeps and the reserve, in operation. */
#include "server/disk/caretaker.h"

#include <stdlib.h>

#include "server/disk/sweep.h"
#include "server/http/log.h"

enum { TICK_MS = 1000 };

struct caretaker {
	uv_loop_t *loop;
	struct store *store;
	struct caretaker_config config;
	uv_timer_t timer;
	uv_work_t work;
	bool working, sweeps; /* sweeps: the work under way is more than the reserve */
	uint64_t swept_at;    /* of the loop's clock */
};

static int read_store(void *context, store_fn fn, void *argument, struct qlstm_error *error)
{
	return store_read(context, fn, argument, error);
}

struct inventory caretaker_inventory(const char *data_dir, struct store *store)
{
	return (struct inventory){.data_dir = data_dir, .read = read_store, .context = store};
}

void caretaker_sweep(const struct inventory *inventory, struct store *store)
{
	struct sweep done;
	struct qlstm_error error = {0};
	if (sweep(inventory, &done, &error) == 0)
		sweep_deletions(store, inventory->data_dir, &error);
	if (done.removed > 0)
		log_message("info", "swept: %d files and folders of nobody were removed", done.removed);
	if (done.failed > 0)
		log_message("warning", "swept: %d files and folders of nobody could not be removed", done.failed);
	if (error.code != 0)
		log_message("warning", "the sweep of the data directory ended early: %s", error.message);
}

void caretaker_fill_reserve(struct reserve *reserve, struct store *store)
{
	reserve_make(reserve);
	store_set_frugal(store, reserve_check(reserve, NULL) != 0);
}

static int read_cancelling(struct db *db, void *argument, struct qlstm_error *error)
{
	db_query(db, "SELECT 1 FROM experiment WHERE status = 'cancelling' LIMIT 1");
	*(bool *)argument = db_step(db) > 0;
	return db_finish(db) == 0 ? 0 : db_error(db, error);
}

/* A cancelled run ends with writes of its supervisor, who knows of no reserve. */
static void help_cancelled(struct caretaker *caretaker)
{
	bool cancelling = false;
	if (store_healthy(caretaker->store) || store_read(caretaker->store, read_cancelling, &cancelling, NULL) != 0)
		return;
	if (cancelling)
		reserve_give_up(caretaker->config.reserve);
}

/* Pool thread. */
static void work(uv_work_t *request)
{
	struct caretaker *caretaker = request->data;
	caretaker_fill_reserve(caretaker->config.reserve, caretaker->store);
	if (reserve_check(caretaker->config.reserve, NULL) != 0)
		help_cancelled(caretaker);
	if (!caretaker->sweeps)
		return;
	struct inventory inventory = caretaker_inventory(caretaker->config.data_dir, caretaker->store);
	inventory.datasets = caretaker->config.datasets;
	caretaker_sweep(&inventory, caretaker->store);
}

static void on_worked(uv_work_t *request, int status)
{
	(void)status;
	struct caretaker *caretaker = request->data;
	caretaker->working = false;
	if (caretaker->sweeps)
		caretaker->swept_at = uv_now(caretaker->loop);
}

static void on_tick(uv_timer_t *timer)
{
	struct caretaker *caretaker = timer->data;
	bool due = uv_now(caretaker->loop) - caretaker->swept_at >= (uint64_t)caretaker->config.sweep_seconds * 1000;
	if (caretaker->working || (!due && reserve_check(caretaker->config.reserve, NULL) == 0))
		return;
	caretaker->sweeps = due;
	caretaker->working = uv_queue_work(caretaker->loop, &caretaker->work, work, on_worked) == 0;
}

int caretaker_open(struct caretaker **out, uv_loop_t *loop, struct store *store, const struct caretaker_config *config,
                   struct qlstm_error *error)
{
	struct caretaker *caretaker = calloc(1, sizeof *caretaker);
	if (caretaker == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory to look after the data directory");
	caretaker->loop = loop;
	caretaker->store = store;
	caretaker->config = *config;
	caretaker->timer.data = caretaker->work.data = caretaker;
	caretaker->swept_at = uv_now(loop);
	uv_timer_init(loop, &caretaker->timer);
	uv_timer_start(&caretaker->timer, on_tick, TICK_MS, TICK_MS);
	uv_unref((uv_handle_t *)&caretaker->timer);
	*out = caretaker;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void caretaker_close(struct caretaker *caretaker)
{
	if (caretaker == NULL)
		return;
	uv_timer_stop(&caretaker->timer);
	while (caretaker->working)
		uv_run(caretaker->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&caretaker->timer, on_closed);
}
