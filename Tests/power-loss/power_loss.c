// power_loss.so, loaded into the server by LD_PRELOAD: remembers what would survive a power loss.
//
//   POWER_LOSS_ROOT     everything below this directory is watched
//   POWER_LOSS_SHADOW   where it is remembered; on the same file system, not below the root
//   POWER_LOSS_NO_SYNC  a suffix of file names: syncs of such files report success and are not remembered. This plants
//                       the bug that the harness has to find.
//   POWER_LOSS_FAIL_SYNC  a suffix of file names: once a file SHADOW/fail is there, the next sync of such a file takes it
//                       away and fails with EIO; if it holds text, the next by a thread whose name begins so. What the
//                       sync should have made durable is lost, and later ones succeed, as Linux has it
//                       (https://wiki.postgresql.org/wiki/Fsync_Errors).
//
// The files themselves stay as the process left them: they are what is in the page cache. The shadow holds
//   content/INODE   the file's bytes as of the last fsync or fdatasync that returned
//   removed/INODE   a hard link to each file that lost a name, since that may not be durable yet
//   journal         one line an operation on names, by inode of the directory, written after the operation:
//                     + DIRECTORY INODE NAME             a file was created or linked
//                     d DIRECTORY INODE NAME             a directory was made
//                     r DIRECTORY INODE NAME/FROM NAME   a file or directory was renamed; FROM is the old directory
//                     - DIRECTORY NAME                   a name was removed
//                     s DIRECTORY                        the directory was synced: its lines up to here are durable
// What is not synced may survive or not, page by page: power_loss.py chooses. All names that are not durable by a sync of
// their own directory may be lost, which is what POSIX grants; sync_file_range makes nothing durable.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS = 1 << 16, INODES = 1 << 16 };
static const off_t CLEAN = LLONG_MAX;

// What is known of a file: from which offset on its bytes may differ from the shadow's.
typedef struct {
    ino_t inode;
    off_t dirty_from;
} file;

static char root[PATH_MAX], shadow[PATH_MAX], no_sync[64], fail_sync[64];
static size_t root_length;
static int journal = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static file files[INODES];
static file *open_files[DESCRIPTORS];

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }
// The next library's function, looked up once at each place of use.
#define REAL(name)                                             \
    (*({                                                       \
        static __typeof__(&name) found;                        \
        if (!found) found = (__typeof__(&name))real(#name);    \
        found;                                                 \
    }))

static void die(const char *what) {
    dprintf(STDERR_FILENO, "power_loss.so: %s: %s\n", what, strerror(errno));
    abort();
}

__attribute__((constructor)) static void begin(void) {
    const char *r = getenv("POWER_LOSS_ROOT"), *s = getenv("POWER_LOSS_SHADOW"), *n = getenv("POWER_LOSS_NO_SYNC"),
               *f = getenv("POWER_LOSS_FAIL_SYNC");
    if (!r || !s) return;
    if (!realpath(r, root) || !realpath(s, shadow)) die("no such directory");
    root_length = strlen(root);
    if (n) snprintf(no_sync, sizeof no_sync, "%s", n);
    if (f) snprintf(fail_sync, sizeof fail_sync, "%s", f);
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/journal", shadow);
    journal = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0) die(path);
}

static int is_below_root(const char *path) {
    return journal >= 0 && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

// The directory of a path, and the name in it; 0 if it is not watched.
static int split(int directory, const char *path, char *folder, char *name) {
    if (journal < 0 || !path) return 0;
    char copy[PATH_MAX], joined[PATH_MAX];
    if (directory != AT_FDCWD && path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, copy, sizeof copy - 1);
        if (length < 0) return 0;
        copy[length] = 0;
        if (snprintf(joined, sizeof joined, "%s/%s", copy, path) >= (int)sizeof joined) return 0;
    } else {
        snprintf(joined, sizeof joined, "%s", path);
    }
    snprintf(copy, sizeof copy, "%s", joined);
    if (!realpath(dirname(copy), folder) || !is_below_root(folder)) return 0;
    snprintf(copy, sizeof copy, "%s", joined);
    snprintf(name, NAME_MAX + 1, "%s", basename(copy));
    if (strchr(name, '\n')) die("a name with a line end");
    return 1;
}

static ino_t inode_of(const char *path) {
    struct stat status;
    return lstat(path, &status) ? 0 : status.st_ino;
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
    char line[2 * NAME_MAX + 128];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (REAL(write)(journal, line, (size_t)length) != length) die("journal");
}

