/* Sheets, shared strings, styles. */
#include "server/common/xlsx/workbook.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/xlsx/xml.h"

enum { CUSTOM_FORMATS = 512 };

struct opening {
	struct workbook *book;
	char *sheet;
	char id[64];      /* of the relationship of the sheet */
	char others[400]; /* names of sheets, for a message */
	bool found, in_formats, in_item, in_phonetic;
	unsigned char custom[CUSTOM_FORMATS]; /* enum style of number format 164 + i */
};

static int out_of_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a spreadsheet");
}

/* Room for one more item behind n. */
static int grow(void **items, size_t n, size_t *room, size_t size, struct qlstm_error *error)
{
	if (n < *room)
		return 0;
	size_t wanted = *room == 0 ? 64 : 2 * *room;
	void *larger = reallocarray(*items, wanted, size);
	if (larger == NULL)
		return out_of_memory(error);
	*items = larger;
	*room = wanted;
	return 0;
}

/* --- xl/workbook.xml --- */

static int on_workbook(void *context, const char *name, const char **attributes, struct qlstm_error *error)
{
	struct opening *opening = context;
	(void)error;
	if (strcmp(name, "workbookPr") == 0) {
		const char *flag = xml_attribute(attributes, "date1904");
		opening->book->from_1904 = flag != NULL && (strcmp(flag, "1") == 0 || strcmp(flag, "true") == 0);
	}
	if (strcmp(name, "sheet") != 0)
		return 0;
	const char *sheet = xml_attribute(attributes, "name"), *id = NULL;
	for (const char **at = attributes; at[0] != NULL; at += 2) /* r:id, not sheetId */
		id = strchr(at[0], ':') != NULL && strcmp(strchr(at[0], ':'), ":id") == 0 ? at[1] : id;
	if (sheet == NULL || id == NULL)
		return 0;
	size_t used = strlen(opening->others);
	snprintf(opening->others + used, sizeof opening->others - used, "%s'%.60s'", used > 0 ? ", " : "", sheet);
	if (opening->found || (opening->sheet[0] != '\0' && strcmp(opening->sheet, sheet) != 0))
		return 0;
	opening->found = true;
	snprintf(opening->id, sizeof opening->id, "%s", id);
	snprintf(opening->sheet, XLSX_SHEET_SIZE, "%s", sheet);
	return 0;
}

/* --- xl/_rels/workbook.xml.rels --- */

static int on_relationship(void *context, const char *name, const char **attributes, struct qlstm_error *error)
{
	struct opening *opening = context;
	const char *id = xml_attribute(attributes, "Id"), *target = xml_attribute(attributes, "Target");
	(void)error;
	if (strcmp(name, "Relationship") != 0 || id == NULL || target == NULL || strcmp(id, opening->id) != 0)
		return 0;
	bool whole = *target == '/';
	snprintf(opening->book->part, sizeof opening->book->part, "%s%s", whole ? "" : "xl/", target + (whole ? 1 : 0));
	return 0;
}

/* --- xl/styles.xml --- */

/* Of "yyyy-mm-dd hh:mm" and the like; what stands in quotes or brackets says nothing. */
static enum style style_of(const char *format)
{
	bool day = false, hour = false;
	for (const char *at = format; *at != '\0' && *at != ';'; at++) {
		if (*at == '\\' || *at == '_' || *at == '*') {
			at += at[1] != '\0';
		} else if (*at == '"') {
			at = strchr(at + 1, '"');
			if (at == NULL)
				break;
		} else if (*at == '[') {
			const char *end = strchr(at, ']');
			hour = hour || (end != NULL && strspn(at + 1, "hHmMsS") == (size_t)(end - at - 1));
			if (end == NULL)
				break;
			at = end;
		} else {
			day = day || strchr("yYdD", *at) != NULL;
			hour = hour || strchr("hHsS", *at) != NULL;
		}
	}
	return day ? STYLE_DATE : hour ? STYLE_TIME : STYLE_NUMBER;
}

static enum style style_of_number(const struct opening *opening, long id)
{
	if (id >= 164 && id < 164 + CUSTOM_FORMATS)
		return opening->custom[id - 164];
	if ((id >= 18 && id <= 21) || (id >= 45 && id <= 47))
		return STYLE_TIME;
	return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 50 && id <= 58) ? STYLE_DATE : STYLE_NUMBER;
}

