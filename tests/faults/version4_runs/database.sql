-- A data folder as version 0.1.0 with database version 4 left it: killed while two runs of an uploaded data set had checkpoints.
PRAGMA application_id = 1902932852;
PRAGMA user_version = 4;
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
INSERT INTO "checkpoint" VALUES('01M8GVN9743T7K6T6FPYB1ERPE',2,1,'checkpoint-2.safetensors','1943ac05771aa330cdc3d51296275a65926b927ace8339e818e234e496c73b9f');
INSERT INTO "checkpoint" VALUES('01M8GVN9743T7K6T6FPYB1ERPE',3,1,'checkpoint-3.safetensors','44e8df99e2fd33340f0923802a9b0c1f2303fc3bd3d5c19124508caf66d4bc43');
INSERT INTO "checkpoint" VALUES('01M8GVN979F8WPSCSZQHRF1CA9',3,1,'checkpoint-3.safetensors','2bbe0cd7481d1eec74fbe0c45218ca26b29c72b6990deaf9d71650229d29f705');
INSERT INTO "checkpoint" VALUES('01M8GVN979F8WPSCSZQHRF1CA9',4,1,'checkpoint-4.safetensors','6bbc537daf983e026ca49187f6997e21943f11d51a280ca6cab3b456355dae20');
CREATE TABLE dataset (
	id TEXT PRIMARY KEY,                     -- ULID
	name TEXT NOT NULL UNIQUE,
	sha256 TEXT NOT NULL,
	bytes INTEGER NOT NULL,
	n_rows INTEGER NOT NULL,
	file TEXT NOT NULL,                      -- SHA256.csv, SHA256.npy.gz: the SHA-256 and the suffix of the kind
	kind TEXT NOT NULL,                      -- of the table in engine/data/kind.c: csv, npy, idx
	columns_json TEXT NOT NULL,              -- [{"name", "numeric"}], and where one that is not holds no number
	description_json TEXT NOT NULL,          -- what else there is to say, by kind: csv {"has_header"}, npy and idx {"dtype", "shape"}; packed {"compression"}
	created_at INTEGER NOT NULL
) STRICT;
INSERT INTO "dataset" VALUES('01M8GVN9694D7EHXBJGWWND8RD','river','9f0c334ceff54208edaa022fb74e53992a260264a10c6717a492f27722308bca',520,30,'9f0c334ceff54208edaa022fb74e53992a260264a10c6717a492f27722308bca.csv','csv','[{"name":"t","numeric":true},{"name":"level","numeric":true},{"name":"rain","numeric":true}]','{"has_header":true}',1795862209737);
CREATE TABLE epoch_metric (
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	epoch INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	metrics_json TEXT NOT NULL,              -- {"train_loss", "test_loss", "gradient_norm", ...}: what the epoch is measured by, a number or null each
	seconds REAL NOT NULL,
	PRIMARY KEY (experiment_id, epoch)
) STRICT, WITHOUT ROWID;
INSERT INTO "epoch_metric" VALUES('01M8GVN9743T7K6T6FPYB1ERPE',1,1,'{"train_loss":1.6914965623213292,"test_loss":4.20647108282542,"gradient_norm":1.6718613243864326}',4.40985000750515609979e-04);
INSERT INTO "epoch_metric" VALUES('01M8GVN9743T7K6T6FPYB1ERPE',2,1,'{"train_loss":1.2514208225642616,"test_loss":3.872115266791876,"gradient_norm":1.2474495415293998}',1.77872003405354917049e-04);
INSERT INTO "epoch_metric" VALUES('01M8GVN9743T7K6T6FPYB1ERPE',3,1,'{"train_loss":1.3606181006419367,"test_loss":3.633803100708701,"gradient_norm":1.0171226074953013}',1.24625003081746399402e-04);
INSERT INTO "epoch_metric" VALUES('01M8GVN9743T7K6T6FPYB1ERPE',4,1,'{"train_loss":1.2755738215956947,"test_loss":3.461023621121192,"gradient_norm":1.82473988263642}',8.27399999252520501613e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN979F8WPSCSZQHRF1CA9',1,1,'{"train_loss":0.732489450007855,"test_loss":0.477733271873259,"gradient_norm":0.7295419332469371}',3.5596000088844448328e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN979F8WPSCSZQHRF1CA9',2,1,'{"train_loss":0.6800029350881243,"test_loss":0.4983841231156181,"gradient_norm":0.7233499446328981}',4.57100031781010329723e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN979F8WPSCSZQHRF1CA9',3,1,'{"train_loss":0.6543027994751944,"test_loss":0.5177413073416623,"gradient_norm":0.7215453473065937}',3.33050047629512846469e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN979F8WPSCSZQHRF1CA9',4,1,'{"train_loss":0.6340324119246669,"test_loss":0.5354456469227478,"gradient_norm":0.7224500633416464}',2.72530014626681804656e-05);
INSERT INTO "epoch_metric" VALUES('01M8GVN979F8WPSCSZQHRF1CA9',5,1,'{"train_loss":0.6153099037552108,"test_loss":0.5517697941585664,"gradient_norm":0.7252577192900247}',2.15769978240132331848e-05);
CREATE TABLE event (
	id INTEGER PRIMARY KEY AUTOINCREMENT,    -- rises over all experiments, is never used again
	experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
	at INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	type TEXT NOT NULL,
	body_json TEXT NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,'01M8GVN9743T7K6T6FPYB1ERPE',1795862209764,0,'status','{"to":"queued"}');