// Called with the lock.
static file *file_of(ino_t inode) {
    for (size_t i = inode % INODES, tries = 0; tries < INODES; i = (i + 1) % INODES, tries++) {
        if (files[i].inode == inode) return &files[i];
        if (!files[i].inode) {
            files[i] = (file){.inode = inode, .dirty_from = CLEAN};
            return &files[i];
        }
    }
    die("too many files");
    return NULL;
}

// Called with the lock, before a name stops meaning its inode: the inode stays reachable, and its number in use.
static void keep(const char *path) {
    struct stat status;
    char kept[PATH_MAX + 64];
    if (lstat(path, &status) || !S_ISREG(status.st_mode)) return;
    snprintf(kept, sizeof kept, "%s/removed/%lu", shadow, (unsigned long)status.st_ino);
    if (REAL(link)(path, kept) && errno != EEXIST) die(kept);
}

static int opened(int descriptor, int flags, int is_new, const char *folder, const char *name) {
    if (descriptor < 0 || descriptor >= DESCRIPTORS) return descriptor;
    struct stat status;
    if (fstat(descriptor, &status) || !S_ISREG(status.st_mode)) return descriptor;
    if (flags & (O_DSYNC | O_SYNC)) die("O_DSYNC is not watched");
    if (is_new) note("+ %lu %lu %s\n", (unsigned long)inode_of(folder), (unsigned long)status.st_ino, name);
    file *it = file_of(status.st_ino);
    if (flags & O_TRUNC) it->dirty_from = 0;
    open_files[descriptor] = it;
    return descriptor;
}

static int open_watched(int directory, const char *path, int flags, mode_t mode) {
    char folder[PATH_MAX], name[NAME_MAX + 1], whole[PATH_MAX + NAME_MAX + 2];
    if ((flags & O_DIRECTORY) || !split(directory, path, folder, name)) {
        int descriptor = REAL(openat)(directory, path, flags, mode);
        if (descriptor >= 0 && descriptor < DESCRIPTORS) open_files[descriptor] = NULL;
        return descriptor;
    }
    snprintf(whole, sizeof whole, "%s/%s", folder, name);
    pthread_mutex_lock(&lock);
    int is_new = (flags & O_CREAT) && access(whole, F_OK);
    int descriptor = REAL(openat)(directory, path, flags, mode);
    int problem = errno;
    if (descriptor >= 0 && descriptor < DESCRIPTORS) open_files[descriptor] = NULL;
    opened(descriptor, flags, is_new, folder, name);
    pthread_mutex_unlock(&lock);
    errno = problem;
    return descriptor;
}

#define MODE(flags)                             \
    mode_t mode = 0;                            \
    if (flags & (O_CREAT | O_TMPFILE)) {        \
        va_list arguments;                      \
        va_start(arguments, flags);             \
        mode = (mode_t)va_arg(arguments, int);  \
        va_end(arguments);                      \
    }