static int on_style(void *context, const char *name, const char **attributes, struct qlstm_error *error)
{
	struct opening *opening = context;
	struct workbook *book = opening->book;
	const char *id = xml_attribute(attributes, "numFmtId"), *code = xml_attribute(attributes, "formatCode");
	long number = id != NULL ? strtol(id, NULL, 10) : 0;
	if (strcmp(name, "numFmt") == 0 && code != NULL && number >= 164 && number < 164 + CUSTOM_FORMATS)
		opening->custom[number - 164] = (unsigned char)style_of(code);
	if (strcmp(name, "cellXfs") == 0)
		opening->in_formats = true;
	if (!opening->in_formats || strcmp(name, "xf") != 0)
		return 0;
	int rc = grow((void **)&book->styles, book->n_styles, &book->room_styles, 1, error);
	if (rc == 0)
		book->styles[book->n_styles++] = (unsigned char)style_of_number(opening, number);
	return rc;
}

static int on_style_end(void *context, const char *name, const char *text, size_t length, struct qlstm_error *error)
{
	struct opening *opening = context;
	(void)text;
	(void)length;
	(void)error;
	if (strcmp(name, "cellXfs") == 0)
		opening->in_formats = false;
	return 0;
}

/* --- xl/sharedStrings.xml --- */

static int on_string(void *context, const char *name, const char **attributes, struct qlstm_error *error)
{
	struct opening *opening = context;
	struct workbook *book = opening->book;
	(void)attributes;
	if (strcmp(name, "rPh") == 0)
		opening->in_phonetic = true;
	if (strcmp(name, "si") != 0)
		return 0;
	int rc = grow((void **)&book->starts, book->n_strings, &book->room_strings, sizeof *book->starts, error);
	if (rc == 0)
		book->starts[book->n_strings++] = book->strings.length;
	return rc;
}

static int on_string_end(void *context, const char *name, const char *text, size_t length, struct qlstm_error *error)
{
	struct opening *opening = context;
	struct workbook *book = opening->book;
	if (strcmp(name, "rPh") == 0)
		opening->in_phonetic = false;
	if (strcmp(name, "t") == 0 && !opening->in_phonetic)
		text_write(&book->strings, text, length);
	if (strcmp(name, "si") == 0)
		text_write(&book->strings, "", 1);
	return book->strings.failed ? out_of_memory(error) : 0;
}

/* --- all of it --- */

/* A part that need not be there. */
static int read_if_there(struct workbook *book, const char *part, const struct xml_handler *handler,
                         struct qlstm_error *error)
{
	struct qlstm_error cause = {0};
	int rc = xml_read(book->zip, part, book->limit, handler, &cause);
	return rc == 0 || rc == ERR_NOT_FOUND ? 0 : error_set(error, rc, NULL, "%s", cause.message);
}

static int find_sheet(struct opening *opening, struct qlstm_error *error)
{
	struct workbook *book = opening->book;
	struct qlstm_error cause = {0};
	int rc = xml_read(book->zip, "xl/workbook.xml", book->limit, &(struct xml_handler){on_workbook, NULL, opening},
	                  &cause);
	if (rc == ERR_NOT_FOUND)
		return error_set(error, ERR_SYNTAX, NULL,
		                 "the archive is no spreadsheet (XLSX): it has no xl/workbook.xml");
	if (rc != 0)
		return error_set(error, rc, NULL, "%s", cause.message);
	if (!opening->found)
		return error_set(error, ERR_INVALID, NULL, "there is no sheet '%.100s'; there are %s", opening->sheet,
		                 opening->others[0] != '\0' ? opening->others : "none");
	rc = xml_read(book->zip, "xl/_rels/workbook.xml.rels", book->limit,
	              &(struct xml_handler){on_relationship, NULL, opening}, &cause);
	if (rc != 0)
		return error_set(error, rc == ERR_NOT_FOUND ? ERR_SYNTAX : rc, NULL, "%s", cause.message);
	return book->part[0] != '\0'
	           ? 0
	           : error_set(error, ERR_SYNTAX, NULL, "the archive does not say where the sheet '%.100s' is",
	                       opening->sheet);
}

int workbook_open(struct workbook *book, const unsigned char *bytes, size_t length, size_t limit,
                  char sheet[XLSX_SHEET_SIZE], struct qlstm_error *error)
{
	struct opening opening = {.book = book, .sheet = sheet};
	*book = (struct workbook){.limit = limit};
	int rc = zip_open(&book->zip, bytes, length, error);
	if (rc == 0)
		rc = find_sheet(&opening, error);
	if (rc == 0)
		rc = read_if_there(book, "xl/styles.xml", &(struct xml_handler){on_style, on_style_end, &opening},
		                   error);
	if (rc == 0)
		rc = read_if_there(book, "xl/sharedStrings.xml",
		                   &(struct xml_handler){on_string, on_string_end, &opening}, error);
	return rc;
}

void workbook_close(struct workbook *book)
{
	zip_close(book->zip);
	free(book->strings.bytes);
	free(book->starts);
	free(book->styles);
}
