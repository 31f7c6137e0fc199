/* The pipe between worker and daemon: one JSON object a line, type first. The same lines go to standard output when the
 * worker is run by hand. A type that the reader does not know is logged and ignored.
 *
 *   {"type":"hello","pid":N,"version":"0.1.0","plan":"batch","isa":"x86-64-v3","parameters":149,"epoch":E}  (resumed at
 * E)
 *   {"type":"heartbeat","epoch":E,"batch":B,"batches":N}                 at most one a second
 *   {"type":"epoch","epoch":E,"train_loss":X,"test_loss":X,"gradient_norm":X,"seconds":X}   and other metrics by name:
 *                                            every member that is a number or null, but epoch and seconds, is one
 *   {"type":"checkpoint","epoch":E,"file":"checkpoint-E.safetensors","sha256":"..."}
 *   {"type":"log","level":"info","message":"..."}
 *   {"type":"done","artifacts":[{"name":"weights","file":"weights.safetensors","bytes":N,"sha256":"..."}]}
 *   {"type":"error","reason":"nan_loss","message":"..."}   reason: from the closed list in common/status.h
 *
 * Exit status of the worker: 0 after "done", 1 after "error", 2 for wrong usage, 3 when it was told to stop. */
#ifndef QLSTM_COMMON_LINE_H
#define QLSTM_COMMON_LINE_H

#define LINE_MAX_BYTES 65536

#endif