int open(const char *path, int flags, ...) { MODE(flags) return open_watched(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_watched(AT_FDCWD, path, flags, mode); }
int openat(int directory, const char *path, int flags, ...) { MODE(flags) return open_watched(directory, path, flags, mode); }
int openat64(int directory, const char *path, int flags, ...) { MODE(flags) return open_watched(directory, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_watched(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

// glibc's streams write past this library, so nothing that must last may go through them.
static FILE *stream(const char *function, const char *path, const char *mode) {
    char folder[PATH_MAX], name[NAME_MAX + 1];
    if (strpbrk(mode, "wa+") && split(AT_FDCWD, path, folder, name)) die("a stream writes below the root");
    return ((FILE * (*)(const char *, const char *)) real(function))(path, mode);
}
FILE *fopen(const char *path, const char *mode) { return stream("fopen", path, mode); }
FILE *fopen64(const char *path, const char *mode) { return stream("fopen64", path, mode); }

int close(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS) open_files[descriptor] = NULL;
    return REAL(close)(descriptor);
}

// Bytes from this offset on have changed. Noted after the change and before its call returns: noted before it, a sync
// that runs meanwhile would take the note and not the bytes, and the next sync would find nothing to do.
static void touch(int descriptor, off_t from) {
    if (descriptor < 0 || descriptor >= DESCRIPTORS || !open_files[descriptor]) return;
    int problem = errno;
    pthread_mutex_lock(&lock);
    file *it = open_files[descriptor];
    if (it && from < it->dirty_from) it->dirty_from = from;
    pthread_mutex_unlock(&lock);
    errno = problem;
}

// Where the next write of a watched file goes to.
static off_t place_of_write(int descriptor) {
    struct stat status;
    if (descriptor < 0 || descriptor >= DESCRIPTORS || !open_files[descriptor]) return 0;
    if ((fcntl(descriptor, F_GETFL) & O_APPEND) && !fstat(descriptor, &status)) return status.st_size;
    return lseek(descriptor, 0, SEEK_CUR);
}

#define CHANGING(descriptor, from, type, call) \
    off_t start = (from);                      \
    type result = (call);                      \
    touch(descriptor, start);                  \
    return result;

ssize_t write(int d, const void *bytes, size_t count) { CHANGING(d, place_of_write(d), ssize_t, REAL(write)(d, bytes, count)) }
ssize_t writev(int d, const struct iovec *v, int n) { CHANGING(d, place_of_write(d), ssize_t, REAL(writev)(d, v, n)) }
ssize_t pwrite(int d, const void *bytes, size_t count, off_t at) { CHANGING(d, at, ssize_t, REAL(pwrite)(d, bytes, count, at)) }
ssize_t pwrite64(int d, const void *bytes, size_t count, off64_t at) { return pwrite(d, bytes, count, at); }
ssize_t pwritev(int d, const struct iovec *v, int n, off_t at) { CHANGING(d, at, ssize_t, REAL(pwritev)(d, v, n, at)) }
ssize_t pwritev64(int d, const struct iovec *v, int n, off64_t at) { return pwritev(d, v, n, at); }
int ftruncate(int d, off_t size) { CHANGING(d, size, int, REAL(ftruncate)(d, size)) }
int ftruncate64(int d, off64_t size) { return ftruncate(d, size); }
int fallocate(int d, int mode, off_t at, off_t length) { CHANGING(d, at, int, REAL(fallocate)(d, mode, at, length)) }
int fallocate64(int d, int mode, off64_t at, off64_t length) { return fallocate(d, mode, at, length); }
int posix_fallocate(int d, off_t at, off_t length) { CHANGING(d, at, int, REAL(posix_fallocate)(d, at, length)) }
int posix_fallocate64(int d, off64_t at, off64_t length) { return posix_fallocate(d, at, length); }

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t count, unsigned flags) {
    CHANGING(to, to_at ? *to_at : place_of_write(to), ssize_t, REAL(copy_file_range)(from, from_at, to, to_at, count, flags))
}

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    if ((protection & PROT_WRITE) && (flags & MAP_SHARED) && descriptor >= 0 && descriptor < DESCRIPTORS && open_files[descriptor])
        die("a shared mapping for writing is not watched");
    return REAL(mmap)(address, length, protection, flags, descriptor, offset);
}
void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, off64_t offset) {
    return mmap(address, length, protection, flags, descriptor, offset);
}

