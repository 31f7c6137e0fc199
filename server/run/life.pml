/* The life of one experiment, for the model checker spin: `make spin`. Beside it run a daemon with its store, a worker
 * for each attempt, and a client; the daemon and the workers are killed at any moment between two atomic steps. What is
 * atomic here is one transaction of the store, or one callback of the event loop.
 *
 * It says what state.c, supervisor.c and recorder.c do, and a little more: an end may overtake a line that is not stored
 * yet, so that the token (id, attempt) alone keeps it out. Asserted, in every state that can be reached:
 *   - one terminal status, once, unless a retry was asked for; nothing changes after a delete;
 *   - rows are written in the name of the current attempt alone, and an attempt has one worker;
 *   - results and `cancelled` exclude each other.
 * ltl ends: when clients and kills are over, it stands still in a terminal status (under weak fairness).
 *
 * FAULT_TOKEN, FAULT_CANCEL and FAULT_RECOVER leave one guard out each; `make spin` makes sure that spin finds them. */
#define EPOCHS       2
#define MAX_ATTEMPTS 2
#define ATTEMPTS     8 /* more than can be: asserted */
#ifndef KILLS
#define KILLS 1 /* of the daemon, and of workers */
#endif
#ifndef WISHES
#define WISHES 2 /* of the client */
#endif

mtype = { queued, running, paused, cancelling, succeeded, failed, cancelled };

/* The row. */
mtype status = queued;
bool pausing, exists = true, results;
byte attempt, failures, kept; /* kept: the epoch of the last checkpoint */

/* What the checker remembers of the past; nobody acts on it. */
bool ended;

/* Workers, by attempt; they outlive the daemon for a while. `line`: the checkpoint after that epoch, in the pipe. */
bool alive[ATTEMPTS], killed[ATTEMPTS], told[ATTEMPTS], orphan[ATTEMPTS], finished[ATTEMPTS];
byte line[ATTEMPTS];

/* The daemon: gone with it. */
bool up = true, fatal, gave_up;
byte supervised;            /* attempt; 0: none */
byte write_line, write_for; /* submitted to the store and not committed: a line, and its attempt; 0: nothing */

byte daemon_kills = KILLS, worker_kills = KILLS, timeouts = 1;

#define terminal (status == succeeded || status == failed || status == cancelled)
#define works    (status == running || status == cancelling)

inline end_as(to)
{
	assert(!ended && exists);
	status = to;
	pausing = false;
	ended = true;
	assert(!(status == cancelled && results))
}

inline wait_again()
{
	assert(!ended && exists);
	status = queued;
	pausing = false
}

/* Of an attempt that nobody will ask about: fewer states that differ in nothing. */
inline forget(a)
{
	told[a] = false;
	killed[a] = false;
	orphan[a] = false;
	finished[a] = false;
	line[a] = 0
}

/* One attempt's worker: an epoch and its checkpoint, the next, results; or told to stop. */
proctype worker(byte me; byte done)
{
	do
	:: killed[me] || orphan[me] || told[me] -> break
	:: d_step { done < EPOCHS && !orphan[me] && !killed[me] && line[me] == 0 -> done++; line[me] = done }
	:: d_step { done == EPOCHS && !orphan[me] && !killed[me] -> finished[me] = true; done++ } /* files are on disk */
	:: done > EPOCHS -> break
	od;
	skip; /* a jump must not lead into a d_step */
	d_step {
		alive[me] = false;
		if
		:: orphan[me] -> forget(me)
		:: else
		fi
	}
}

/* state_claim */
inline claim()
{
	assert(!ended && exists && attempt + 1 < ATTEMPTS);
	status = running;
	attempt++;
	supervised = attempt;
	assert(!alive[attempt]);
	alive[attempt] = true;
	run worker(attempt, kept)
}

/* recorder: a line under its token */
inline store()
{
	if
#ifdef FAULT_TOKEN
	:: works ->
#else
	:: works && write_for == attempt ->
#endif
		assert(write_for == attempt);
		kept = write_line
	:: else -> /* refused: the supervisor of this attempt kills its worker */
		if
		:: write_for == supervised -> killed[supervised] = true; gave_up = true
		:: else
		fi
	fi;
	write_line = 0;
	write_for = 0
}

#define has_results (finished[supervised] && !gave_up)

