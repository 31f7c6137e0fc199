/* What the translation of TQ42's requests is made of; private to tq42*.c. */
#ifndef QLSTM_SCHEMA_TQ42_PARTS_H
#define QLSTM_SCHEMA_TQ42_PARTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "schema/place/place.h"

enum { MAX_PLACES = 400, TQ42_NAME = 48 };

/* Words of an enum of theirs, the first one being number 1, and ours; the last row has neither. */
struct word {
	const char *theirs, *ours;
};

/* A field: their names, the first one proper; where it goes in our object, NULL: nowhere; a second or third alias NULL.
 */
struct row {
	const char *names[4];
	const char *to;
	const struct word *words; /* NULL: the value passes as it is */
};

/* A translation under way, and where its parts came from. */
struct translation {
	json_t *ours;
	struct qlstm_error *error;
	struct {
		char ours[PLACE_POINTER_SIZE], theirs[PLACE_POINTER_SIZE];
	} places[MAX_PLACES];
	int n_places;
};

void tq42_note(struct translation *t, const char *ours, const char *theirs);
/* The member of that name, in either spelling; *key: as it is written there, when it is there. */
json_t *tq42_member(const json_t *object, const char *name, const char **key);
/* A field's name without capitals: "numQubits" -> "num_qubits". */
void tq42_snake(const char *name, char out[TQ42_NAME]);
/* The pointer of a member. */
void tq42_below(char out[PLACE_POINTER_SIZE], const char *pointer, const char *key);
/* An enum by its name, in any case and with or without - and _ and what stands before it, or by its number. *ours NULL:
 * unspecified. */
int tq42_word(struct translation *t, const struct word *words, const json_t *value, const char *pointer,
              const char **ours);
/* The fields of `object` into `to`, which stands at `ours` in the translation. */
int tq42_fields(struct translation *t, const json_t *object, const struct row *rows, json_t *to, const char *ours,
                const char *theirs);
/* A request of inference: kind, init_from and what is repeated of the model go into t->ours, whose data are there. */
int tq42_inference(struct translation *t, const json_t *request);
/* label_width: so many values behind the window, all at once; as data.horizon. */
int tq42_width(struct translation *t, const json_t *width, json_t *data, const char *pointer);
/* JSON with ' in the place of ". */
json_t *tq42_make(const char *text);

extern const struct word tq42_methods[];

/* {"qlstm_layer": {...}}, the i-th one of the list at the pointer `list`, appended to `layers`. */
int tq42_layer(struct translation *t, const json_t *item, size_t i, json_t *layers, const char *list);
/* What comes out of a layer, given what comes in; -1: not known. A qdi_layer takes n_qubits values before each block,
 * so their number says how many blocks there are. */
long long tq42_fit_width(json_t *layer, long long width);

#endif
