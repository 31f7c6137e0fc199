/* GET /datasets/NAME/export: a data set as it was understood, whatever its file is: CSV with commas, points and names.
 */
#include "server/api/dataset/table_csv.h"
#include "server/api/handlers.h"
#include "server/http/reply.h"

void datasets_export(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	struct catalog_entry entry;
	struct table table = {0};
	struct text out = {0};
	int rc = catalog_find(api, &request->principal->viewer, request->params[0], &entry, &error);
	if (rc == 0) {
		rc = table_csv_read(api, &entry, &table, &error);
		catalog_entry_free(&entry);
	}
	if (rc == ERR_TOO_LARGE) {
		reply_problem_as(request, reply, 422, &error);
	} else if (rc != 0) {
		reply_problem(request, reply, &error);
	} else {
		table_csv_write(&table, &out);
		reply_written(reply, "text/csv; charset=utf-8", &out);
	}
	table_free(&table);
}
