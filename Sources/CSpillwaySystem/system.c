#define _GNU_SOURCE
#include "spillway_system.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

int64_t spillway_thread_id(void) { return syscall(SYS_gettid); }

void spillway_set_thread_name(const char *name) {
    char short_name[16] = {0};
    strncpy(short_name, name, sizeof short_name - 1);
    prctl(PR_SET_NAME, short_name);
}

int spillway_set_thread_nice(int nice) {
    struct sched_param none = {0};
    if (nice > 0) sched_setscheduler(0, SCHED_BATCH, &none);
    return setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice) ? errno : 0;
}

int spillway_stay_on_processor(int place) {
    cpu_set_t all, one;
    if (sched_getaffinity(getpid(), sizeof all, &all)) return errno;
    for (int processor = 0; processor < CPU_SETSIZE; processor++) {
        if (!CPU_ISSET(processor, &all) || place-- > 0) continue;
        CPU_ZERO(&one);
        CPU_SET(processor, &one);
        return sched_setaffinity(0, sizeof one, &one) ? errno : 0;
    }
    return EINVAL;
}

int spillway_use_all_processors(void) {
    cpu_set_t all;
    return sched_getaffinity(getpid(), sizeof all, &all) || sched_setaffinity(0, sizeof all, &all) ? errno : 0;
}

double spillway_process_cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int64_t spillway_resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;
    if (!file) return 0;
    if (fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
    fclose(file);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

int64_t spillway_raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return -1;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return getrlimit(RLIMIT_NOFILE, &limit) ? -1 : (int64_t)limit.rlim_cur;
}

int64_t spillway_free_bytes(const char *path) {
    struct statvfs s;
    return statvfs(path, &s) ? -1 : (int64_t)s.f_bavail * (int64_t)s.f_frsize;
}

// Set before the first signal is trapped and never changed after, so the handler reads it without a lock.
static int signal_pipe[2] = {-1, -1};

static void write_signal(int signal_number) {
    int saved = errno;
    unsigned char byte = (unsigned char)signal_number;
    // A full pipe drops the signal: many of them wait to be read already.
    ssize_t written = write(signal_pipe[1], &byte, 1);
    (void)written;
    errno = saved;
}

int spillway_signal_pipe(void) {
    if (signal_pipe[0] >= 0) return signal_pipe[0];
    if (pipe2(signal_pipe, O_CLOEXEC)) return -errno;
    fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
    return signal_pipe[0];
}

int spillway_signal_trap(int signal_number) {
    struct sigaction action = {.sa_handler = write_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(signal_number, &action, NULL) ? errno : 0;
}

static _Thread_local void *current_loop;

void *spillway_current_loop(void) { return current_loop; }

void spillway_set_current_loop(void *loop) { current_loop = loop; }

int spillway_poll(struct pollfd *descriptors, uint32_t count, int64_t timeout_ns) {
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    return ppoll(descriptors, count, &timeout, NULL);
}
