/* The memory that an experiment will take, by what it is taken for. */
#include "engine/train/pass.h"
#include "schema/task.h"
#include "server/common/cost.h"

/* The program, its libraries, and what every run has: measured, of an LSTM with 166 parameters. */
#define PROCESS_BYTES ((size_t)5 << 20)
/* Of counts of pairs and triples of tokens (engine/language/ngram.h), a token: running text has about two different
 * triples and one different pair in three tokens. */
#define NGRAM_BYTES 12
/* Texts and words between two calls of the progress function, when all are predicted. */
enum { CHUNK = 64 };

struct counts {
	size_t steps, outputs, batch; /* of a window; outputs a step */
	size_t windows, tokens;
};

static struct counts count(const struct spec *spec, struct cost_windows w)
{
	struct counts c = {.steps = (size_t)spec_steps(spec),
	                   .outputs = (size_t)spec->model.n_outputs,
	                   .batch = (size_t)spec->training.batch_size,
	                   .windows = w.train + w.test};
	/* Where texts were not counted: as if all were as long as the longest that is read. */
	c.tokens = w.tokens > 0 ? w.tokens : c.windows * c.steps;
	return c;
}

/* Of texts the numbers of tokens and tags, of words bytes, of everything else numbers; and the order of the batches. */
static size_t samples_bytes(const struct spec *spec, struct cost_windows w)
{
	const struct counts c = count(spec, w);
	size_t order = 2 * w.train * sizeof(size_t), numbers = (size_t)spec->model.n_inputs * c.steps;
	if (spec->task == TASK_WORDS)
		return order + 3 * c.windows * (c.steps + 1);
	if (spec->task == TASK_LANGUAGE_MODEL)
		return order + c.tokens * sizeof(int32_t);
	if (task_has_texts(spec->task))
		return order + c.tokens * (spec->task == TASK_TAGGING ? 2 : 1) * sizeof(int32_t) +
		       2 * c.windows * sizeof(size_t);
	bool classes = spec->task == TASK_CLASSIFICATION;
	return order + c.windows * (numbers + (classes ? 1 : c.outputs)) * sizeof(double);
}

/* What is said in an epoch, kept for scores in the units of the data: of targets that are numbers. */
static size_t scored_bytes(const struct spec *spec, struct cost_windows w)
{
	const struct counts c = count(spec, w);
	size_t test = w.test > c.batch ? w.test : c.batch, most = w.train > w.test ? w.train : w.test;
	if (c.windows == 0 || (spec->task != TASK_FORECASTING && spec->task != TASK_REGRESSION))
		return 0;
	return ((w.train + test) * c.outputs + 3 * most) * sizeof(double);
}

/* Of all that is predicted at the end. */
static size_t predicted_bytes(const struct spec *spec, struct cost_windows w)
{
	const struct counts c = count(spec, w);
	size_t numbers = c.windows * c.outputs;
	if (spec->task == TASK_WORDS)
		numbers = c.windows * c.steps * (c.outputs + 1);
	if (spec->task == TASK_TAGGING)
		numbers = 4 * c.tokens;
	if (spec->task == TASK_LANGUAGE_MODEL)
		numbers = 3 * w.test * c.steps;
	if (spec->task == TASK_TRANSLATION)
		numbers = w.test * (3 + c.steps);
	return numbers * sizeof(double);
}

/* What the model says of a piece of it; of a running text of a whole batch. */
static size_t piece_bytes(const struct spec *spec, struct cost_windows w)
{
	const struct counts c = count(spec, w);
	bool steps = spec->task == TASK_TAGGING || spec->task == TASK_WORDS || spec->task == TASK_LANGUAGE_MODEL;
	size_t at_once = spec->task == TASK_LANGUAGE_MODEL ? c.batch : CHUNK;
	return steps ? at_once * c.steps * c.outputs * sizeof(double) : 0;
}

