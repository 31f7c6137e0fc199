/* CSV files. */
#include "tests/fuzz/data_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return check_data_file("csv", data, size);
}

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {"",
	                                    "time,value\n0,1.5\n1,-2e-3\n2,.5\n",
	                                    "1,2,3\n4,5,6\n",
	                                    "a;b\n1,5;2\n3;4,5\n",
	                                    "a\tb\r\n1\t2\r\n3\t4\r\n",
	                                    "\xef\xbb\xbf\"Month\",\"#Passengers\"\n\"1949-01\",112\n\"1949-02\",118\n",
	                                    "x\n1\n\n2\n",
	                                    "x,y\n1,\n,2\n",
	                                    "\"a \"\"b\"\"\",\"c\nd\"\n1,2\n3,4",
	                                    "x\n1e308\n1e309\nnan\ninf\n0x10\n",
	                                    "a,a\n1,2\n",
	                                    "a,b\n1\n",
	                                    "x\r1\r2\r",
	                                    "1\n",
	                                    "\xff\xfe,\xc3\n1,2\n",
	                                    "sep=;\nDate;x\n2020-01-02;1,5\n2020-01-01;?\n;\n",
	                                    "# note\nt  x\n0  1.5\n\n1 2.5\n",
	                                    "d|t|x\n16/12/2006|17:24:00|1.234,5\n17/12/2006|17:24:00|2.345,5\n",
	                                    "Price,Close\nTicker,A\nDate,\n2021-03-01,1\n2021-03-02,2\n",
	                                    "1 234,5;2'000\n3 456,7;\"1,000\"\n",
	                                    "Title\n\na;b\n1;2\n3;4\n"};
	GIVE_TEXTS(texts);
}
