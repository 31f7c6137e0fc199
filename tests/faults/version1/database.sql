-- A data folder as version 0.1.0 with database version 1 left it when it was killed.
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
INSERT INTO "artifact" VALUES('01M8FWEEA60N78AQ8TWWPESQXF','predictions','attempt-1/predictions.csv',1046,'23f93a2f7071392094421361d68bf7bc20e93f96e62848170146fd7b1e63707c');
INSERT INTO "artifact" VALUES('01M8FWEEA60N78AQ8TWWPESQXF','report','attempt-1/report.json',1888,'49f895d3424ada8f76b418ebda52959746bcaad4b5fd14dbb3ab5476d0dd5a0c');
INSERT INTO "artifact" VALUES('01M8FWEEA60N78AQ8TWWPESQXF','weights','attempt-1/weights.safetensors',2248,'651a24fc5aaefbcfd0c4ab57bc4ad9674ad2b6befe0946f2f4c73df197e4c2d8');
INSERT INTO "artifact" VALUES('01M8FWEEBF9VX6RJWZPX65C9TV','predictions','attempt-1/predictions.csv',12311,'19c800c4be2cdcbc47949922ad875b8a4e79f33e36ea8c85289ee8222efe17ac');
INSERT INTO "artifact" VALUES('01M8FWEEBF9VX6RJWZPX65C9TV','report','attempt-1/report.json',1742,'379221f3e6921e83065952401e52f06de50f076364c43f042ce23812ec5d98e1');
INSERT INTO "artifact" VALUES('01M8FWEEBF9VX6RJWZPX65C9TV','weights','attempt-1/weights.safetensors',1936,'1ada52eb5dad24742e6a382e3f7dd64c014e79b0aefe5ad87455a98c5f509f92');
CREATE TABLE checkpoint (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	epoch INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	file TEXT NOT NULL,                      -- name inside the attempt's folder
	sha256 TEXT NOT NULL,
	PRIMARY KEY (experiment_id, epoch)
) STRICT, WITHOUT ROWID;
INSERT INTO "checkpoint" VALUES('01M8FWEEA60N78AQ8TWWPESQXF',1,1,'checkpoint-1.safetensors','fb3fe03c49eef2a51f42eefab1160790c0c4cee1dbabcfaa719cc1ce18763d2e');
INSERT INTO "checkpoint" VALUES('01M8FWEEA60N78AQ8TWWPESQXF',2,1,'checkpoint-2.safetensors','3d298c6421ab629fe278f9112d3e45c6f35de4c9d640e46aaf673c9cae78906d');
INSERT INTO "checkpoint" VALUES('01M8FWEEBF9VX6RJWZPX65C9TV',1,1,'checkpoint-1.safetensors','71447663957c1055978f8450b76511d93cbc776eff03419e9815f249e14153ac');
INSERT INTO "checkpoint" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',6,1,'checkpoint-6.safetensors','df9b391fc5daeed117299803f079beb9de85fcbbe0228c7eba5922b0903787e2');
INSERT INTO "checkpoint" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',7,1,'checkpoint-7.safetensors','bfb0e474654b2e87d65c2caf7a622854597227f832c203b32a11cec6f722cfe3');
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
INSERT INTO "dataset" VALUES('01M8FWEE46B3M71MDVJZHGRWS4','old','3bba76ea798e2a3ba04436a68599305ceac9b930c0822a1531bb66b8d9e2c655',285,30,'[{"name":"load","numeric":true},{"name":"temp","numeric":true}]',1,1795829479558);
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
INSERT INTO "epoch_metric" VALUES('01M8FWEEA60N78AQ8TWWPESQXF',1,1,5.96533651181076263192e-01,6.52866551044663800951e+00,1.63193595906168642528e+00,7.57140005589462816715e-05);
INSERT INTO "epoch_metric" VALUES('01M8FWEEA60N78AQ8TWWPESQXF',2,1,4.70933813547612545313e-01,6.23123975691616482919e+00,1.39346728439595235471e+00,3.77169999410398304462e-05);
INSERT INTO "epoch_metric" VALUES('01M8FWEEA60N78AQ8TWWPESQXF',3,1,4.3886591450571454942e-01,6.03868953135944153132e+00,1.37925452038329154902e+00,4.54390001323190517723e-05);
INSERT INTO "epoch_metric" VALUES('01M8FWEEBF9VX6RJWZPX65C9TV',1,1,1.02096085802724871117e+68,6.46880799646065471168e+73,5.07758208689657225889e+33,9.2161999418749473989e-05);
INSERT INTO "epoch_metric" VALUES('01M8FWEEBF9VX6RJWZPX65C9TV',2,1,3.73514561399239422676e+141,2.36658826102558328191e+147,3.07118639843305277215e+70,7.70460001149331219494e-05);
INSERT INTO "epoch_metric" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',1,1,1.97714412346972956413e-01,3.55869259373337507024e-02,3.87937690893601361263e-01,3.93870000152674037963e-04);
INSERT INTO "epoch_metric" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',2,1,1.33298858551791549187e-01,1.57727929678762660015e-02,3.97552940404730770218e-01,3.6477499997999984771e-04);
INSERT INTO "epoch_metric" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',3,1,9.57114803276873371551e-02,3.77767388466010572978e-02,5.317821664671811277e-01,3.71584999811602756381e-04);
INSERT INTO "epoch_metric" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',4,1,8.18818593451477866329e-02,1.69126475609946633205e-02,4.89213777386575288108e-01,3.76308000340941362082e-04);
INSERT INTO "epoch_metric" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',5,1,7.42334345830093084162e-02,1.23212040934940775943e-02,4.10276777096409750456e-01,2.27326000640459824353e-04);
INSERT INTO "epoch_metric" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',6,1,6.03770772127235899606e-02,1.34207908003183620793e-02,3.09675019033363474463e-01,2.34854999689559917896e-04);
INSERT INTO "epoch_metric" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',7,1,4.93820683377782926326e-02,1.43430550599220520829e-02,2.54597972439141562173e-01,2.08193000617029611021e-04);
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
INSERT INTO "experiment" VALUES('01M8FWEEA60N78AQ8TWWPESQXF','succeeded',NULL,NULL,1,3,0,0,3,3600.0,1795829479750,9,'done','default','[]','{"name":"done","project":"default","tags":[],"data":{"dataset":"01M8FWEE46B3M71MDVJZHGRWS4","inputs":["load","temp"],"targets":["temp"],"window":4,"horizon":1,"scaling":"minmax","scaling_fit":"train","drop_last_window":true,"split":{"train":0.67}},"model":{"layers":[{"type":"qlstm","variant":"qdi","ansatz":"qdi","hidden_size":1,"n_qubits":1,"n_qlayers":1,"depth":1,"inversward":false,"bidirectional":false,"batch_first":true,"hadamard":true,"rotation":"Z","entangling":"basic","measure":"Y","angle_init":"uniform"},{"type":"dense","units":1,"bias":true}]},"training":{"epochs":3,"batch_size":10,"shuffle":false,"loss":"mse","optimizer":{"type":"rmsprop","learning_rate":0.01,"momentum":0,"alpha":0.99,"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"weight_decay":0},"clip_norm":0,"seed":1},"simulation":{"precision":"float64","plan":"auto"},"limits":{"max_seconds":3600,"max_attempts":3}}','{"parameters":16,"quantum":8,"classical":8}','{"dataset":"old","sha256":"3bba76ea798e2a3ba04436a68599305ceac9b930c0822a1531bb66b8d9e2c655","rows":30,"train":16,"test":9}','{"version":"0.1.0","plan":"local","isa":"x86-64-v4","estimated_seconds":3.5166720000000005e-5}','01M8FWEE46B3M71MDVJZHGRWS4',3,3,NULL,NULL,1795829479750,1795829479778,1795829479778,1795829479903,4.3886591450571454942e-01,6.03868953135944153132e+00,6.03868953135944153132e+00,3,1.5887000063230516389e-04);
INSERT INTO "experiment" VALUES('01M8FWEEBF9VX6RJWZPX65C9TV','succeeded',NULL,NULL,1,2,0,0,3,3600.0,1795829479791,7,'failed','default','[]','{"name":"failed","project":"default","tags":[],"data":{"dataset":"damped_shm","inputs":["value"],"targets":["value"],"window":4,"horizon":1,"scaling":"minmax","scaling_fit":"train","drop_last_window":true,"split":{"train":0.67}},"model":{"layers":[{"type":"lstm","hidden_size":1,"inversward":false,"bidirectional":false,"batch_first":true},{"type":"dense","units":1,"bias":true}]},"training":{"epochs":2,"batch_size":10,"shuffle":false,"loss":"mse","optimizer":{"type":"sgd","learning_rate":100,"momentum":0,"alpha":0.99,"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"weight_decay":0},"clip_norm":0,"seed":1},"simulation":{"precision":"float64","plan":"auto"},"limits":{"max_seconds":3600,"max_attempts":3}}','{"parameters":18,"quantum":0,"classical":18}','{"dataset":"damped_shm","sha256":"a5d51387d838cfa261e3e18bc5b24fb6e8df7b5a7678b89f362e2402e542ac87","rows":240,"train":157,"test":78}','{"version":"0.1.0","plan":"none","isa":"x86-64-v4","estimated_seconds":0.00017285448000000004}',NULL,2,2,NULL,NULL,1795829479791,1795829479809,1795829479809,1795829479890,3.73514561399239422676e+141,2.36658826102558328191e+147,6.46880799646065471168e+73,1,1.69207999533682595938e-04);
INSERT INTO "experiment" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W','running',NULL,NULL,1,7,0,0,3,3600.0,1795829482862,17,'running','default','[]','{"name":"running","project":"default","tags":[],"data":{"dataset":"damped_shm","inputs":["value"],"targets":["value"],"window":4,"horizon":1,"scaling":"minmax","scaling_fit":"train","drop_last_window":true,"split":{"train":0.67}},"model":{"layers":[{"type":"qlstm","variant":"qdi","ansatz":"qdi","hidden_size":1,"n_qubits":2,"n_qlayers":1,"depth":1,"inversward":false,"bidirectional":false,"batch_first":true,"hadamard":true,"rotation":"Z","entangling":"basic","measure":"Y","angle_init":"uniform"},{"type":"dense","units":1,"bias":true}]},"training":{"epochs":400,"batch_size":10,"shuffle":true,"loss":"mse","optimizer":{"type":"adam","learning_rate":0.01,"momentum":0,"alpha":0.99,"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"weight_decay":0},"clip_norm":0,"seed":1},"simulation":{"precision":"float64","plan":"auto"},"limits":{"max_seconds":3600,"max_attempts":3}}','{"parameters":27,"quantum":16,"classical":11}','{"dataset":"damped_shm","sha256":"a5d51387d838cfa261e3e18bc5b24fb6e8df7b5a7678b89f362e2402e542ac87","rows":240,"train":157,"test":78}','{"version":"0.1.0","plan":"local","isa":"x86-64-v4","estimated_seconds":0.074094504}',NULL,400,7,6853,1795829483016,1795829482862,1795829482881,1795829482881,NULL,4.93820683377782926326e-02,1.43430550599220520829e-02,1.23212040934940775943e-02,5,2.1769120012322673574e-03);
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
INSERT INTO "transition" VALUES('01M8FWEEA60N78AQ8TWWPESQXF',1,1795829479750,0,NULL,'queued',NULL,NULL);
INSERT INTO "transition" VALUES('01M8FWEEA60N78AQ8TWWPESQXF',2,1795829479778,1,'queued','running',NULL,NULL);
INSERT INTO "transition" VALUES('01M8FWEEA60N78AQ8TWWPESQXF',3,1795829479903,1,'running','succeeded',NULL,NULL);
INSERT INTO "transition" VALUES('01M8FWEEBF9VX6RJWZPX65C9TV',1,1795829479791,0,NULL,'queued',NULL,NULL);
INSERT INTO "transition" VALUES('01M8FWEEBF9VX6RJWZPX65C9TV',2,1795829479809,1,'queued','running',NULL,NULL);
INSERT INTO "transition" VALUES('01M8FWEEBF9VX6RJWZPX65C9TV',3,1795829479890,1,'running','succeeded',NULL,NULL);
INSERT INTO "transition" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',1,1795829482862,0,NULL,'queued',NULL,NULL);
INSERT INTO "transition" VALUES('01M8FWEHBE7XC9E6XYV4XA1D3W',2,1795829482881,1,'queued','running',NULL,NULL);
CREATE INDEX experiment_queue ON experiment (run_at, id) WHERE status = 'queued';
CREATE INDEX experiment_live ON experiment (status) WHERE status IN ('running', 'cancelling');
CREATE INDEX experiment_status ON experiment (status, id);
CREATE INDEX experiment_project ON experiment (project, id);
CREATE INDEX experiment_dataset ON experiment (dataset_id) WHERE dataset_id IS NOT NULL;
CREATE INDEX idempotency_age ON idempotency (created_at);
COMMIT;