/* What baselines say, and what they count. */
static size_t baseline_bytes(const struct spec *spec, struct cost_windows w)
{
	const struct counts c = count(spec, w);
	size_t said = predicted_bytes(spec, w);
	if (spec->task == TASK_WORDS || spec->task == TASK_TRANSLATION)
		return 0;
	if (spec->task == TASK_LANGUAGE_MODEL)
		said += NGRAM_BYTES * w.train * c.steps;
	if (spec->task == TASK_TAGGING)
		said += (size_t)spec->text.lexicon.size * c.outputs * sizeof(uint32_t);
	return said;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* A state as a checkpoint has it: parameters, what the optimiser remembers, and from a second epoch on the best ones.
 */
static size_t state_bytes(const struct spec *spec, const struct params *params)
{
	size_t parameters = params_elements(params) * sizeof(double);
	bool best = spec->training.epochs > 1;
	return (best ? 2 : 1) * parameters + optimizer_bytes(&spec->training.optimizer, params->size);
}

/* Hypotheses of a translation that are said at once, in the place of a slice. */
static size_t translating_bytes(const struct spec *spec, struct model *model)
{
	int held = (int)pass_held(model, spec_steps(spec), spec->training.batch_size);
	if (spec->task != TASK_TRANSLATION || held >= COST_COLUMNS)
		return 0;
	return model_bytes(model, spec_steps(spec), COST_COLUMNS, 1) - model_bytes(model, spec_steps(spec), held, 1);
}

/* Inputs, targets with their masks, what is said and its gradient, of what a member has at a time. */
static size_t batch_bytes(const struct spec *spec, struct model *model, int threads)
{
	const struct counts c = count(spec, (struct cost_windows){0});
	size_t rows = spec->model.output == MODEL_OUTPUT_SEQUENCE ? c.steps : 1;
	size_t held = (size_t)pass_held(model, spec_steps(spec), spec->training.batch_size);
	size_t numbers = c.steps * (size_t)spec->model.n_inputs + rows * (2 * c.outputs + 2);
	return numbers * held * (size_t)threads * sizeof(double);
}

struct cost_bytes cost_bytes(const struct spec *spec, struct model *model, struct cost_windows windows, int threads)
{
	const struct params *params = model_params(model);
	size_t parameters = params_elements(params) * sizeof(double), state = state_bytes(spec, params);
	/* Of the last and of the best epoch, of those that are asked for, and the largest gradients. */
	size_t kept = 3 + (size_t)spec->training.snapshots.count;
	struct cost_bytes bytes = {
	    .model = pass_bytes(model, spec_steps(spec), spec->training.batch_size, threads) +
	             batch_bytes(spec, model, threads) + translating_bytes(spec, model) + kept * parameters +
	             optimizer_bytes(&spec->training.optimizer, params->size) + state,
	    .data = samples_bytes(spec, windows) + scored_bytes(spec, windows),
	    .process = PROCESS_BYTES,
	};
	/* A fold has both of its own. */
	if (spec->folds.count > 0) {
		bytes.model *= 2;
		bytes.data *= 2;
	}
	bytes.data += windows.table;
	/* At the end of an epoch the next copy of the state stands beside the last; at the end what is predicted, and
	 * beside it a piece, a baseline or a file. */
	size_t next = spec->training.epochs > 1 ? state : 0, piece = piece_bytes(spec, windows);
	size_t last = predicted_bytes(spec, windows) + larger(larger(piece, baseline_bytes(spec, windows)), state);
	bytes.results = larger(next, last);
	/* A file of texts is read with its bytes at hand. */
	size_t file = task_has_texts(spec->task) ? windows.table : 0,
	       there = bytes.model + samples_bytes(spec, windows);
	if (file > there)
		bytes.results = larger(bytes.results, file - there);
	return bytes;
}

size_t cost_bytes_total(const struct cost_bytes *bytes)
{
	return bytes->model + bytes->data + bytes->results + bytes->process;
}
