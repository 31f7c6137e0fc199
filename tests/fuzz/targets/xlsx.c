/* Spreadsheets. The first byte says what the others are: one of the five parts of an archive whose other parts are
 * sound, or the whole archive. */
#include "tests/fuzz/data_file.h"

#include "tests/unit/xlsx_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > XLSX_MOST / 2)
		return 0;
	int part = data[0] % (XLSX_PARTS + 1);
	if (part == XLSX_PARTS)
		return check_data_file("xlsx", data + 1, size - 1);
	const struct xlsx_archive archive = xlsx_archive_make(part, data + 1, size - 1);
	return check_data_file("xlsx", archive.bytes, archive.length);
}

void target_seeds(target_give *give, void *context)
{
	static unsigned char seed[XLSX_MOST];
	for (int i = 0; i < XLSX_PARTS; i++) { /* '0' % 6 is 0 */
		seed[0] = (unsigned char)('0' + i);
		memcpy(seed + 1, xlsx_sound[i].text, strlen(xlsx_sound[i].text));
		give(context, seed, 1 + strlen(xlsx_sound[i].text));
	}
	const struct xlsx_archive archive = xlsx_archive_make(-1, NULL, 0);
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
