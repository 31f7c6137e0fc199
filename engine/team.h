/* A team: a fixed number of threads that share the parts of a job.
 *
 * Which member runs which part is left to chance. A part therefore writes only what is its own, or its member's scratch
 * memory, and sums over parts are taken afterwards in the order of the parts: then results do not depend on the number
 * of threads. */
#ifndef QLSTM_ENGINE_TEAM_H
#define QLSTM_ENGINE_TEAM_H

#include <stddef.h>

#include "engine/error.h"

#define TEAM_MAX_THREADS 256

struct team;

/* `threads` members, 1 to TEAM_MAX_THREADS, the caller of team_run among them. Signals are blocked in the threads that
 * it starts. *out is NULL for one thread: a team of NULL is the caller alone. */
int team_new(struct team **out, int threads, struct qlstm_error *error);
void team_free(struct team *team);
int team_threads(const struct team *team);

/* `member` is 0 for the caller, else 1 .. team_threads - 1; no two parts run at once under the same number. */
typedef void (*team_part_fn)(void *context, size_t part, int member);

/* Runs fn once for every part 0 .. n_parts - 1 and returns when all are done. Inside a part it runs everything in the
 * calling thread, as member 0. One job at a time. Costs about a microsecond while the others are awake; they fall
 * asleep some ten microseconds after a job. */
void team_run(struct team *team, team_part_fn fn, void *context, size_t n_parts);

/* From now on team_run's caller calls fn about ten times a second while it waits for the others; NULL: nothing. */
void team_while_waiting(struct team *team, void (*fn)(void *context), void *context);

#endif
