-- The database of qlstmd: queue, history, metadata. One process opens it and one connection writes (server/store).
-- Weights and other large things are files under DATA/runs and DATA/datasets; rows name them with their SHA-256.
-- To change it: raise user_version below and add a step to the migrations in server/store/migrate.c.
-- Times are integers, milliseconds since 1970-01-01 UTC. Text that holds JSON is named *_json.

PRAGMA application_id = 0x716c7374; -- "qlst"
PRAGMA user_version = 9;

-- An experiment: what was asked, where it stands, what came out. (id, attempt) is the fencing token: a worker's
-- report changes a row only while the row is running that very attempt.
CREATE TABLE experiment (
	id TEXT PRIMARY KEY,                     -- ULID: made by the server, sorts by time
	status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'cancelling', 'succeeded', 'failed', 'cancelled')),
	reason TEXT,                             -- from the closed list in server/common/status.h; NULL unless the status has one
	reason_message TEXT,                     -- one sentence for people
	attempt INTEGER NOT NULL DEFAULT 0,      -- how often it was claimed
	attempt_epochs INTEGER NOT NULL DEFAULT 0, -- epochs that the current attempt has finished
	failures INTEGER NOT NULL DEFAULT 0,     -- attempts that ended by a fault of their own (run/README.md says which)
	daemon_failures INTEGER NOT NULL DEFAULT 0, -- times in a row that the daemon died before a first epoch was done
	max_attempts INTEGER NOT NULL,
	max_seconds REAL NOT NULL,               -- wall time of one attempt
	run_at INTEGER NOT NULL,                 -- the queue's order: when it was posted, resumed or retried; a priority is earlier
	not_before INTEGER NOT NULL DEFAULT 0,   -- queued, in a back-off: not claimed before this time; 0: in none
	max_running INTEGER NOT NULL DEFAULT 0,  -- not claimed while so many of its owner run: the limit of its key; 0: none
	version INTEGER NOT NULL DEFAULT 1,      -- raised by every change of the row; the ETag
	name TEXT NOT NULL,
	project TEXT NOT NULL,
	tags_json TEXT NOT NULL,
	notes TEXT NOT NULL DEFAULT '',
	spec_json TEXT NOT NULL,                 -- resolved: posting it again gives the same run
	model_json TEXT NOT NULL,                -- {"parameters", "quantum", "classical"}
	data_json TEXT NOT NULL,                 -- {"dataset", "sha256", "train", "test"}
	engine_json TEXT NOT NULL,               -- {"version", "plan", "isa", "estimated_seconds", "estimated_bytes"}
	dataset_id TEXT REFERENCES dataset (id), -- NULL for a built-in series
	init_id TEXT,                            -- the experiment or data set whose weights it starts from; NULL: its seed
	owner TEXT NOT NULL DEFAULT '',          -- that of the key it was made with (server/access); empty without a key
	epochs INTEGER NOT NULL,                 -- asked for
	epoch INTEGER NOT NULL DEFAULT 0,        -- done
	worker_pid INTEGER,                      -- of the current attempt, while it runs
	heartbeat_at INTEGER,                    -- the last line the worker wrote
	created_at INTEGER NOT NULL,
	started_at INTEGER,                      -- of the first attempt
	attempt_started_at INTEGER,              -- of the current attempt
	finished_at INTEGER,
	best_test_loss REAL, best_epoch INTEGER, -- the epoch with the smallest validation loss where it has one, else test loss, and that
	train_seconds REAL NOT NULL DEFAULT 0,   -- sum over epochs
	metrics_json TEXT NOT NULL DEFAULT '{}'  -- of the last epoch done, as in epoch_metric
) STRICT;
CREATE INDEX experiment_queue ON experiment (run_at, id) WHERE status = 'queued' AND not_before = 0;
CREATE INDEX experiment_owner_queue ON experiment (owner, run_at, id) WHERE status = 'queued' AND not_before = 0;
CREATE INDEX experiment_backoff ON experiment (not_before) WHERE status = 'queued' AND not_before > 0;
CREATE INDEX experiment_live ON experiment (status) WHERE status IN ('running', 'cancelling');
CREATE INDEX experiment_status ON experiment (status, id);
CREATE INDEX experiment_project ON experiment (project, id);
-- What one owner sees. Nothing is in them while there are no keys.
CREATE INDEX experiment_owner ON experiment (owner, id) WHERE owner <> '';
CREATE INDEX experiment_owner_status ON experiment (owner, status, id) WHERE owner <> '';
CREATE INDEX experiment_owner_project ON experiment (owner, project, id) WHERE owner <> '';
CREATE INDEX experiment_dataset ON experiment (dataset_id) WHERE dataset_id IS NOT NULL;
CREATE INDEX experiment_init ON experiment (init_id) WHERE init_id IS NOT NULL;

