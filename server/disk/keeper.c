/* Sweeps and the reserve, in operation. */
#include "server/disk/keeper.h"

#include <stdlib.h>

#include "server/disk/sweep.h"
#include "server/http/log.h"

enum { TICK_MS = 1000 };

struct keeper {
	uv_loop_t *loop;
	struct store *store;
	struct keeper_config config;
	uv_timer_t timer;
	uv_work_t work;
	bool working, sweeps; /* sweeps: the work under way is more than the reserve */
	uint64_t swept_at;    /* of the loop's clock */
};

static int read_store(void *context, store_fn fn, void *argument, struct qlstm_error *error)
{
	return store_read(context, fn, argument, error);
}

struct inventory keeper_inventory(const char *data_dir, struct store *store)
{
	return (struct inventory){.data_dir = data_dir, .read = read_store, .context = store};
}

void keeper_sweep(const struct inventory *inventory, struct store *store)
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

void keeper_fill_reserve(struct reserve *reserve, struct store *store)
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
static void help_cancelled(struct keeper *keeper)
{
	bool cancelling = false;
	if (store_healthy(keeper->store) || store_read(keeper->store, read_cancelling, &cancelling, NULL) != 0)
		return;
	if (cancelling)
		reserve_give_up(keeper->config.reserve);
}

/* Pool thread. */
static void work(uv_work_t *request)
{
	struct keeper *keeper = request->data;
	keeper_fill_reserve(keeper->config.reserve, keeper->store);
	if (reserve_check(keeper->config.reserve, NULL) != 0)
		help_cancelled(keeper);
	if (!keeper->sweeps)
		return;
	struct inventory inventory = keeper_inventory(keeper->config.data_dir, keeper->store);
	inventory.datasets = keeper->config.datasets;
	keeper_sweep(&inventory, keeper->store);
}

static void on_worked(uv_work_t *request, int status)
{
	(void)status;
	struct keeper *keeper = request->data;
	keeper->working = false;
	if (keeper->sweeps)
		keeper->swept_at = uv_now(keeper->loop);
}

static void on_tick(uv_timer_t *timer)
{
	struct keeper *keeper = timer->data;
	bool due = uv_now(keeper->loop) - keeper->swept_at >= (uint64_t)keeper->config.sweep_seconds * 1000;
	if (keeper->working || (!due && reserve_check(keeper->config.reserve, NULL) == 0))
		return;
	keeper->sweeps = due;
	keeper->working = uv_queue_work(keeper->loop, &keeper->work, work, on_worked) == 0;
}

int keeper_open(struct keeper **out, uv_loop_t *loop, struct store *store, const struct keeper_config *config,
                struct qlstm_error *error)
{
	struct keeper *keeper = calloc(1, sizeof *keeper);
	if (keeper == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory to look after the data directory");
	keeper->loop = loop;
	keeper->store = store;
	keeper->config = *config;
	keeper->timer.data = keeper->work.data = keeper;
	keeper->swept_at = uv_now(loop);
	uv_timer_init(loop, &keeper->timer);
	uv_timer_start(&keeper->timer, on_tick, TICK_MS, TICK_MS);
	uv_unref((uv_handle_t *)&keeper->timer);
	*out = keeper;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void keeper_close(struct keeper *keeper)
{
	if (keeper == NULL)
		return;
	uv_timer_stop(&keeper->timer);
	while (keeper->working)
		uv_run(keeper->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&keeper->timer, on_closed);
}
