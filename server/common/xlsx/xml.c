/* XML by expat. */
#include "server/common/xlsx/xml.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"

enum { MOST_TEXT = 1 << 20 }; /* bytes of a cell; spreadsheet programs take 32,767 characters */

struct reading {
	XML_Parser parser;
	const struct xml_handler *handler;
	const char *part;
	struct text text; /* of the element at hand */
	int rc;
	struct qlstm_error *error;
};

static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, ':');
	return colon != NULL ? colon + 1 : name;
}

const char *xml_attribute(const char **attributes, const char *name)
{
	for (; attributes[0] != NULL; attributes += 2)
		if (strcmp(local_name(attributes[0]), name) == 0)
			return attributes[1];
	return NULL;
}

static void stop(struct reading *reading, int rc)
{
	if (rc == 0 || reading->rc != 0)
		return;
	reading->rc = rc;
	XML_StopParser(reading->parser, XML_FALSE);
}

static void XMLCALL on_start(void *context, const char *name, const char **attributes)
{
	struct reading *reading = context;
	reading->text.length = 0;
	if (reading->rc == 0 && reading->handler->start != NULL)
		stop(reading,
		     reading->handler->start(reading->handler->context, local_name(name), attributes, reading->error));
}

static void XMLCALL on_end(void *context, const char *name)
{
	struct reading *reading = context;
	const char *text = reading->text.length > 0 ? reading->text.bytes : "";
	if (reading->text.failed)
		stop(reading, error_set(reading->error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a cell"));
	if (reading->rc == 0 && reading->handler->end != NULL)
		stop(reading, reading->handler->end(reading->handler->context, local_name(name), text,
		                                    reading->text.length, reading->error));
	reading->text.length = 0;
}

static void XMLCALL on_text(void *context, const char *text, int length)
{
	struct reading *reading = context;
	if (reading->text.length + (size_t)length <= MOST_TEXT)
		text_write(&reading->text, text, (size_t)length);
	else
		stop(reading, error_set(reading->error, ERR_TOO_LARGE, NULL,
		                        "a text in the part %.100s has more than %d bytes", reading->part, MOST_TEXT));
}

static void XMLCALL on_doctype(void *context, const char *name, const char *system, const char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	struct reading *reading = context;
	stop(reading, error_set(reading->error, ERR_SYNTAX, NULL,
	                        "the part %.100s has a document type: no spreadsheet has one", reading->part));
}

static int take(void *context, const char *bytes, size_t length, bool last)
{
	struct reading *reading = context;
	enum XML_Status status = XML_Parse(reading->parser, bytes, (int)length, last);
	if (reading->rc == 0 && status != XML_STATUS_OK)
		reading->rc = error_set(reading->error, ERR_SYNTAX, NULL, "line %lu of the part %.100s is no XML: %s",
		                        XML_GetCurrentLineNumber(reading->parser), reading->part,
		                        XML_ErrorString(XML_GetErrorCode(reading->parser)));
	return reading->rc;
}

int xml_read(struct zip *zip, const char *part, size_t limit, const struct xml_handler *handler,
             struct qlstm_error *error)
{
	struct reading reading = {.parser = XML_ParserCreate(NULL), .handler = handler, .part = part, .error = error};
	if (reading.parser == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a spreadsheet");
	XML_SetUserData(reading.parser, &reading);
	XML_SetElementHandler(reading.parser, on_start, on_end);
	XML_SetCharacterDataHandler(reading.parser, on_text);
	XML_SetStartDoctypeDeclHandler(reading.parser, on_doctype);
	int rc = zip_read(zip, part, limit, take, &reading, error);
	XML_ParserFree(reading.parser);
	free(reading.text.bytes);
	return rc;
}