/* state_succeed or state_end, by what the supervisor knows */
inline conclude()
{
	if
#ifdef FAULT_CANCEL
	:: has_results -> results = true; end_as(succeeded)
	:: !has_results && (supervised != attempt || !works) -> skip
#else
	:: supervised != attempt || !works -> skip /* ERR_CONFLICT */
	:: supervised == attempt && works && has_results -> results = true; end_as(succeeded)
#endif
	:: supervised == attempt && works && !has_results ->
		if
		:: status == cancelling -> end_as(cancelled)
		:: status == running && fatal -> end_as(failed)
		:: status == running && !fatal && pausing -> status = paused; pausing = false
		:: status == running && !fatal && !pausing && told[supervised] -> wait_again() /* resumed meanwhile */
		:: status == running && !fatal && !pausing && !told[supervised] ->
			failures++;
			if
			:: failures >= MAX_ATTEMPTS -> end_as(failed)
			:: else -> wait_again()
			fi
		fi
	fi;
	forget(supervised);
	supervised = 0;
	fatal = false;
	gave_up = false
}

/* state_recover, before the daemon listens */
inline recover()
{
#ifndef FAULT_RECOVER
	if
	:: exists && status == cancelling -> end_as(cancelled)
	:: exists && status == running && pausing -> status = paused; pausing = false
	:: exists && status == running && !pausing -> wait_again()
	:: else
	fi;
#endif
	up = true
}

inline crash()
{
	daemon_kills--;
	up = false;
	supervised = 0;
	fatal = false;
	gave_up = false;
	write_line = 0;
	write_for = 0;
	i = 0;
	do
	:: i < ATTEMPTS ->
		if
		:: alive[i] -> orphan[i] = true
		:: else -> forget(i)
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

active proctype daemon()
{
	byte i;
end:
	do
	:: d_step { !up -> recover() }
	:: atomic { up && supervised == 0 && exists && status == queued -> claim() }
	:: d_step { up && supervised != 0 && line[supervised] != 0 && write_for == 0 ->
		write_line = line[supervised]; write_for = supervised; line[supervised] = 0 }
	:: d_step { up && write_for != 0 -> store() }
	/* scheduler_stop, or what the recorder sees in the row */
	:: d_step { up && supervised != 0 && supervised == attempt && (status == cancelling || pausing) &&
		!told[supervised] -> told[supervised] = true }
	/* max_seconds; the grace time */
	:: d_step { up && supervised != 0 && timeouts > 0 && !told[supervised] && alive[supervised] ->
		timeouts--; told[supervised] = true; fatal = true }
	:: d_step { up && supervised != 0 && told[supervised] && alive[supervised] && !killed[supervised] ->
		killed[supervised] = true }
	:: d_step { up && supervised != 0 && !alive[supervised] && line[supervised] == 0 -> conclude() }
	:: d_step { up && daemon_kills > 0 -> crash() }
	od
}

active proctype killer()
{
	do
	:: d_step { worker_kills > 0 && supervised != 0 && alive[supervised] && !killed[supervised] ->
		killed[supervised] = true; worker_kills-- }
	:: break
	od
}

active proctype client()
{
	byte wishes = WISHES;
	do
	:: atomic { wishes > 0 && up && exists -> wishes--;
		if
		/* cancel */
		:: status == queued || status == paused -> end_as(cancelled)
#ifdef FAULT_CANCEL
		:: status == running -> end_as(cancelled)
#else
		:: status == running -> status = cancelling; pausing = false
#endif
		/* pause */
		:: status == queued -> status = paused
		:: status == running && !pausing -> pausing = true
		/* resume */
		:: status == paused -> wait_again()
		:: status == running && pausing -> pausing = false
		/* retry */
		:: status == failed || status == cancelled -> ended = false; failures = 0; wait_again()
		/* delete */
		:: terminal -> exists = false
		:: else
		fi }
	:: break
	od;
	/* In the end everything that is paused is resumed. */
end:
	do
	:: atomic { up && exists && status == paused -> wait_again() }
	od
}

/* Time goes on where nothing else does: without it standing still would be no run, and fairness says nothing of none. */
active proctype clock()
{
	bool tick;
end:
	do
	:: tick = !tick
	od
}

#define settled (!exists || terminal)
ltl ends { <> [] settled }
