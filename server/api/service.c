/* For those who run the service: /metrics, /healthz, /readyz, /version. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "engine/circuit/plan.h"
#include "engine/qlstm.h"
#include "server/api/drain.h"
#include "server/api/handlers.h"
#include "server/api/resource.h"
#include "server/common/clock.h"
#include "server/run/state.h"

static void head(struct text *out, const char *name, const char *type, const char *help)
{
	text_print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_experiments(struct text *out, const int64_t *counts)
{
	head(out, "qlstmd_experiments", "gauge", "Experiments in the store by status.");
	for (int i = 0; i < STATUS_COUNT; i++)
		text_print(out, "qlstmd_experiments{status=\"%s\"} %lld\n", status_name((enum run_status)i),
		           (long long)counts[i]);
}

static void print_workers(struct text *out, struct scheduler *scheduler)
{
	struct scheduler_counters c;
	scheduler_counters(scheduler, &c);
	head(out, "qlstmd_worker_slots", "gauge", "Workers that may run at once.");
	text_print(out, "qlstmd_worker_slots %d\n", c.slots);
	head(out, "qlstmd_workers_busy", "gauge", "Workers that run.");
	text_print(out, "qlstmd_workers_busy %d\n", c.busy);
	head(out, "qlstmd_workers_planned_bytes", "gauge", "Memory that workers are expected to take.");
	text_print(out, "qlstmd_workers_planned_bytes %lld\n", (long long)c.planned_bytes);
	head(out, "qlstmd_memory_bytes", "gauge", "Memory that workers together may be expected to take.");
	text_print(out, "qlstmd_memory_bytes %lld\n", (long long)c.memory);
	head(out, "qlstmd_attempts_started_total", "counter", "Workers started since the service started.");
	text_print(out, "qlstmd_attempts_started_total %llu\n", (unsigned long long)c.started);
	const struct {
		const char *result;
		uint64_t count;
	} ends[] = {
	    {"succeeded", c.succeeded}, {"failed", c.failed}, {"cancelled", c.cancelled}, {"requeued", c.requeued}};
	head(out, "qlstmd_attempts_ended_total", "counter", "Attempts ended since the service started, by result.");
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		text_print(out, "qlstmd_attempts_ended_total{result=\"%s\"} %llu\n", ends[i].result,
		           (unsigned long long)ends[i].count);
}

static void print_service(struct text *out, struct api *api)
{
	head(out, "qlstmd_draining", "gauge", "1 while nothing is begun.");
	text_print(out, "qlstmd_draining %d\n", drain_is_on(api));
	uint64_t commits = 0, writes = 0;
	store_counters(api->store, &commits, &writes);
	head(out, "qlstmd_store_commits_total", "counter", "Transactions committed, each for a group of writes.");
	text_print(out, "qlstmd_store_commits_total %llu\n", (unsigned long long)commits);
	head(out, "qlstmd_store_writes_total", "counter", "Writes in those transactions.");
	text_print(out, "qlstmd_store_writes_total %llu\n", (unsigned long long)writes);
	head(out, "qlstmd_http_replies_total", "counter", "Replies by class of status.");
	for (int i = 2; i <= 5; i++)
		text_print(out, "qlstmd_http_replies_total{class=\"%dxx\"} %llu\n", i,
		           (unsigned long long)atomic_load(&api->replies[i]));
	head(out, "qlstmd_start_time_seconds", "gauge", "When the service started, since 1970.");
	text_print(out, "qlstmd_start_time_seconds %.3f\n", (double)api->started_at / 1000);
	head(out, "qlstmd_build_info", "gauge", "Always 1; the labels say what runs.");
	text_print(out, "qlstmd_build_info{version=\"%s\",isa=\"%s\"} 1\n", QLSTM_VERSION, plan_isa());
}

void service_metrics(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	int64_t counts[STATUS_COUNT];
	struct text out = {0};
	(void)request;
	store_status_counts(api->store, counts);
	print_experiments(&out, counts);
	print_workers(&out, api->scheduler);
	print_service(&out, api);
	reply_written(reply, "text/plain; version=0.0.4; charset=utf-8", &out);
}

/* The process lives and its pool threads answer; touches nothing else. */
void service_health(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	(void)request;
	reply_json(reply, 200,
	           json_pack("{ss, sf, sb}", "status", "ok", "uptime_seconds", clock_monotonic() - api->started,
	                     "draining", drain_is_on(api)));
}

void service_ready(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	struct statvfs disk;
	int rc = drain_check(api, &error);
	if (rc == 0 && !store_healthy(api->store))
		rc = error_set(&error, ERR_UNAVAILABLE, NULL, "the last write to the store failed");
	if (rc == 0 && (statvfs(api->data_dir, &disk) != 0 || disk.f_bavail * disk.f_frsize < API_MIN_FREE_DISK))
		rc = error_set(&error, ERR_UNAVAILABLE, NULL, "the disk is nearly full");
	if (rc != 0)
		reply_problem(request, reply, &error);
	else
		reply_json(reply, 200, json_pack("{ss}", "status", "ready"));
}

void service_version(void *context, struct http_request *request, struct http_reply *reply)
{
	const struct api *api = context;
	(void)request;
	reply_json(reply, 200,
	           json_pack("{ss, ss, ss, sf}", "name", "qlstmd", "version", QLSTM_VERSION, "isa", plan_isa(), "speed",
	                     api->speed));
}
