/* How many numbers a model learns. */
#include "server/common/parameter_counts.h"

struct parameter_counts parameter_counts(const struct params *params)
{
	return (struct parameter_counts){.quantum = (json_int_t)params_count(params, PARAM_QUANTUM),
	                                 .classical = (json_int_t)params_count(params, PARAM_CLASSICAL)};
}

json_t *parameter_counts_json(const struct parameter_counts *counts, const char *sum)
{
	return json_pack("{s:I, s:I, s:I}", sum, counts->quantum + counts->classical, "quantum", counts->quantum,
	                 "classical", counts->classical);
}
