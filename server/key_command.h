/* `qlstmd key`: the keys of a data folder, from its machine. */
#ifndef QLSTM_SERVER_KEY_COMMAND_H
#define QLSTM_SERVER_KEY_COMMAND_H

/* argv[0] is "key". The exit status: 0 done, 1 failed, 2 wrong usage. A new key goes to standard output, once, alone on
 * its line; all else to standard error, but for the list. */
int key_command(int argc, char **argv);

#endif