static int is_named(int descriptor, const char *suffix) {
    char link[64], path[PATH_MAX];
    if (!suffix[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    size_t end = strlen(suffix);
    return length > (ssize_t)end && !memcmp(path + length - end, suffix, end);
}

// Whether this sync is the one that fails: whoever takes the file away.
static int is_to_fail(int descriptor) {
    char path[PATH_MAX + 16];
    if (!is_named(descriptor, fail_sync)) return 0;
    int problem = errno, is_it = 0;
    snprintf(path, sizeof path, "%s/fail", shadow);
    int order = REAL(open)(path, O_RDONLY | O_CLOEXEC);
    if (order >= 0) {
        char wanted[16] = "", name[16] = "";
        is_it = read(order, wanted, sizeof wanted - 1) >= 0 && !pthread_getname_np(pthread_self(), name, sizeof name) &&
                !strncmp(name, wanted, strlen(wanted)) && !REAL(unlinkat)(AT_FDCWD, path, 0);
        REAL(close)(order);
    }
    errno = problem;
    return is_it;
}

// The kernel takes the pages for clean although they never reached the disk: no later sync writes them.
static int fail(int descriptor) {
    pthread_mutex_lock(&lock);
    open_files[descriptor]->dirty_from = CLEAN;
    pthread_mutex_unlock(&lock);
    errno = EIO;
    return -1;
}

// Called with the lock: makes the shadow's bytes those of the file, from where they may differ.
static void remember(int descriptor, file *it) {
    char path[PATH_MAX + 64], buffer[1 << 16];
    struct stat status;
    off_t from = it->dirty_from;
    it->dirty_from = CLEAN;
    snprintf(path, sizeof path, "%s/content/%lu", shadow, (unsigned long)it->inode);
    int copy = REAL(open)(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (copy < 0 || fstat(descriptor, &status)) die(path);
    // The descriptor may be open for writing only.
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    int source = REAL(open)(link, O_RDONLY | O_CLOEXEC);
    if (source < 0) die(link);
    for (off_t at = from; at < status.st_size;) {
        ssize_t count = pread(source, buffer, sizeof buffer, at);
        if (count <= 0) break;
        if (REAL(pwrite)(copy, buffer, (size_t)count, at) != count) die(path);
        at += count;
    }
    if (REAL(ftruncate)(copy, status.st_size)) die(path);
    REAL(close)(source);
    REAL(close)(copy);
}

static int synced(int descriptor, int (*function)(int)) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS && open_files[descriptor]) {
        if (is_named(descriptor, no_sync)) return 0;
        if (is_to_fail(descriptor)) return fail(descriptor);
    }
    int result = function(descriptor);
    if (result || journal < 0) return result;
    struct stat status;
    if (fstat(descriptor, &status)) return result;
    pthread_mutex_lock(&lock);
    if (S_ISDIR(status.st_mode)) note("s %lu\n", (unsigned long)status.st_ino);
    else if (descriptor < DESCRIPTORS && open_files[descriptor]) remember(descriptor, open_files[descriptor]);
    pthread_mutex_unlock(&lock);
    return result;
}
int fsync(int descriptor) { return synced(descriptor, REAL(fsync)); }
int fdatasync(int descriptor) { return synced(descriptor, REAL(fdatasync)); }

typedef struct {
    int watched;
    char folder[PATH_MAX], name[NAME_MAX + 1], path[PATH_MAX + NAME_MAX + 2];
} place;

static place *place_of(int directory, const char *path) {
    place *it = calloc(1, sizeof *it);
    if (!it) die("memory");
    it->watched = split(directory, path, it->folder, it->name);
    snprintf(it->path, sizeof it->path, "%s/%s", it->folder, it->name);
    return it;
}

static void added(char kind, place *it) {
    if (!it->watched) return;
    note("%c %lu %lu %s\n", kind, (unsigned long)inode_of(it->folder), (unsigned long)inode_of(it->path), it->name);
}
static void removed(place *it) {
    if (it->watched) note("- %lu %s\n", (unsigned long)inode_of(it->folder), it->name);
}

int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    place *source = place_of(from_directory, from), *target = place_of(to_directory, to);
    pthread_mutex_lock(&lock);
    if (target->watched) keep(target->path);
    int result = REAL(renameat2)(from_directory, from, to_directory, to, flags), problem = errno;
    if (!result) {
        // One line, since a rename is durable as a whole or not at all.
        if (target->watched && source->watched)
            note("r %lu %lu %s/%lu %s\n", (unsigned long)inode_of(target->folder), (unsigned long)inode_of(target->path),
                 target->name, (unsigned long)inode_of(source->folder), source->name);
        else if (target->watched || source->watched)
            die("a rename into or out of the root is not watched");
    }
    pthread_mutex_unlock(&lock);
    free(source);
    free(target);
    errno = problem;
    return result;
}
int renameat(int from_directory, const char *from, int to_directory, const char *to) { return renameat2(from_directory, from, to_directory, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags) {
    place *target = place_of(to_directory, to);
    pthread_mutex_lock(&lock);
    int result = REAL(linkat)(from_directory, from, to_directory, to, flags), problem = errno;
    if (!result) added('+', target);
    pthread_mutex_unlock(&lock);
    free(target);
    errno = problem;
    return result;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int directory, const char *path, int flags) {
    place *it = place_of(directory, path);
    pthread_mutex_lock(&lock);
    if (it->watched && !(flags & AT_REMOVEDIR)) keep(it->path);
    int result = REAL(unlinkat)(directory, path, flags), problem = errno;
    if (!result) removed(it);
    pthread_mutex_unlock(&lock);
    free(it);
    errno = problem;
    return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    struct stat status;
    return unlinkat(AT_FDCWD, path, !lstat(path, &status) && S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0);
}

int mkdirat(int directory, const char *path, mode_t mode) {
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    for (size_t end = strlen(copy); end > 1 && copy[end - 1] == '/';) copy[--end] = 0;
    place *it = place_of(directory, copy);
    pthread_mutex_lock(&lock);
    int result = REAL(mkdirat)(directory, path, mode), problem = errno;
    if (!result) added('d', it);
    pthread_mutex_unlock(&lock);
    free(it);
    errno = problem;
    return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
