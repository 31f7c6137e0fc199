/* An XLSX archive of five parts that are not packed, in memory. */
#ifndef QLSTM_TESTS_XLSX_ARCHIVE_H
#define QLSTM_TESTS_XLSX_ARCHIVE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "server/common/gzip.h"

enum { XLSX_PARTS = 5, XLSX_MOST = 1 << 16 };

/* The parts' names; with a sound text of each. */
static const struct {
	const char *name, *text;
} xlsx_sound[XLSX_PARTS] = {
    {"xl/worksheets/sheet1.xml",
     "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" "
     "t=\"inlineStr\"><is><t>b</t></is></c></row>"
     "<row r=\"2\"><c r=\"A2\" s=\"1\"><v>43831.5</v></c><c r=\"B2\"><v>1.5E-3</v></c></row>"
     "<row r=\"4\"><c r=\"A4\" t=\"b\"><v>1</v></c><c r=\"B4\"><f>1+1</f><v>2</v></c></row></sheetData></worksheet>"},
    {"xl/sharedStrings.xml", "<sst><si><t>a</t></si><si><r><t>b</t></r><r><t>c</t></r><rPh><t>no</t></rPh></si></sst>"},
    {"xl/styles.xml",
     "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"[h]:mm\"/></numFmts><cellXfs><xf numFmtId=\"0\"/>"
     "<xf numFmtId=\"14\"/><xf numFmtId=\"164\"/></cellXfs></styleSheet>"},
    {"xl/workbook.xml", "<workbook><workbookPr date1904=\"1\"/><sheets><sheet name=\"one\" sheetId=\"1\" "
                        "r:id=\"rId1\"/></sheets></workbook>"},
    {"xl/_rels/workbook.xml.rels",
     "<Relationships><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\"/></Relationships>"},
};

struct xlsx_archive {
	unsigned char *bytes; /* static */
	size_t length;
};

static inline void xlsx_put(unsigned char *to, size_t value, int count)
{
	for (int i = 0; i < count; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

/* What the local header and the directory both say of a part that is not packed. */
static inline void xlsx_put_facts(unsigned char *to, const void *bytes, size_t length, size_t name)
{
	xlsx_put(to, 20, 2);
	xlsx_put(to + 10, gzip_checksum(bytes, length), 4);
	xlsx_put(to + 14, length, 4);
	xlsx_put(to + 18, length, 4);
	xlsx_put(to + 22, name, 2);
}

/* An archive of the sound parts but `replaced` (-1: none), which has these bytes. Overwritten by the next call. */
static inline struct xlsx_archive xlsx_archive_make(int replaced, const void *data, size_t size)
{
	enum { NAME_AT = 30, ENTRY = 46, END = 22 };
	static const unsigned char part_mark[] = {'P', 'K', 3, 4}, entry_mark[] = {'P', 'K', 1, 2},
	                           end_mark[] = {'P', 'K', 5, 6};
	static unsigned char bytes[XLSX_MOST], directory[XLSX_PARTS * 128];
	size_t at = 0, used = 0;
	memset(bytes, 0, sizeof bytes);
	memset(directory, 0, sizeof directory);
	for (int i = 0; i < XLSX_PARTS; i++) {
		const void *part = i == replaced ? data : xlsx_sound[i].text;
		size_t length = i == replaced ? size : strlen(xlsx_sound[i].text), name = strlen(xlsx_sound[i].name);
		assert(at + NAME_AT + name + length < sizeof bytes);
		memcpy(directory + used, entry_mark, sizeof entry_mark);
		xlsx_put_facts(directory + used + 6, part, length, name);
		xlsx_put(directory + used + 42, at, 4);
		memcpy(directory + used + ENTRY, xlsx_sound[i].name, name);
		used += ENTRY + name;
		memcpy(bytes + at, part_mark, sizeof part_mark);
		xlsx_put_facts(bytes + at + 4, part, length, name);
		memcpy(bytes + at + NAME_AT, xlsx_sound[i].name, name);
		if (length > 0)
			memcpy(bytes + at + NAME_AT + name, part, length);
		at += NAME_AT + name + length;
	}
	assert(at + used + END < sizeof bytes);
	memcpy(bytes + at, directory, used);
	unsigned char *end = bytes + at + used;
	memcpy(end, end_mark, sizeof end_mark);
	xlsx_put(end + 8, XLSX_PARTS, 2);
	xlsx_put(end + 10, XLSX_PARTS, 2);
	xlsx_put(end + 12, used, 4);
	xlsx_put(end + 16, at, 4);
	return (struct xlsx_archive){bytes, at + used + END};
}

#endif
