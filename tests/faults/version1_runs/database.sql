-- A data folder as version 0.1.0 with database version 1 left it: killed while two runs of an uploaded data set had checkpoints.
PRAGMA application_id = 1902932852;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE artifact (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	name TEXT NOT NULL,                      -- weights, predictions, report
	file TEXT NOT NULL,                      -- path inside the experiment's folder
	bytes INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	PRIMARY KEY (experiment_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	epoch INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	file TEXT NOT NULL,                      -- name inside the attempt's folder
	sha256 TEXT NOT NULL,
	PRIMARY KEY (experiment_id, epoch)
) STRICT, WITHOUT ROWID;
INSERT INTO "checkpoint" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7',4,1,'checkpoint-4.safetensors','7db96d2c3ff0e267f9d2ce7cf6f9a0180d719e1aae9931bbf39e4c469ea959dd');
INSERT INTO "checkpoint" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7',5,1,'checkpoint-5.safetensors','64103d8eb5c16c9f2ddaac43355ed48ef8d9e3e98bf8f56a017a7f42ab368da8');
INSERT INTO "checkpoint" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',5,1,'checkpoint-5.safetensors','ba24a28d02ffcd0c78b5a1ecd76514b435edda3144b60881a12c35fcb569d4b9');
INSERT INTO "checkpoint" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',6,1,'checkpoint-6.safetensors','325141d691b18523c1938768dcc0b362413e3e17155a52e69641bc8d977887d8');
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
INSERT INTO "dataset" VALUES('01M8GVN6YP6TFK3VPYM9YTE75B','river','9f0c334ceff54208edaa022fb74e53992a260264a10c6717a492f27722308bca',520,30,'[{"name":"t","numeric":true},{"name":"level","numeric":true},{"name":"rain","numeric":true}]',1,1795862207446);
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
INSERT INTO "epoch_metric" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7',1,1,1.69149656232132916677e+00,4.20647108282542,1.67186132438643264563e+00,1.49110004713293164968e-04);
INSERT INTO "epoch_metric" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7',2,1,1.25142082256426157016e+00,3.87211526679187612032e+00,1.24744954152939979685e+00,1.13567999505903571844e-04);
INSERT INTO "epoch_metric" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7',3,1,1.36061810064193666747e+00,3.63380310070870082839e+00,1.01712260749530125636e+00,1.13313995825592428445e-04);
INSERT INTO "epoch_metric" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7',4,1,1.27557382159569465684e+00,3.46102362112119221748e+00,1.82473988263642,1.49065999721642583608e-04);
INSERT INTO "epoch_metric" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7',5,1,1.20211927383184979944e+00,3.27431178898047470227e+00,1.19591560579501465788e+00,1.02069003332871943712e-04);
INSERT INTO "epoch_metric" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7',6,1,1.2397622049891174889e+00,3.16044522520956938649e+00,1.29877982374043621227e+00,7.97567998233716934919e-04);
INSERT INTO "epoch_metric" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',1,1,0.732489450007855,0.477733271873259,7.29541933246937057688e-01,2.92689946945756673812e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',2,1,6.80002935088124260687e-01,4.98384123115618082877e-01,7.23349944632898145258e-01,2.91249962174333631992e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',3,1,6.54302799475194429845e-01,5.17741307341662349017e-01,7.21545347306593698455e-01,2.91289979941211640834e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',4,1,6.34032411924666861047e-01,5.35445646922747764406e-01,7.22450063341646409043e-01,2.90020034299232065677e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',5,1,6.15309903755210774178e-01,5.51769794158566417863e-01,7.25257719290024693847e-01,5.55820006411522626876e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',6,1,5.96852133296440490184e-01,5.66973326127848786804e-01,7.28955166076457938828e-01,2.57829960901290178298e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',7,1,5.82480165898172419502e-01,5.7495522792752806751e-01,8.33109931078487297995e-01,1.85399985639378428459e-05);
CREATE TABLE experiment (
	id TEXT PRIMARY KEY,                     -- ULID: made by the server, sorts by time
	status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'cancelling', 'succeeded', 'failed', 'cancelled')),
	reason TEXT,                             -- from the closed list in server/run/state.h; NULL unless the status has one
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
INSERT INTO "experiment" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7','running',NULL,NULL,1,6,0,0,4,3600.0,1795862207558,14,'two layers','rivers','["old"]','{"name":"two layers","project":"rivers","tags":["old"],"data":{"dataset":"01M8GVN6YP6TFK3VPYM9YTE75B","inputs":["level","rain"],"targets":["level"],"window":3,"horizon":1,"scaling":"standard","scaling_fit":"train","drop_last_window":true,"split":{"train":0.67}},"model":{"layers":[{"type":"qlstm","variant":"qdi","ansatz":"qdi","hidden_size":2,"n_qubits":2,"n_qlayers":1,"depth":1,"inversward":false,"bidirectional":false,"batch_first":true,"hadamard":true,"rotation":"Z","entangling":"basic","measure":"Y","angle_init":"uniform"},{"type":"lstm","hidden_size":2,"inversward":false,"bidirectional":true,"batch_first":true},{"type":"dense","units":1,"bias":true}]},"training":{"epochs":300,"batch_size":4,"shuffle":true,"loss":"mse","optimizer":{"type":"adam","learning_rate":0.01,"momentum":0,"alpha":0.99,"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"weight_decay":0},"clip_norm":1,"seed":7},"simulation":{"precision":"float64","plan":"auto"},"limits":{"max_seconds":3600,"max_attempts":4}}','{"parameters":133,"quantum":16,"classical":117}','{"dataset":"river","sha256":"9f0c334ceff54208edaa022fb74e53992a260264a10c6717a492f27722308bca","rows":30,"train":17,"test":9}','{"version":"0.1.0","plan":"batch","isa":"x86-64-v4","estimated_seconds":0.013577265}','01M8GVN6YP6TFK3VPYM9YTE75B',300,6,14298,1795862207666,1795862207558,1795862207578,1795862207578,NULL,1.2397622049891174889e+00,3.16044522520956938649e+00,3.16044522520956938649e+00,6,1.42469500133302062749e-03);
INSERT INTO "experiment" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS','running',NULL,NULL,1,7,0,0,3,3600.0,1795862207582,16,'chen2024','default','[]','{"name":"chen2024","project":"default","tags":[],"data":{"dataset":"01M8GVN6YP6TFK3VPYM9YTE75B","inputs":["level"],"targets":["rain"],"window":2,"horizon":1,"scaling":"minmax","scaling_fit":"train","drop_last_window":true,"split":{"train":0.67}},"model":{"layers":[{"type":"qlstm","variant":"chen2024","ansatz":"chen2024","hidden_size":1,"n_qubits":2,"n_qlayers":1,"depth":1,"inversward":false,"bidirectional":false,"batch_first":true,"hadamard":true,"rotation":"Y","entangling":"basic","measure":"Z","angle_init":"normal"},{"type":"dense","units":1,"bias":true}]},"training":{"epochs":300,"batch_size":10,"shuffle":false,"loss":"mae","optimizer":{"type":"rmsprop","learning_rate":0.01,"momentum":0,"alpha":0.99,"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"weight_decay":0.001},"clip_norm":0,"seed":1},"simulation":{"precision":"float64","plan":"auto"},"limits":{"max_seconds":3600,"max_attempts":3}}','{"parameters":10,"quantum":8,"classical":2}','{"dataset":"river","sha256":"9f0c334ceff54208edaa022fb74e53992a260264a10c6717a492f27722308bca","rows":30,"train":18,"test":9}','{"version":"0.1.0","plan":"local","isa":"x86-64-v4","estimated_seconds":0.0023109660000000002}','01M8GVN6YP6TFK3VPYM9YTE75B',300,7,14301,1795862207666,1795862207582,1795862207586,1795862207586,NULL,5.82480165898172419502e-01,5.7495522792752806751e-01,0.477733271873259,1,2.16429987631272524595e-04);
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
INSERT INTO "transition" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7',1,1795862207558,0,NULL,'queued',NULL,NULL);
INSERT INTO "transition" VALUES('01M8GVN726FDQ5K5R5J9XHB0Y7',2,1795862207578,1,'queued','running',NULL,NULL);
INSERT INTO "transition" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',1,1795862207582,0,NULL,'queued',NULL,NULL);
INSERT INTO "transition" VALUES('01M8GVN72Y6FM5BHEQS3F06JYS',2,1795862207586,1,'queued','running',NULL,NULL);
CREATE INDEX experiment_queue ON experiment (run_at, id) WHERE status = 'queued';
CREATE INDEX experiment_live ON experiment (status) WHERE status IN ('running', 'cancelling');
CREATE INDEX experiment_status ON experiment (status, id);
CREATE INDEX experiment_project ON experiment (project, id);
CREATE INDEX experiment_dataset ON experiment (dataset_id) WHERE dataset_id IS NOT NULL;
CREATE INDEX idempotency_age ON idempotency (created_at);
COMMIT;
