/* `qlstmd check`, `qlstmd backup FILE`, `qlstmd restore FILE`: the data directory from the command line. */
#ifndef QLSTM_SERVER_DATA_COMMAND_H
#define QLSTM_SERVER_DATA_COMMAND_H

#include <stdbool.h>

/* Whether the word is one of them. */
bool data_command_is(const char *word);
/* argv[0] is the command's word. Returns the exit status: 0; 1: failed, or damage was found; 2: wrong usage; 3 (check):
 * nothing but files of nobody was found, which the next sweep removes. */
int data_command(int argc, char **argv);

#endif