INSERT INTO "event" VALUES(2,'01M8GVN9743T7K6T6FPYB1ERPE',1795862209765,1,'status','{"from":"queued","to":"running"}');
INSERT INTO "event" VALUES(3,'01M8GVN979F8WPSCSZQHRF1CA9',1795862209769,0,'status','{"to":"queued"}');
INSERT INTO "event" VALUES(4,'01M8GVN979F8WPSCSZQHRF1CA9',1795862209773,1,'status','{"from":"queued","to":"running"}');
INSERT INTO "event" VALUES(5,'01M8GVN9743T7K6T6FPYB1ERPE',1795862209801,1,'epoch','{"epoch":1,"train_loss":1.6914965623213292,"test_loss":4.20647108282542,"gradient_norm":1.6718613243864326,"seconds":0.0004409850007505156}');
INSERT INTO "event" VALUES(6,'01M8GVN979F8WPSCSZQHRF1CA9',1795862209801,1,'epoch','{"epoch":1,"train_loss":0.732489450007855,"test_loss":0.477733271873259,"gradient_norm":0.7295419332469371,"seconds":3.559600008884445e-5}');
INSERT INTO "event" VALUES(7,'01M8GVN979F8WPSCSZQHRF1CA9',1795862209918,1,'epoch','{"epoch":2,"train_loss":0.6800029350881243,"test_loss":0.4983841231156181,"gradient_norm":0.7233499446328981,"seconds":4.571000317810103e-5}');
INSERT INTO "event" VALUES(8,'01M8GVN9743T7K6T6FPYB1ERPE',1795862209919,1,'epoch','{"epoch":2,"train_loss":1.2514208225642616,"test_loss":3.872115266791876,"gradient_norm":1.2474495415293998,"seconds":0.00017787200340535492}');
INSERT INTO "event" VALUES(9,'01M8GVN979F8WPSCSZQHRF1CA9',1795862209935,1,'epoch','{"epoch":3,"train_loss":0.6543027994751944,"test_loss":0.5177413073416623,"gradient_norm":0.7215453473065937,"seconds":3.3305004762951285e-5}');
INSERT INTO "event" VALUES(10,'01M8GVN9743T7K6T6FPYB1ERPE',1795862209935,1,'epoch','{"epoch":3,"train_loss":1.3606181006419367,"test_loss":3.633803100708701,"gradient_norm":1.0171226074953013,"seconds":0.0001246250030817464}');
INSERT INTO "event" VALUES(11,'01M8GVN979F8WPSCSZQHRF1CA9',1795862209936,1,'epoch','{"epoch":4,"train_loss":0.6340324119246669,"test_loss":0.5354456469227478,"gradient_norm":0.7224500633416464,"seconds":2.725300146266818e-5}');
INSERT INTO "event" VALUES(12,'01M8GVN9743T7K6T6FPYB1ERPE',1795862209937,1,'epoch','{"epoch":4,"train_loss":1.2755738215956947,"test_loss":3.461023621121192,"gradient_norm":1.82473988263642,"seconds":8.273999992525205e-5}');
INSERT INTO "event" VALUES(13,'01M8GVN979F8WPSCSZQHRF1CA9',1795862209946,1,'epoch','{"epoch":5,"train_loss":0.6153099037552108,"test_loss":0.5517697941585664,"gradient_norm":0.7252577192900247,"seconds":2.1576997824013233e-5}');
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
	best_test_loss REAL, best_epoch INTEGER, -- the epoch with the smallest test loss
	train_seconds REAL NOT NULL DEFAULT 0,   -- sum over epochs
	metrics_json TEXT NOT NULL DEFAULT '{}'  -- of the last epoch done, as in epoch_metric
) STRICT;
INSERT INTO "experiment" VALUES('01M8GVN9743T7K6T6FPYB1ERPE','running',NULL,NULL,1,4,0,0,4,3600.0,1795862209764,10,'two layers','rivers','["old"]','{"name":"two layers","project":"rivers","tags":["old"],"data":{"dataset":"01M8GVN9694D7EHXBJGWWND8RD","task":"forecasting","inputs":["level","rain"],"targets":["level"],"window":3,"horizon":1,"scaling":"standard","scaling_fit":"train","drop_last_window":true,"split":{"train":0.67}},"model":{"layers":[{"type":"qlstm","variant":"qdi","ansatz":"qdi","hidden_size":2,"n_qubits":2,"n_qlayers":1,"depth":1,"inversward":false,"bidirectional":false,"batch_first":true,"hadamard":true,"rotation":"Z","entangling":"basic","measure":"Y","angle_init":"uniform"},{"type":"lstm","hidden_size":2,"inversward":false,"bidirectional":true,"batch_first":true},{"type":"dense","units":1,"bias":true}]},"training":{"epochs":300,"batch_size":4,"shuffle":true,"loss":"mse","optimizer":{"type":"adam","learning_rate":0.01,"momentum":0,"alpha":0.99,"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"weight_decay":0},"clip_norm":1,"seed":7},"simulation":{"precision":"float64","plan":"auto"},"limits":{"max_seconds":3600,"max_attempts":4}}','{"parameters":133,"quantum":16,"classical":117}','{"dataset":"river","sha256":"9f0c334ceff54208edaa022fb74e53992a260264a10c6717a492f27722308bca","rows":30,"train":17,"test":9}','{"version":"0.1.0","plan":"batch","isa":"x86-64-v4","estimated_seconds":0.013577265}','01M8GVN9694D7EHXBJGWWND8RD',300,4,14541,1795862209937,1795862209764,1795862209765,1795862209765,NULL,3.46102362112119221748e+00,4,0.000826222007162869,'{"train_loss":1.2755738215956947,"test_loss":3.461023621121192,"gradient_norm":1.82473988263642}');
INSERT INTO "experiment" VALUES('01M8GVN979F8WPSCSZQHRF1CA9','running',NULL,NULL,1,5,0,0,3,3600.0,1795862209769,12,'chen2024','default','[]','{"name":"chen2024","project":"default","tags":[],"data":{"dataset":"01M8GVN9694D7EHXBJGWWND8RD","task":"forecasting","inputs":["level"],"targets":["rain"],"window":2,"horizon":1,"scaling":"minmax","scaling_fit":"train","drop_last_window":true,"split":{"train":0.67}},"model":{"layers":[{"type":"qlstm","variant":"chen2024","ansatz":"chen2024","hidden_size":1,"n_qubits":2,"n_qlayers":1,"depth":1,"inversward":false,"bidirectional":false,"batch_first":true,"hadamard":true,"rotation":"Y","entangling":"basic","measure":"Z","angle_init":"normal"},{"type":"dense","units":1,"bias":true}]},"training":{"epochs":300,"batch_size":10,"shuffle":false,"loss":"mae","optimizer":{"type":"rmsprop","learning_rate":0.01,"momentum":0,"alpha":0.99,"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"weight_decay":0.001},"clip_norm":0,"seed":1},"simulation":{"precision":"float64","plan":"auto"},"limits":{"max_seconds":3600,"max_attempts":3}}','{"parameters":10,"quantum":8,"classical":2}','{"dataset":"river","sha256":"9f0c334ceff54208edaa022fb74e53992a260264a10c6717a492f27722308bca","rows":30,"train":18,"test":9}','{"version":"0.1.0","plan":"local","isa":"x86-64-v4","estimated_seconds":0.0023109660000000002}','01M8GVN9694D7EHXBJGWWND8RD',300,5,14540,1795862209946,1795862209769,1795862209773,1795862209773,NULL,0.477733271873259,1,1.63441007316578179597e-04,'{"train_loss":0.6153099037552108,"test_loss":0.5517697941585664,"gradient_norm":0.7252577192900247}');
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
INSERT INTO "transition" VALUES('01M8GVN9743T7K6T6FPYB1ERPE',1,1795862209764,0,NULL,'queued',NULL,NULL);
INSERT INTO "transition" VALUES('01M8GVN9743T7K6T6FPYB1ERPE',2,1795862209765,1,'queued','running',NULL,NULL);
INSERT INTO "transition" VALUES('01M8GVN979F8WPSCSZQHRF1CA9',1,1795862209769,0,NULL,'queued',NULL,NULL);
INSERT INTO "transition" VALUES('01M8GVN979F8WPSCSZQHRF1CA9',2,1795862209773,1,'queued','running',NULL,NULL);
CREATE INDEX experiment_queue ON experiment (run_at, id) WHERE status = 'queued';
CREATE INDEX experiment_live ON experiment (status) WHERE status IN ('running', 'cancelling');
CREATE INDEX experiment_status ON experiment (status, id);
CREATE INDEX experiment_project ON experiment (project, id);
CREATE INDEX experiment_dataset ON experiment (dataset_id) WHERE dataset_id IS NOT NULL;
CREATE INDEX event_experiment ON event (experiment_id, id);
CREATE INDEX idempotency_age ON idempotency (created_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('event',13);
COMMIT;
