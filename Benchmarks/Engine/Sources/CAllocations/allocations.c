#include "allocations.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#ifdef __GLIBC__

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

// Threads count in lines of their own, as far as there are some, so that counting does not make them wait.
enum { LINES = 64 };
static struct {
    _Alignas(64) atomic_long made;
} lines[LINES];
static atomic_int nextLine;
static atomic_int isCounting;
static _Thread_local int line = -1;

static inline void note(void) {
    if (!atomic_load_explicit(&isCounting, memory_order_relaxed)) return;
    if (line < 0) line = atomic_fetch_add_explicit(&nextLine, 1, memory_order_relaxed) % LINES;
    atomic_fetch_add_explicit(&lines[line].made, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    note();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    note();
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    note();
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    note();
    void *made = __libc_memalign(alignment, size);
    if (!made) return ENOMEM;
    *block = made;
    return 0;
}

void allocations_count(int isOn) { atomic_store(&isCounting, isOn); }

long allocations_made(void) {
    long sum = 0;
    for (int index = 0; index < LINES; index++) sum += atomic_load(&lines[index].made);
    return sum;
}

#else

void allocations_count(int isOn) { (void)isOn; }
long allocations_made(void) { return -1; }

#endif
