/* Spreadsheets. The first byte says what the others are: one of the five parts of an archive whose other parts are
 * sound, or the whole archive. */
#include "tests/fuzz/data_file.h"

#include "server/common/gzip.h"

enum { PARTS = 5, MOST = 1 << 16, NAME_AT = 30, ENTRY = 46, END = 22 };

static const struct {
	const char *name, *text;
} sound[PARTS] = {
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

static const unsigned char part_mark[] = {'P', 'K', 3, 4}, entry_mark[] = {'P', 'K', 1, 2},
                           end_mark[] = {'P', 'K', 5, 6};

struct archive {
	unsigned char *bytes;
	size_t length;
};

static void put(unsigned char *to, size_t value, int count)
{
	for (int i = 0; i < count; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

/* What the local header and the directory both say of a part that is not packed. */
static void put_facts(unsigned char *to, const void *bytes, size_t length, size_t name)
{
	put(to, 20, 2);
	put(to + 10, gzip_checksum(bytes, length), 4);
	put(to + 14, length, 4);
	put(to + 18, length, 4);
	put(to + 22, name, 2);
}

/* An archive of the sound parts but `replaced`, which has these bytes. */
static void make_archive(struct archive *archive, int replaced, const uint8_t *data, size_t size)
{
	static unsigned char bytes[MOST], directory[PARTS * 128];
	size_t at = 0, used = 0;
	memset(bytes, 0, sizeof bytes);
	memset(directory, 0, sizeof directory);
	for (int i = 0; i < PARTS; i++) {
		const void *part = i == replaced ? (const void *)data : sound[i].text;
		size_t length = i == replaced ? size : strlen(sound[i].text), name = strlen(sound[i].name);
		CHECK(at + NAME_AT + name + length < sizeof bytes);
		memcpy(directory + used, entry_mark, sizeof entry_mark);
		put_facts(directory + used + 6, part, length, name);
		put(directory + used + 42, at, 4);
		memcpy(directory + used + ENTRY, sound[i].name, name);
		used += ENTRY + name;
		memcpy(bytes + at, part_mark, sizeof part_mark);
		put_facts(bytes + at + 4, part, length, name);
		memcpy(bytes + at + NAME_AT, sound[i].name, name);
		if (length > 0)
			memcpy(bytes + at + NAME_AT + name, part, length);
		at += NAME_AT + name + length;
	}
	CHECK(at + used + END < sizeof bytes);
	memcpy(bytes + at, directory, used);
	unsigned char *end = bytes + at + used;
	memcpy(end, end_mark, sizeof end_mark);
	put(end + 8, PARTS, 2);
	put(end + 10, PARTS, 2);
	put(end + 12, used, 4);
	put(end + 16, at, 4);
	*archive = (struct archive){bytes, at + used + END};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive archive;
	if (size < 1 || size > MOST / 2)
		return 0;
	int part = data[0] % (PARTS + 1);
	if (part == PARTS)
		return check_data_file("xlsx", data + 1, size - 1);
	make_archive(&archive, part, data + 1, size - 1);
	return check_data_file("xlsx", archive.bytes, archive.length);
}

void target_seeds(target_give *give, void *context)
{
	static unsigned char seed[MOST];
	struct archive archive;
	for (int i = 0; i < PARTS; i++) { /* '0' % 6 is 0 */
		seed[0] = (unsigned char)('0' + i);
		memcpy(seed + 1, sound[i].text, strlen(sound[i].text));
		give(context, seed, 1 + strlen(sound[i].text));
	}
	make_archive(&archive, -1, NULL, 0);
	seed[0] = '5';
	memcpy(seed + 1, archive.bytes, archive.length);
	give(context, seed, 1 + archive.length);
	static const char *const texts[] = {
	    "0<worksheet><sheetData><row r=\"1\"><c r=\"ZZZ1\"><v>1</v></c></row></sheetData></worksheet>",
	    "0<worksheet><sheetData><row r=\"1048577\"><c r=\"A1\"/></row></sheetData></worksheet>",
	    "0<worksheet><sheetData><row><c t=\"s\"><v>99999999999</v></c></row></sheetData></worksheet>",
	    "0<!DOCTYPE w [<!ENTITY a \"b\">]><worksheet>&a;</worksheet>",
	    "1<sst><si><t>\"x\",\ny</t></si></sst>",
	    "2<styleSheet><numFmts><numFmt numFmtId=\"165\" formatCode=\"yy\\-mm;&quot;\"/></numFmts></styleSheet>",
	    "3<workbook><sheets><sheet name=\"a\" r:id=\"rId9\"/></sheets></workbook>",
	    "4<Relationships><Relationship Id=\"rId1\" Target=\"/xl/../xl/workbook.xml\"/></Relationships>"};
	GIVE_TEXTS(texts);
}
