/* A team of threads; see team.h. A member joins a job only while it is open, so that nobody waits for a member that is
 * still asleep when the parts have run out. */
#include "engine/team.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define SPIN_LOOKS    400
#define WAIT_NS       100000000L
#define NS_PER_SECOND 1000000000L

struct member {
	struct team *team;
	pthread_t thread;
	int number;
};

struct team {
	int threads;
	pthread_mutex_t lock;
	pthread_cond_t opened, left;
	atomic_uint jobs;    /* opened so far; written under the lock */
	atomic_uint working; /* members inside the job, without the caller; written under the lock */
	bool open, closing;
	/* The job: written under the lock while nobody is inside. */
	team_part_fn fn;
	void *context;
	size_t n_parts;
	atomic_size_t next;
	struct {
		void (*fn)(void *context);
		void *context;
	} waiting;
	struct member members[]; /* threads - 1 */
};

static _Thread_local bool inside;

static void spin_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static void team_take(struct team *team, int member)
{
	inside = true;
	for (size_t part; (part = atomic_fetch_add_explicit(&team->next, 1, memory_order_relaxed)) < team->n_parts;)
		team->fn(team->context, part, member);
	inside = false;
}

static void *member_main(void *argument)
{
	struct member *member = argument;
	struct team *team = member->team;
	unsigned seen = 0;
	for (;;) {
		for (int k = 0; k < SPIN_LOOKS && atomic_load(&team->jobs) == seen; k++)
			spin_pause();
		pthread_mutex_lock(&team->lock);
		while (atomic_load(&team->jobs) == seen && !team->closing)
			pthread_cond_wait(&team->opened, &team->lock);
		seen = atomic_load(&team->jobs);
		bool joins = team->open, ends = team->closing;
		if (joins)
			atomic_fetch_add(&team->working, 1);
		pthread_mutex_unlock(&team->lock);
		if (ends)
			return NULL;
		if (!joins)
			continue;
		team_take(team, member->number);
		pthread_mutex_lock(&team->lock);
		if (atomic_fetch_sub(&team->working, 1) == 1)
			pthread_cond_signal(&team->left);
		pthread_mutex_unlock(&team->lock);
	}
}

/* Starts members until `threads` or the first failure; their number. */
static int team_start(struct team *team, int threads)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int started = 0;
	for (; started < threads - 1; started++) {
		struct member *member = &team->members[started];
		*member = (struct member){.team = team, .number = started + 1};
		if (pthread_create(&member->thread, NULL, member_main, member) != 0)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

int team_new(struct team **out, int threads, struct qlstm_error *error)
{
	*out = NULL;
	if (threads < 1 || threads > TEAM_MAX_THREADS)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "%d threads; allowed are 1 to %d", threads,
		                 TEAM_MAX_THREADS);
	if (threads == 1)
		return 0;
	struct team *team = calloc(1, sizeof *team + (size_t)(threads - 1) * sizeof team->members[0]);
	if (team == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&team->lock, NULL);
	pthread_cond_init(&team->opened, NULL);
	pthread_cond_init(&team->left, &attributes);
	pthread_condattr_destroy(&attributes);
	int started = team_start(team, threads);
	team->threads = started + 1;
	if (started < threads - 1) {
		team_free(team);
		return error_set(error, ERR_UNAVAILABLE, NULL, "%d threads cannot be had, only %d", threads,
		                 started + 1);
	}
	*out = team;
	return 0;
}

void team_free(struct team *team)
{
	if (team == NULL)
		return;
	pthread_mutex_lock(&team->lock);
	team->closing = true;
	pthread_cond_broadcast(&team->opened);
	pthread_mutex_unlock(&team->lock);
	for (int k = 0; k < team->threads - 1; k++)
		pthread_join(team->members[k].thread, NULL);
	pthread_cond_destroy(&team->left);
	pthread_cond_destroy(&team->opened);
	pthread_mutex_destroy(&team->lock);
	free(team);
}

int team_threads(const struct team *team)
{
	return team != NULL ? team->threads : 1;
}

static struct timespec wake_up_time(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_nsec += WAIT_NS;
	time.tv_sec += time.tv_nsec / NS_PER_SECOND;
	time.tv_nsec %= NS_PER_SECOND;
	return time;
}

/* Under the lock: until the others have left the job. */
static void team_wait(struct team *team)
{
	while (atomic_load(&team->working) > 0) {
		struct timespec until = wake_up_time();
		int rc = pthread_cond_timedwait(&team->left, &team->lock, &until);
		if (rc == 0 || team->waiting.fn == NULL)
			continue;
		pthread_mutex_unlock(&team->lock);
		team->waiting.fn(team->waiting.context);
		pthread_mutex_lock(&team->lock);
	}
}

void team_run(struct team *team, team_part_fn fn, void *context, size_t n_parts)
{
	if (team == NULL || inside || n_parts < 2) {
		for (size_t part = 0; part < n_parts; part++)
			fn(context, part, 0);
		return;
	}
	pthread_mutex_lock(&team->lock);
	team->fn = fn;
	team->context = context;
	team->n_parts = n_parts;
	atomic_store(&team->next, 0);
	team->open = true;
	atomic_fetch_add(&team->jobs, 1);
	pthread_cond_broadcast(&team->opened);
	pthread_mutex_unlock(&team->lock);

	team_take(team, 0);

	pthread_mutex_lock(&team->lock);
	team->open = false;
	pthread_mutex_unlock(&team->lock);
	for (int k = 0; k < SPIN_LOOKS && atomic_load(&team->working) > 0; k++)
		spin_pause();
	pthread_mutex_lock(&team->lock);
	team_wait(team);
	pthread_mutex_unlock(&team->lock);
}

void team_while_waiting(struct team *team, void (*fn)(void *context), void *context)
{
	if (team == NULL)
		return;
	team->waiting.fn = fn;
	team->waiting.context = context;
}
