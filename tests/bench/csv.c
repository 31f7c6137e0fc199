/* How long it takes to read a CSV file with all its values: build/bench/csv FILE [REPEATS]. Prints a line for each
 * repeat: seconds of the processor, rows, and of each numeric column the number of values and their sum. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/data/csv.h"

static double processor_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int read_once(const char *path)
{
	struct table table = {0};
	struct qlstm_error error = {0};
	struct stat status;
	double start = processor_seconds();
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &status) != 0)
		return 2;
	size_t length = (size_t)status.st_size;
	void *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return 2;
	int rc = csv_read(bytes, length, NULL, VALUES_ALL, &table, &error);
	double taken = processor_seconds() - start;
	munmap(bytes, length);
	close(fd);
	if (rc != 0) {
		fprintf(stderr, "%s\n", error.message);
		return 1;
	}
	printf("%.6f %zu", taken, table.n_rows);
	for (int k = 0; k < table.n_columns; k++) {
		double sum = 0;
		for (size_t i = 0; table.columns[k].values != NULL && i < table.n_rows; i++)
			sum += isnan(table.columns[k].values[i]) ? 0 : table.columns[k].values[i];
		if (table.columns[k].values != NULL)
			printf(" %zu %.17g", table.columns[k].n_numbers, sum);
	}
	printf("\n");
	table_free(&table);
	return 0;
}

int main(int argc, char **argv)
{
	int rc = argc > 1 ? 0 : 2;
	for (int i = argc > 2 ? atoi(argv[2]) : 1; rc == 0 && i > 0; i--)
		rc = read_once(argv[1]);
	return rc;
}
