/* Everything one training run works on: the spec, its data, and the model with its trainer. */
#ifndef QLSTM_WORKER_JOB_H
#define QLSTM_WORKER_JOB_H

#include <jansson.h>

#include "schema/spec.h"
#include "server/worker/train/epoch_scores.h"

struct job {
	json_t *resolved; /* with columns bound */
	struct spec spec;
	struct table table;          /* the data in original units */
	char data_sha256[65];        /* of the file's bytes; of a built-in series' values as little-endian float64 */
	char fingerprint[65];        /* ties checkpoints to this job */
	struct windows windows;      /* of a forecasting */
	struct word_sequences words; /* of words */
	struct sequences texts;      /* of texts with tags or labels */
	struct streams streams;      /* of a language model */
	struct pairs pairs;          /* of translations */
	struct records records;      /* of any other task */
	struct samples samples;      /* of these */
	struct model *model;
	struct team *team;          /* NULL: one thread */
	struct epoch_scores scores; /* that the trainer asks for */
	struct trainer *trainer;
	double load_seconds;
	struct csv_options csv; /* what is said of the data's file */
	size_t completed;       /* missing values filled, or rows left out for them */
	bool borrows;           /* a fold: the table is another job's */
};

/* The file with the data. */
struct job_data {
	const char *path;
	const char *dialect; /* what is said of a CSV file (server/common/csv_json.h); NULL: nothing */
	const char *spool; /* folder in which a large packed one is unpacked (server/common/spool.h); NULL: in memory */
};

/* What a run is to be made of: the spec and its data, nothing built. With data_path NULL the spec names a built-in
 * series; one that names none is refused, or with `spec_alone` read without data (table.n_rows 0). As job_open. */
int job_read(struct job *job, const char *spec_path, const char *data_path, bool spec_alone, struct qlstm_error *error);
/* The same, with all that there is to say of the file. */
int job_read_as(struct job *job, const char *spec_path, const struct job_data *data, bool spec_alone,
                struct qlstm_error *error);

/* data_path NULL: the spec names a built-in series. Results do not depend on `threads`. On failure everything is freed
 * again; error->pointer points into the spec. */
int job_open(struct job *job, const char *spec_path, const char *data_path, int threads, struct qlstm_error *error);
/* The same, with all that there is to say of the file. */
int job_open_as(struct job *job, const char *spec_path, const struct job_data *data, int threads,
                struct qlstm_error *error);
void job_close(struct job *job);
/* The table and its hash alone, of a job whose `resolved` names the data set and whose `csv` says how it is read. */
int job_load(struct job *job, const struct job_data *data, struct qlstm_error *error);

/* Fold `index`, from 1, of a job whose spec has some: samples, model and trainer of its own; the table is the job's,
 * which outlives it. job_close it. */
int job_open_fold(struct job *fold, const struct job *job, int index, int threads, struct qlstm_error *error);

/* Continues from a checkpoint file. A failure leaves the job at its start. */
int job_resume(struct job *job, const char *path, struct qlstm_error *error);

/* How its texts are read, for the metadata of its weights (lexicon_json.h); NULL of other tasks, or out of memory. */
json_t *job_lexicon(const struct job *job);
/* How its columns were scaled. New reference, NULL when out of memory. */
json_t *job_scaling(const struct job *job);
/* Of real numbers, what a sample has of them: targets, of several horizons once for each (engine/data/windows.h). Where
 * "target" is said below, it is one of these. */
int job_width(const struct job *job);
/* Which horizon it is about where there are several; 0: there are not. */
int job_horizon(const struct job *job, int target);
/* Of a forecasting: its last rows (server/common/predict/last_window.h). New reference; NULL where there are none, or
 * more numbers than a file has of them; *failed: memory ran out. */
json_t *job_last_window(const struct job *job, bool *failed);
/* How target `target` was scaled. */
struct scaler job_target_scaler(const struct job *job, int target);
/* The row of the table that sample `index` predicts, or is; of several horizons that of the last one, or of the
 * target's. */
size_t job_row(const struct job *job, size_t index);
size_t job_target_row(const struct job *job, size_t index, int target);
/* The values of a target's column, of all rows, and its name. */
const double *job_target_values(const struct job *job, int target);
const char *job_target_name(const struct job *job, int target);
/* Of a forecasting: the target's last value that sample `index` may know, that of its window's last row. */
double job_last(const struct job *job, size_t index, int target);
/* Of a forecasting: the target's value `back` rows before the one that it is about; NaN where there is none. */
double job_before(const struct job *job, size_t index, int target, size_t back);
/* Sample `index` as the model has it, scaled: its inputs [steps * n_inputs], its targets; not of words. Borrowed. */
const double *job_inputs(const struct job *job, size_t index);
const double *job_targets(const struct job *job, size_t index);

/* The parts, in the order of the samples; those that are empty are not listed. Returns how many. */
#define JOB_MAX_PARTS 3
struct job_part {
	const char *name;
	size_t first, count; /* samples */
};
int job_parts(const struct job *job, struct job_part out[JOB_MAX_PARTS]);
/* The original-unit value, or the class, that sample `index` has for target `target`; not of words and tags. */
double job_truth(const struct job *job, size_t index, int target);

#endif
