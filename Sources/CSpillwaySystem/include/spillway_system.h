// Calls of the operating system that Swift's own modules lack. Each is one call; only
// the signals' pipe keeps state, since a signal handler can reach nothing else.
#ifndef SPILLWAY_SYSTEM_H
#define SPILLWAY_SYSTEM_H

#include <getopt.h>
#include <poll.h>
#include <stdint.h>

// The kernel's number of the calling thread; pthread_self may be cached across an await.
int64_t spillway_thread_id(void);
// Names the calling thread, at most 15 bytes.
void spillway_set_thread_name(const char *name);
// Sets the calling thread's nice value; 0 or the errno. Above 0 it interrupts nobody when it has something to do.
int spillway_set_thread_nice(int nice);
// Keeps the calling thread, and those that it starts, on one of the processors that the process's first thread may use,
// counted from 0; 0 or the errno, EINVAL if there are not so many.
int spillway_stay_on_processor(int place);
// Lets the calling thread run wherever the process's first thread may; 0 or the errno.
int spillway_use_all_processors(void);
// Seconds of processor time of the whole process.
double spillway_process_cpu_seconds(void);
// The process's resident memory in bytes, or 0.
int64_t spillway_resident_bytes(void);
// Sets the limit of open files to the hard limit; returns the limit that holds now.
int64_t spillway_raise_open_files(void);
// Free bytes for unprivileged users on the file system of path, or -1.
int64_t spillway_free_bytes(const char *path);
// The event loop that the calling thread runs, or NULL.
void *spillway_current_loop(void);
void spillway_set_current_loop(void *loop);

// Makes, once, the pipe that trapped signals are written to, a byte each; returns its reading end, or minus the errno.
int spillway_signal_pipe(void);
// From now on the signal is written to the pipe and does nothing else; 0 or the errno. Call spillway_signal_pipe before.
int spillway_signal_trap(int signal_number);

// poll(2) with a timeout in nanoseconds, which Swift's Glibc module lacks (ppoll).
int spillway_poll(struct pollfd *descriptors, uint32_t count, int64_t timeout_ns);

#endif
