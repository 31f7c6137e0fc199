-- A data folder as version 0.1.0 with database version 2 left it.
PRAGMA application_id = 1902932852;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE artifact (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	name TEXT NOT NULL,                      -- weights, predictions, report
	file TEXT NOT NULL,                      -- path inside the experiment's folder
	bytes INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	PRIMARY KEY (experiment_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "artifact" VALUES('01M8G4K77J2266JGMCEPZGKXK9','predictions','attempt-1/predictions.csv',233,'6d6a7ba1de718efb41e63d67eb6daacb3c921bc00d9d4aed4dfa82810686e31d');
INSERT INTO "artifact" VALUES('01M8G4K77J2266JGMCEPZGKXK9','report','attempt-1/report.json',1697,'89a28380401266e89619d1203796e3e61d45c1623e3b112829abea55d47d95a3');
INSERT INTO "artifact" VALUES('01M8G4K77J2266JGMCEPZGKXK9','weights','attempt-1/weights.safetensors',2280,'850eb50a4dc24f26b3188ea5c8343cafbec88732ba56d99a70b4841946a9c287');
CREATE TABLE checkpoint (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	epoch INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	file TEXT NOT NULL,                      -- name inside the attempt's folder
	sha256 TEXT NOT NULL,
	PRIMARY KEY (experiment_id, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE dataset (
	id TEXT PRIMARY KEY,                     -- ULID
	name TEXT NOT NULL UNIQUE,
	sha256 TEXT NOT NULL,
	bytes INTEGER NOT NULL,
	n_rows INTEGER NOT NULL,
	columns_json TEXT NOT NULL,              -- [{"name", "numeric"}]
	has_header INTEGER NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;
INSERT INTO "dataset" VALUES('01M8G4K76HBMF8QVSPQRNP7HSM','old','abb1d1fc79d02b4ce45d87db80eb104c8fb26fc99eab4e1157d3a706205259ce',101,12,'[{"name":"t","numeric":true},{"name":"value","numeric":true},{"name":"note","numeric":false,"bad_line":2,"bad_text":"n0"}]',1,1795838024913);
INSERT INTO "dataset" VALUES('01M8G4K76Y32QX0V5SK6ARBW4C','bare','c16968c3a6eb0316ea762db3c35cfa420dfc0952cde7db2a33e2828375725f82',16,8,'[{"name":"column_0","numeric":true}]',0,1795838024926);
CREATE TABLE epoch_metric (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	epoch INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	train_loss REAL NOT NULL,
	test_loss REAL,                          -- NULL without test data
	gradient_norm REAL,                      -- mean over batches, before clipping
	seconds REAL NOT NULL,
	PRIMARY KEY (experiment_id, epoch)
) STRICT, WITHOUT ROWID;
INSERT INTO "epoch_metric" VALUES('01M8G4K77J2266JGMCEPZGKXK9',1,1,5.86193746512700064599e-01,5.32209379935960513741e-01,5.10367720776150779471e-01,6.74670009175315499305e-05);
INSERT INTO "epoch_metric" VALUES('01M8G4K77J2266JGMCEPZGKXK9',2,1,5.55820145454047231936e-01,4.77080318431535588263e-01,1.99577402440295342822e-01,2.4117000066326e-05);
CREATE TABLE event (
	id INTEGER PRIMARY KEY AUTOINCREMENT,    -- rises over all experiments, is never used again
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	at INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	type TEXT NOT NULL,
	body_json TEXT NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,'01M8G4K77J2266JGMCEPZGKXK9',1795838024946,0,'status','{"to":"queued"}');
INSERT INTO "event" VALUES(2,'01M8G4K77J2266JGMCEPZGKXK9',1795838024954,1,'status','{"from":"queued","to":"running"}');
INSERT INTO "event" VALUES(3,'01M8G4K77J2266JGMCEPZGKXK9',1795838024978,1,'epoch','{"epoch":1,"train_loss":0.5861937465127001,"test_loss":0.5322093799359605,"gradient_norm":0.5103677207761508,"seconds":6.746700091753155e-5}');
INSERT INTO "event" VALUES(4,'01M8G4K77J2266JGMCEPZGKXK9',1795838024978,1,'epoch','{"epoch":2,"train_loss":0.5558201454540472,"test_loss":0.4770803184315356,"gradient_norm":0.19957740244029534,"seconds":2.4117000066326e-5}');
INSERT INTO "event" VALUES(5,'01M8G4K77J2266JGMCEPZGKXK9',1795838024986,1,'status','{"from":"running","to":"succeeded"}');
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
	run_at INTEGER NOT NULL,                 -- not claimed before this time (back-off after a crash)
	version INTEGER NOT NULL DEFAULT 1,      -- raised by every change of the row; the ETag
	name TEXT NOT NULL,
	project TEXT NOT NULL,
	tags_json TEXT NOT NULL,
	spec_json TEXT NOT NULL,                 -- resolved: posting it again gives the same run
	model_json TEXT NOT NULL,                -- {"parameters", "quantum", "classical"}
	data_json TEXT NOT NULL,                 -- {"dataset", "sha256", "train", "test"}
	engine_json TEXT NOT NULL,               -- {"version", "plan", "isa"}
	dataset_id TEXT REFERENCES dataset (id), -- NULL for a built-in series
	epochs INTEGER NOT NULL,                 -- asked for
	epoch INTEGER NOT NULL DEFAULT 0,        -- done
	worker_pid INTEGER,                      -- of the current attempt, while it runs
	heartbeat_at INTEGER,                    -- the last line the worker wrote
	created_at INTEGER NOT NULL,
	started_at INTEGER,                      -- of the first attempt
	attempt_started_at INTEGER,              -- of the current attempt
	finished_at INTEGER,
	train_loss REAL, test_loss REAL,         -- of the last epoch done
	best_test_loss REAL, best_epoch INTEGER, -- the epoch with the smallest test loss
	train_seconds REAL NOT NULL DEFAULT 0    -- sum over epochs
) STRICT;
INSERT INTO "experiment" VALUES('01M8G4K77J2266JGMCEPZGKXK9','succeeded',NULL,NULL,1,2,0,0,3,3600.0,1795838024946,6,'done','default','[]','{"name":"done","project":"default","tags":[],"data":{"dataset":"01M8G4K76HBMF8QVSPQRNP7HSM","inputs":["value"],"targets":["value"],"window":4,"horizon":1,"scaling":"minmax","scaling_fit":"train","drop_last_window":true,"split":{"train":0.67}},"model":{"layers":[{"type":"qlstm","variant":"qdi","ansatz":"qdi","hidden_size":1,"n_qubits":2,"n_qlayers":1,"depth":1,"inversward":false,"bidirectional":false,"batch_first":true,"hadamard":true,"rotation":"Z","entangling":"basic","measure":"Y","angle_init":"uniform"},{"type":"dense","units":1,"bias":true}]},"training":{"epochs":2,"batch_size":10,"shuffle":false,"loss":"mse","optimizer":{"type":"rmsprop","learning_rate":0.01,"momentum":0,"alpha":0.99,"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"weight_decay":0},"clip_norm":0,"seed":1},"simulation":{"precision":"float64","plan":"auto"},"limits":{"max_seconds":3600,"max_attempts":3}}','{"parameters":27,"quantum":16,"classical":11}','{"dataset":"old","sha256":"abb1d1fc79d02b4ce45d87db80eb104c8fb26fc99eab4e1157d3a706205259ce","rows":12,"train":4,"test":3}','{"version":"0.1.0","plan":"local","isa":"x86-64-v4","estimated_seconds":1.0122200000000001e-5}','01M8G4K76HBMF8QVSPQRNP7HSM',2,2,NULL,NULL,1795838024946,1795838024954,1795838024954,1795838024986,5.55820145454047231936e-01,4.77080318431535588263e-01,4.77080318431535588263e-01,2,9.15840009838575497269e-05);
CREATE TABLE idempotency (
	key TEXT PRIMARY KEY,
	body_sha256 TEXT NOT NULL,
	experiment_id TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
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
INSERT INTO "transition" VALUES('01M8G4K77J2266JGMCEPZGKXK9',1,1795838024946,0,NULL,'queued',NULL,NULL);
INSERT INTO "transition" VALUES('01M8G4K77J2266JGMCEPZGKXK9',2,1795838024954,1,'queued','running',NULL,NULL);
INSERT INTO "transition" VALUES('01M8G4K77J2266JGMCEPZGKXK9',3,1795838024986,1,'running','succeeded',NULL,NULL);
CREATE INDEX experiment_queue ON experiment (run_at, id) WHERE status = 'queued';
CREATE INDEX experiment_live ON experiment (status) WHERE status IN ('running', 'cancelling');
CREATE INDEX experiment_status ON experiment (status, id);
CREATE INDEX experiment_project ON experiment (project, id);
CREATE INDEX experiment_dataset ON experiment (dataset_id) WHERE dataset_id IS NOT NULL;
CREATE INDEX event_experiment ON event (experiment_id, id);
CREATE INDEX idempotency_age ON idempotency (created_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('event',5);
COMMIT;
