/* XML, element by element, by expat, which is met here alone. Names are without their namespace's prefix. */
#ifndef QLSTM_COMMON_XLSX_XML_H
#define QLSTM_COMMON_XLSX_XML_H

#include "server/common/xlsx/zip_part.h"

/* Called in the order of the document; `end` gets the text right inside the element, children's left out. */
struct xml_handler {
	int (*start)(void *context, const char *name, const char **attributes, struct qlstm_error *error);
	int (*end)(void *context, const char *name, const char *text, size_t length, struct qlstm_error *error);
	void *context;
};

/* Parses a part. ERR_SYNTAX for what is no XML, or has a document type (entities are how small files become large
 * ones); else as zip_read, and what the handler returns. */
int xml_read(struct zip *zip, const char *part, size_t limit, const struct xml_handler *handler,
             struct qlstm_error *error);

/* The value of an attribute, with or without a prefix before its name; NULL: there is none. */
const char *xml_attribute(const char **attributes, const char *name);

#endif
