/* Pauli letters and strings in text. */
#include "engine/circuit/program.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int pauli_from_letter(char letter, enum pauli *pauli)
{
	static const char letters[] = "XYZ";
	const char *found = letter != '\0' ? strchr(letters, toupper((unsigned char)letter)) : NULL;
	if (found == NULL)
		return ERR_NOT_FOUND;
	*pauli = (enum pauli)(found - letters);
	return 0;
}

/* Multiplies the string by `letter` on `wire`; a wire may be named once. */
static int put_letter(struct pauli_string *string, char letter, int wire, struct qlstm_error *error)
{
	enum pauli pauli;
	if (toupper((unsigned char)letter) == 'I')
		return 0;
	if (pauli_from_letter(letter, &pauli) != 0)
		return error_set(error, ERR_SYNTAX, NULL, "'%c' is not one of I, X, Y, Z", letter);
	uint32_t bit = 1u << wire;
	if (((string->x | string->z) & bit) != 0)
		return error_set(error, ERR_SYNTAX, NULL, "wire %d is named twice", wire);
	string->x |= pauli != PAULI_Z ? bit : 0;
	string->z |= pauli != PAULI_X ? bit : 0;
	return 0;
}

static int parse_dense(const char *text, int n_wires, struct pauli_string *out, struct qlstm_error *error)
{
	size_t length = strlen(text);
	if (length != (size_t)n_wires)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "%zu letters for %d wires", length, n_wires);
	for (int wire = 0; wire < n_wires; wire++) {
		int code = put_letter(out, text[wire], wire, error);
		if (code != 0)
			return code;
	}
	return 0;
}

static int parse_sparse(const char *text, int n_wires, struct pauli_string *out, struct qlstm_error *error)
{
	const char *at = text;
	while (*at != '\0') {
		if (isspace((unsigned char)*at)) {
			at++;
			continue;
		}
		char letter = *at++;
		if (!isdigit((unsigned char)*at))
			return error_set(error, ERR_SYNTAX, NULL, "a wire number must follow the letter '%c'", letter);
		char *end;
		unsigned long wire = strtoul(at, &end, 10);
		if (*end != '\0' && !isspace((unsigned char)*end))
			return error_set(error, ERR_SYNTAX, NULL, "'%c' follows a wire number", *end);
		if (wire >= (unsigned long)n_wires)
			return error_set(error, ERR_OUT_OF_RANGE, NULL, "wire %lu is not in 0..%d", wire, n_wires - 1);
		int code = put_letter(out, letter, (int)wire, error);
		if (code != 0)
			return code;
		at = end;
	}
	return 0;
}

int pauli_string_parse(const char *text, int n_wires, struct pauli_string *out, struct qlstm_error *error)
{
	*out = (struct pauli_string){0};
	if (text[strspn(text, " \t")] == '\0')
		return error_set(error, ERR_SYNTAX, NULL, "an observable needs at least one letter");
	bool sparse = strpbrk(text, "0123456789 ") != NULL;
	return sparse ? parse_sparse(text, n_wires, out, error) : parse_dense(text, n_wires, out, error);
}
