-- What the writer's connection keeps beside the database while it is open: in memory, gone when it closes. It follows
-- every change of a status, whoever makes it, and is undone with it (savepoints and rollbacks hold here too).

-- How many experiments have a status.
CREATE TEMP TABLE status_tally (
	status TEXT PRIMARY KEY,
	n INTEGER NOT NULL
) WITHOUT ROWID;

-- Changes that server/store/queue_order.c has not read yet. *_due: the time by which the row is ordered in the queue.
CREATE TEMP TABLE status_change (
	seq INTEGER PRIMARY KEY,
	id TEXT NOT NULL,
	from_status TEXT, from_due INTEGER,      -- NULL for a new row
	to_status TEXT, to_due INTEGER           -- NULL for a deleted one
);

CREATE TEMP TRIGGER experiment_inserted AFTER INSERT ON main.experiment BEGIN
	INSERT INTO status_tally VALUES (NEW.status, 1) ON CONFLICT (status) DO UPDATE SET n = n + 1;
	INSERT INTO status_change (id, to_status, to_due) VALUES (NEW.id, NEW.status, NEW.run_at);
END;

CREATE TEMP TRIGGER experiment_changed AFTER UPDATE OF status, run_at ON main.experiment
WHEN OLD.status <> NEW.status OR (NEW.status = 'queued' AND OLD.run_at <> NEW.run_at) BEGIN
	UPDATE status_tally SET n = n - 1 WHERE status = OLD.status;
	INSERT INTO status_tally VALUES (NEW.status, 1) ON CONFLICT (status) DO UPDATE SET n = n + 1;
	INSERT INTO status_change (id, from_status, from_due, to_status, to_due)
		VALUES (NEW.id, OLD.status, OLD.run_at, NEW.status, NEW.run_at);
END;

CREATE TEMP TRIGGER experiment_deleted AFTER DELETE ON main.experiment BEGIN
	UPDATE status_tally SET n = n - 1 WHERE status = OLD.status;
	INSERT INTO status_change (id, from_status, from_due) VALUES (OLD.id, OLD.status, OLD.run_at);
END;

INSERT INTO status_tally SELECT status, count(*) FROM experiment GROUP BY status;
INSERT INTO status_change (id, to_status, to_due)
	SELECT id, status, run_at FROM experiment WHERE status = 'queued' ORDER BY run_at, id;
