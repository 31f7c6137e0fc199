/* What every handler works with. */
#ifndef QLSTM_API_CONTEXT_H
#define QLSTM_API_CONTEXT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "engine/circuit/plan_estimates.h"
#include "server/access/audit.h"
#include "server/access/keeper.h"
#include "server/api/parts/assessments.h"
#include "server/api/parts/labels_seen.h"
#include "server/disk/reserve.h"
#include "server/predict/predictor_pool.h"
#include "server/run/events/hub.h"
#include "server/run/scheduler.h"
#include "server/store/store.h"

#define API_MAX_EXPERIMENT (1L << 20)           /* bytes of POST /experiments */
#define API_MAX_DATASET    (1L << 30)           /* the most that max_upload may be */
#define API_MAX_PREDICT    (16L << 20)          /* bytes of POST /experiments/{id}/predict */
#define API_MAX_GENERATE   (64L << 10)          /* and /generate */
#define API_MIN_FREE_DISK  ((uint64_t)64 << 20) /* below it the service is not ready */

/* Made by main before the server listens; handlers only read it, but for what is atomic or a lock. */
struct api {
	struct store *store;
	struct keeper *keeper;   /* who asks */
	struct audit *audit;     /* NULL: none is kept */
	struct reserve *reserve; /* of the disk, for what makes room */
	struct scheduler *scheduler;
	struct predictor_pool *predictors;
	uv_loop_t *loop;                 /* for what goes on after a handler: streams */
	struct hub *hub;                 /* of events */
	const char *data_dir;            /* absolute; runs/ and datasets/ are inside */
	size_t max_memory;               /* bytes that one experiment may take */
	size_t max_upload;               /* bytes of a data set that is uploaded, as it comes and unpacked */
	int max_queued;                  /* experiments waiting at once */
	int threads;                     /* that one experiment may take */
	double speed;                    /* of this machine (engine/circuit/plan_speed.h) */
	int64_t started_at;              /* ms */
	double started;                  /* by clock_monotonic: what the wall clock does since then does not count */
	atomic_bool draining;            /* it ends: new experiments are refused, /readyz says no */
	uv_mutex_t datasets;             /* held while the rows and the files of data sets must agree */
	struct plan_estimates *plans;    /* of circuits that were seen before */
	struct assessments *assessments; /* of specs that were seen before; NULL: none are kept */
	struct labels_seen *labels;      /* columns of classes that were checked */
	atomic_int unpacking;            /* large packed data sets that are being read (data_file.h) */
	atomic_ullong replies[6];        /* by class of status: [2] counts 200 to 299 */
};

#endif