-- One row an epoch. A run taken up again from a checkpoint rewrites the same rows with the same numbers.
CREATE TABLE epoch_metric (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	epoch INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	metrics_json TEXT NOT NULL,              -- {"train_loss", "test_loss", "gradient_norm", ...}: what the epoch is measured by, a number or null each
	seconds REAL NOT NULL,
	PRIMARY KEY (experiment_id, epoch)
) STRICT, WITHOUT ROWID;

-- A checkpoint on disk that an attempt may resume from. The two newest of an experiment are kept.
CREATE TABLE checkpoint (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	epoch INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	file TEXT NOT NULL,                      -- name inside the attempt's folder
	sha256 TEXT NOT NULL,
	PRIMARY KEY (experiment_id, epoch)
) STRICT, WITHOUT ROWID;

-- A result file of an experiment that succeeded, or ended early with what it had by then; registered in the transaction that
-- ended it.
CREATE TABLE artifact (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	name TEXT NOT NULL,                      -- weights, predictions, report, tensorboard; weights_best or weights_last where that epoch is another one
	file TEXT NOT NULL,                      -- path inside the experiment's folder
	bytes INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	PRIMARY KEY (experiment_id, name)
) STRICT, WITHOUT ROWID;

-- What happened, in order: one row for each change of status.
CREATE TABLE transition (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	seq INTEGER NOT NULL,                    -- from 1, without gaps
	at INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	from_status TEXT,                        -- NULL for the first
	to_status TEXT NOT NULL,
	reason TEXT,
	message TEXT,
	PRIMARY KEY (experiment_id, seq)
) STRICT, WITHOUT ROWID;

-- Everything that happened to an experiment, in order, for those who watch it. Rows are only ever added. An epoch done
-- again after a resume is no second event. type and body_json: status {"from", "to", "reason", "message"}; epoch {"epoch",
-- "train_loss" and the other metrics, "seconds"}; log {"level", "message"}.
CREATE TABLE event (
	id INTEGER PRIMARY KEY AUTOINCREMENT,    -- rises over all experiments, is never used again
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	at INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	type TEXT NOT NULL,
	body_json TEXT NOT NULL
) STRICT;
CREATE INDEX event_experiment ON event (experiment_id, id);

-- An uploaded data set. The bytes, as they came, are DATA/datasets/FILE.
CREATE TABLE dataset (
	id TEXT PRIMARY KEY,                     -- ULID
	name TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	bytes INTEGER NOT NULL,
	n_rows INTEGER NOT NULL,
	file TEXT NOT NULL,                      -- SHA256.csv, SHA256.npy.gz: the SHA-256 and the suffix of the kind
	kind TEXT NOT NULL,                      -- of the table in engine/data/kind.c: csv, npy, idx, safetensors
	columns_json TEXT NOT NULL,              -- [{"name", "numeric"}], and where one that is not holds no number
	description_json TEXT NOT NULL,          -- what else there is to say, by kind: csv {"has_header"}, npy and idx {"dtype", "shape"}; packed {"compression"}
	created_at INTEGER NOT NULL,
	owner TEXT NOT NULL DEFAULT '',          -- as in experiment; two owners may give the same name
	UNIQUE (name, owner)
) STRICT;
CREATE INDEX dataset_owner ON dataset (owner, id);
CREATE INDEX dataset_file ON dataset (file);

-- A POST that carried an Idempotency-Key, in the transaction that made the experiment; kept for at least
-- 24 hours in which the daemon ran, or 30 days. created_at does not follow a wall clock that is set meanwhile.
CREATE TABLE idempotency (
	owner TEXT NOT NULL,                     -- as in experiment: two owners may use the same key
	key TEXT NOT NULL,
	body_sha256 TEXT NOT NULL,
	experiment_id TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);

-- An experiment that was deleted and whose folder may still be there: without a row of its own here, a folder without
-- an experiment could as well be what is left of a lost one. Removed with the folder.
CREATE TABLE deletion (
	experiment_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
