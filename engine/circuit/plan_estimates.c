/* Kept estimates of circuits. */
#include "engine/circuit/plan_estimates.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* All that an estimate depends on, as numbers. */
enum { KEY_HEAD = 10, KEY_OP = 6, KEY_OBSERVABLE = 1 };

struct key {
	uint64_t *numbers; /* NULL: none */
	size_t count;
	uint64_t hash;
};

struct entry {
	struct key key;
	uint64_t used;
	struct plan_estimate estimate;
};

struct plan_estimates {
	pthread_mutex_t lock; /* guards what follows */
	struct entry entries[PLAN_ESTIMATES_MAX];
	uint64_t time; /* counts what was asked */
};

int plan_estimates_new(struct plan_estimates **out, struct qlstm_error *error)
{
	struct plan_estimates *known = calloc(1, sizeof *known);
	if (known == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for estimates of circuits");
	pthread_mutex_init(&known->lock, NULL);
	*out = known;
	return 0;
}

void plan_estimates_free(struct plan_estimates *known)
{
	if (known == NULL)
		return;
	for (int i = 0; i < PLAN_ESTIMATES_MAX; i++)
		free(known->entries[i].key.numbers);
	pthread_mutex_destroy(&known->lock);
	free(known);
}

static uint64_t bits_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static void write_op(const struct circuit_op *op, uint64_t *out)
{
	const struct angle *angle = &op->angle;
	out[0] = (uint64_t)op->gate;
	out[1] = (uint64_t)op->wires[0];
	out[2] = (uint64_t)op->wires[1];
	out[3] = (uint64_t)angle->source;
	out[4] = angle->source == ANGLE_CONSTANT ? bits_of(angle->value) : (uint64_t)angle->index;
	out[5] = angle->source == ANGLE_FEATURE ? (uint64_t)angle->encoder : 0;
}

/* FNV-1a over numbers. */
static uint64_t hash_of(const uint64_t *numbers, size_t count)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ numbers[i]) * UINT64_C(1099511628211);
	return hash;
}

/* Without numbers where there is no memory, or the circuit is too long. */
static struct key make_key(const struct circuit_program *program, const struct plan_request *request)
{
	size_t n_ops = (size_t)program->n_ops, n_observables = (size_t)program->n_observables;
	if (n_ops + n_observables > PLAN_ESTIMATES_MAX_OPS)
		return (struct key){0};
	struct key key = {.count = KEY_HEAD + n_ops * KEY_OP + n_observables * KEY_OBSERVABLE};
	key.numbers = calloc(key.count, sizeof *key.numbers);
	if (key.numbers == NULL)
		return (struct key){0};
	uint64_t *out = key.numbers;
	if (request->kind != NULL) /* the names of kinds are shorter */
		memcpy(out, request->kind, strnlen(request->kind, 2 * sizeof *out));
	out[2] = (uint64_t)request->precision;
	out[3] = request->batch;
	out[4] = request->memory_limit;
	out[5] = (uint64_t)program->n_wires;
	out[6] = (uint64_t)program->n_features;
	out[7] = (uint64_t)program->n_weights;
	out[8] = n_ops;
	out[9] = n_observables;
	out += KEY_HEAD;
	for (size_t i = 0; i < n_ops; i++, out += KEY_OP)
		write_op(&program->ops[i], out);
	for (size_t i = 0; i < n_observables; i++)
		*out++ = (uint64_t)program->observables[i].x << 32 | program->observables[i].z;
	key.hash = hash_of(key.numbers, key.count);
	return key;
}

static struct entry *find(struct plan_estimates *known, const struct key *key)
{
	for (int i = 0; i < PLAN_ESTIMATES_MAX; i++) {
		const struct key *other = &known->entries[i].key;
		if (other->numbers != NULL && other->hash == key->hash && other->count == key->count &&
		    memcmp(other->numbers, key->numbers, key->count * sizeof *key->numbers) == 0)
			return &known->entries[i];
	}
	return NULL;
}

bool plan_estimates_find(struct plan_estimates *known, const struct circuit_program *program,
                         const struct plan_request *request, struct plan_estimate *out)
{
	if (known == NULL)
		return false;
	struct key key = make_key(program, request);
	if (key.numbers == NULL)
		return false;
	pthread_mutex_lock(&known->lock);
	struct entry *entry = find(known, &key);
	if (entry != NULL) {
		entry->used = ++known->time;
		*out = entry->estimate;
	}
	pthread_mutex_unlock(&known->lock);
	free(key.numbers);
	return entry != NULL;
}

/* A free one, else that which was not asked for the longest. */
static struct entry *oldest(struct plan_estimates *known)
{
	struct entry *oldest = &known->entries[0];
	for (int i = 1; i < PLAN_ESTIMATES_MAX; i++)
		if (known->entries[i].used < oldest->used)
			oldest = &known->entries[i];
	return oldest;
}

void plan_estimates_keep(struct plan_estimates *known, const struct circuit_program *program,
                         const struct plan_request *request, const struct plan_estimate *estimate)
{
	if (known == NULL)
		return;
	struct key key = make_key(program, request);
	if (key.numbers == NULL)
		return;
	pthread_mutex_lock(&known->lock);
	if (find(known, &key) == NULL) {
		struct entry *entry = oldest(known);
		free(entry->key.numbers);
		*entry = (struct entry){.key = key, .used = ++known->time, .estimate = *estimate};
		key.numbers = NULL;
	}
	pthread_mutex_unlock(&known->lock);
	free(key.numbers);
}
