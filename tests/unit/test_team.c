/* Teams of threads: every part once, no two parts of a member at a time, calls inside calls, waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>

#include "engine/team.h"

#define PARTS 1000

struct job {
	struct team *team;
	atomic_int runs[PARTS];
	atomic_int busy[TEAM_MAX_THREADS];
	atomic_int clashes;
};

static void count_part(void *context, size_t part, int member)
{
	struct job *job = context;
	if (atomic_fetch_add(&job->busy[member], 1) != 0)
		atomic_fetch_add(&job->clashes, 1);
	atomic_fetch_add(&job->runs[part], 1);
	atomic_fetch_sub(&job->busy[member], 1);
}

static void every_part_runs_once(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 5; threads++) {
		static struct job job;
		assert_int_equal(team_new(&job.team, threads, NULL), 0);
		assert_int_equal(team_threads(job.team), threads);
		for (int round = 0; round < 200; round++) {
			size_t parts = (size_t)(round * 7 % PARTS);
			memset(job.runs, 0, sizeof job.runs);
			team_run(job.team, count_part, &job, parts);
			for (size_t k = 0; k < PARTS; k++)
				assert_int_equal(atomic_load(&job.runs[k]), k < parts ? 1 : 0);
		}
		assert_int_equal(atomic_load(&job.clashes), 0);
		team_free(job.team);
	}
}

/* Ends only when another member has taken the other part: so there are two of them. */
static void meet_part(void *context, size_t part, int member)
{
	(void)part, (void)member;
	atomic_int *met = context;
	atomic_fetch_add(met, 1);
	while (atomic_load(met) < 2)
		;
}

static void members_run_side_by_side(void **state)
{
	(void)state;
	struct team *team;
	assert_int_equal(team_new(&team, 2, NULL), 0);
	for (int round = 0; round < 20; round++) {
		atomic_int met = 0;
		team_run(team, meet_part, &met, 2);
		assert_int_equal(atomic_load(&met), 2);
	}
	team_free(team);
}

static void inner_part(void *context, size_t part, int member)
{
	assert_int_equal(member, 0);
	((int *)context)[part]++;
}

static void outer_part(void *context, size_t part, int member)
{
	(void)part, (void)member;
	int runs[10] = {0};
	team_run(((struct job *)context)->team, inner_part, runs, 10);
	for (int k = 0; k < 10; k++)
		assert_int_equal(runs[k], 1);
}

static void a_job_inside_a_part_stays_in_its_thread(void **state)
{
	(void)state;
	static struct job job;
	assert_int_equal(team_new(&job.team, 3, NULL), 0);
	team_run(job.team, outer_part, &job, 50);
	team_free(job.team);
}

struct waiting {
	atomic_int called, entered;
};

static void note_waiting(void *context)
{
	atomic_fetch_add(&((struct waiting *)context)->called, 1);
}

/* The part of the other member lasts until the caller has been told that it waits. */
static void wait_part(void *context, size_t part, int member)
{
	(void)part;
	struct waiting *waiting = context;
	atomic_fetch_add(&waiting->entered, 1);
	while (atomic_load(&waiting->entered) < 2)
		;
	while (member != 0 && atomic_load(&waiting->called) == 0)
		;
}

static void the_caller_can_do_something_while_it_waits(void **state)
{
	(void)state;
	struct waiting waiting = {0};
	struct team *team;
	assert_int_equal(team_new(&team, 2, NULL), 0);
	team_while_waiting(team, note_waiting, &waiting);
	team_run(team, wait_part, &waiting, 2);
	assert_true(atomic_load(&waiting.called) > 0);
	team_free(team);
}

static void sizes_that_are_not_allowed(void **state)
{
	(void)state;
	struct team *team = (struct team *)state;
	struct qlstm_error error = {0};
	assert_int_equal(team_new(&team, 0, &error), ERR_OUT_OF_RANGE);
	assert_null(team);
	assert_int_equal(team_new(&team, TEAM_MAX_THREADS + 1, NULL), ERR_OUT_OF_RANGE);
	assert_int_equal(team_threads(NULL), 1);
	team_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_part_runs_once),
	    cmocka_unit_test(members_run_side_by_side),
	    cmocka_unit_test(a_job_inside_a_part_stays_in_its_thread),
	    cmocka_unit_test(the_caller_can_do_something_while_it_waits),
	    cmocka_unit_test(sizes_that_are_not_allowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
