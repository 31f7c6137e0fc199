/* Folds: blocks of the samples, each in turn the test part. */
#include "engine/data/fold.h"

#include "engine/data/samples.h"
#include "engine/data/split.h"

struct range {
	size_t first, end;
};

static struct range block(size_t count, int blocks, int index)
{
	size_t n = (size_t)blocks, i = (size_t)index;
	return (struct range){i * count / n, (i + 1) * count / n};
}

static struct range test_block(const struct fold *fold, size_t count)
{
	bool rolling = fold->method == FOLD_ROLLING;
	return block(count, fold->count + (int)rolling, fold->index - 1 + (int)rolling);
}

/* Training samples in front of the test part, and behind it. */
static struct range before(const struct fold *fold, size_t count)
{
	size_t gap = fold->method == FOLD_ROLLING ? 0 : fold->gap, end = test_block(fold, count).first;
	return (struct range){0, end > gap ? end - gap : 0};
}

static struct range behind(const struct fold *fold, size_t count)
{
	size_t end = test_block(fold, count).end, left = count - end;
	if (fold->method == FOLD_ROLLING)
		return (struct range){end, end};
	return (struct range){end + (left < fold->gap ? left : fold->gap), count};
}

int fold_parts(const struct fold *fold, size_t count, double validation, const char *what, struct parts *out,
               struct qlstm_error *error)
{
	struct range test = test_block(fold, count), front = before(fold, count), back = behind(fold, count);
	size_t train = front.end - front.first + back.end - back.first;
	size_t kept = samples_train_count(validation, train);
	if (test.first == test.end || train == 0)
		return error_set(error, ERR_INVALID, "/folds",
		                 "fold %d of %d: %zu %ss leave no %s %s: at least one of each is needed", fold->index,
		                 fold->count, count, what, train == 0 ? "training" : "test", what);
	if (kept >= train || (kept == 0 && validation > 0))
		return error_set(error, ERR_INVALID, "/folds",
		                 "fold %d of %d: validation %g of %zu training %ss leaves none to %s with", fold->index,
		                 fold->count, validation, train, what, kept == 0 ? "validate" : "train");
	*out = (struct parts){.train = train - kept, .validation = kept, .test = test.end - test.first};
	return 0;
}

static size_t *append(size_t *out, struct range range, const size_t *base)
{
	for (size_t i = range.first; i < range.end; i++)
		*out++ = base != NULL ? base[i] : i;
	return out;
}

void fold_order(const struct fold *fold, size_t count, const size_t *base, size_t *out)
{
	out = append(out, before(fold, count), base);
	out = append(out, behind(fold, count), base);
	append(out, test_block(fold, count), base);
}

bool fold_in_order(const struct fold *fold)
{
	return fold->method == FOLD_ROLLING;
}
