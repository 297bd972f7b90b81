/* Stands between a process and the kernel for what changes files below one directory.
 *
 * Loaded with LD_PRELOAD. Every call that makes, writes, cuts, flushes, renames, links or removes a file below
 * SHIM_ROOT has a number, in the order of arrival over all threads, from 1. What happens at number SHIM_POINT says
 * SHIM_MODE:
 *
 *   count    nothing
 *   before   the process is killed (SIGKILL) instead of the call
 *   after    the process is killed once the call is through
 *   torn     a write takes half of its bytes, then the process is killed; any other call: as before
 *   fail     the call fails with SHIM_ERRNO
 *   short    a write takes half of its bytes, and the next one to that file fails; any other call: as fail
 *   full     from there on all fails that needs room: new names, and writes beyond the end of a file
 *   broken   from there on everything fails
 *   stop     the process gets SHIM_SIGNAL, or SIGINT as by Ctrl-C, once the call is through
 *
 * SHIM_ONLY ("fsync:.part") has only calls of that kind counted, with that text in a path. With SHIM_ONLY=lock none
 * of those counts, but what the first thread does with locks: each that it takes, waits for, or frees. The interpreter
 * makes its locks of semaphores.
 * Flushes are numbered, fail and are written down, and never really made: a kill takes nothing from the kernel.
 * SHIM_LINKS=none refuses hard links, as file systems do that have none; such a call has no number.
 * SHIM_BOOT_ID names a file that is read in place of the kernel's boot id.
 * SHIM_LOG names a file outside of the directory that takes down every call with its bytes and its result, those
 * included that have no number (opens of what is there); calls are made one at a time then.
 *
 * Nothing is done before shim_arm(), which reads the environment.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 1024
#define LOG_AT 900 /* out of the way of the program's own descriptors */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

enum mode { COUNT, BEFORE, AFTER, TORN, FAIL, SHORT, FULL, BROKEN, STOP };
static const char *const MODES[] = {"count", "before", "after", "torn", "fail", "short", "full", "broken", "stop"};

/* The order is known to the reader of the log. */
enum kind { OPEN, WRITE, CUT, FLUSH, RENAME, LINK, REMOVE, MAKE_DIRECTORY, REMOVE_DIRECTORY };
static const char *const KINDS[] = {"open", "write", "cut", "fsync", "rename", "link", "unlink", "mkdir", "rmdir"};

static char root[PATH_MAX], only[PATH_MAX], boot_id[PATH_MAX];
static enum mode mode;
static long point;
static int injected, stopping, has_links, locks_count, armed, log_fd = -1;
static atomic_long calls;
static atomic_int short_fd = -1;
static char known[MOST_FILES][PATH_MAX]; /* by descriptor; empty for what is not below the root */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

long shim_calls(void)
{
    return atomic_load(&calls);
}

/* Returns 0, or -1 where the environment makes no sense. */
int shim_arm(void)
{
    const char *wanted = setting("SHIM_MODE"), *log = setting("SHIM_LOG");
    mode = STOP + 1;
    for (int each = COUNT; each <= STOP; each++)
        if (!strcmp(wanted, MODES[each]))
            mode = each;
    if (mode > STOP || *setting("SHIM_ROOT") != '/')
        return -1;
    snprintf(root, sizeof root, "%s/", setting("SHIM_ROOT"));
    snprintf(only, sizeof only, "%s", setting("SHIM_ONLY"));
    snprintf(boot_id, sizeof boot_id, "%s", setting("SHIM_BOOT_ID"));
    point = atol(setting("SHIM_POINT"));
    injected = atoi(setting("SHIM_ERRNO"));
    stopping = *setting("SHIM_SIGNAL") ? atoi(setting("SHIM_SIGNAL")) : SIGINT;
    locks_count = !strcmp(only, "lock");
    has_links = strcmp(setting("SHIM_LINKS"), "none");
    atomic_store(&calls, 0);
    if (*log) {
        int opened = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (opened < 0)
            return -1;
        log_fd = fcntl(opened, F_DUPFD_CLOEXEC, LOG_AT);
        syscall(SYS_close, opened);
        if (log_fd < 0)
            return -1;
    }
    armed = 1;
    return 0;
}

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Say which file a path means, as far as that can be told without following links. */
static void resolve(int directory, const char *path, char *full)
{
    char base[PATH_MAX] = "", link[64];
    if (path[0] == '/') {
        snprintf(full, PATH_MAX, "%s", path);
        return;
    }
    if (directory == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    ssize_t size = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
    base[size < 0 ? 0 : size] = 0;
    if (snprintf(full, PATH_MAX, "%s/%s", base, path) >= PATH_MAX)
        full[0] = 0;
}

static int is_below(const char *full)
{
    size_t size = strlen(root);
    return !strncmp(full, root, size) || (strlen(full) == size - 1 && !strncmp(full, root, size - 1));
}

static const char *path_of(int fd)
{
    return armed && fd >= 0 && fd < MOST_FILES ? known[fd] : "";
}

static void keep(int fd, const char *full)
{
    if (fd >= 0 && fd < MOST_FILES)
        snprintf(known[fd], PATH_MAX, "%s", full);
}


struct call {
    enum kind kind;
    int fd, flags;
    const char *path, *other;
    int64_t offset;
    const void *data;
    size_t size;
    int needs_room;
    int64_t number; /* 0: it is not one of those that count */
    int error;      /* it has to fail with this */
    int halved;
    int logged;
};

static int is_wanted(const struct call *call)
{
    const char *colon = strchr(only, ':'), *kind = KINDS[call->kind];
    if (!*only)
        return 1;
    size_t size = colon ? (size_t)(colon - only) : strlen(only);
    if (strlen(kind) != size || strncmp(kind, only, size))
        return 0;
    return !colon || strstr(call->path, colon + 1) || (call->other && strstr(call->other, colon + 1));
}

/* A call has arrived: number it, and see what is to become of it. */
static void begin(struct call *call, int counts)
{
    int mine = call->fd;
    call->logged = log_fd >= 0;
    if (call->logged)
        pthread_mutex_lock(&one_at_a_time);
    if (counts && is_wanted(call))
        call->number = atomic_fetch_add(&calls, 1) + 1;
    if (call->kind == WRITE && atomic_compare_exchange_strong(&short_fd, &mine, -1))
        call->error = injected;
    if (!call->number)
        return;
    int is_there = call->number == point;
    int has_halves = call->kind == WRITE && call->size > 1;
    if (is_there && (mode == BEFORE || (mode == TORN && !has_halves)))
        die();
    if (is_there && (mode == TORN || mode == SHORT) && has_halves)
        call->halved = 1;
    else if (is_there && (mode == FAIL || mode == SHORT))
        call->error = injected;
    if (call->number >= point && (mode == BROKEN || (mode == FULL && call->needs_room)))
        call->error = injected;
}

static void put(const void *data, size_t size)
{
    const char *left = data;
    while (size) {
        ssize_t taken = syscall(SYS_write, log_fd, left, size);
        if (taken < 0)
            abort(); /* A log with a hole proves nothing. */
        left += taken;
        size -= taken;
    }
}

/* Write down what the call did; the layout is known to the reader of the log. */
static void note(const struct call *call, int64_t result)
{
    const char *other = call->other ? call->other : "";
    size_t written = call->kind == WRITE && result > 0 ? (size_t)result : 0;
    int64_t head[9] = {call->kind,   call->number, call->fd,          call->flags,        call->offset,
                       result,       strlen(call->path), strlen(other), written};
    put(head, sizeof head);
    put(call->path, strlen(call->path));
    put(other, strlen(other));
    put(call->data, written);
}

/* The call is through: *result* is the kernel's, or -1 with errno. */
static int64_t end(struct call *call, int64_t result)
{
    int kept = errno;
    if (call->logged)
        note(call, result < 0 ? -kept : result);
    /* Before anybody else is let in: what another thread did in the last moment would not be written down. */
    if (call->number && call->number == point && (mode == AFTER || (mode == TORN && call->halved)))
        die();
    if (call->logged)
        pthread_mutex_unlock(&one_at_a_time);
    if (call->halved)
        atomic_store(&short_fd, call->fd);
    if (call->number && call->number == point && mode == STOP)
        syscall(SYS_kill, getpid(), stopping);
    errno = kept;
    return result;
}

/* Make the call, unless it has to fail. */
#define THROUGH(call, made) end(&(call), (call).error ? (errno = (call).error, -1) : (int64_t)(made))

static int opened(int directory, const char *path, int flags, mode_t how)
{
    char full[PATH_MAX];
    if (!armed)
        return syscall(SYS_openat, directory, path, flags, how);
    if (*boot_id && !strcmp(path, BOOT_ID))
        return syscall(SYS_openat, AT_FDCWD, boot_id, flags, how);
    resolve(directory, path, full);
    if (!is_below(full))
        return syscall(SYS_openat, directory, path, flags, how);
    int is_new = flags & O_CREAT && syscall(SYS_faccessat, AT_FDCWD, full, F_OK) < 0;
    struct call call = {.kind = OPEN, .fd = -1, .flags = flags, .path = full, .needs_room = is_new};
    begin(&call, flags & (O_CREAT | O_TRUNC));
    int fd = call.error ? (errno = call.error, -1) : syscall(SYS_openat, directory, path, flags, how);
    if (fd >= 0)
        keep(fd, full);
    return end(&call, fd);
}

static mode_t how_of(int flags, va_list rest)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

#define OPENED(directory) \
    va_list rest; \
    va_start(rest, flags); \
    mode_t how = how_of(flags, rest); \
    va_end(rest); \
    return opened(directory, path, flags, how)

int open(const char *path, int flags, ...) { OPENED(AT_FDCWD); }
int open64(const char *path, int flags, ...) { OPENED(AT_FDCWD); }
int openat(int directory, const char *path, int flags, ...) { OPENED(directory); }
int openat64(int directory, const char *path, int flags, ...) { OPENED(directory); }

int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __openat_2(int directory, const char *path, int flags) { return opened(directory, path, flags, 0); }
int __openat64_2(int directory, const char *path, int flags) { return opened(directory, path, flags, 0); }
int creat(const char *path, mode_t how) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, how); }
int creat64(const char *path, mode_t how) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, how); }

int close(int fd)
{
    if (*path_of(fd))
        keep(fd, "");
    return syscall(SYS_close, fd);
}

/* offset < 0: at the descriptor's own. */
static ssize_t written(int fd, const void *data, size_t size, off_t offset)
{
    struct stat found;
    off_t at = offset < 0 ? syscall(SYS_lseek, fd, 0, SEEK_CUR) : offset;
    struct call call = {.kind = WRITE, .fd = fd, .path = path_of(fd), .offset = at, .data = data, .size = size};
    call.needs_room = fstat(fd, &found) == 0 && at + (off_t)size > found.st_size;
    begin(&call, 1);
    if (call.halved)
        size = call.size = size / 2;
    if (offset < 0)
        return THROUGH(call, syscall(SYS_write, fd, data, size));
    return THROUGH(call, syscall(SYS_pwrite64, fd, data, size, offset));
}

ssize_t write(int fd, const void *data, size_t size)
{
    return *path_of(fd) ? written(fd, data, size, -1) : syscall(SYS_write, fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return *path_of(fd) ? written(fd, data, size, offset) : syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return *path_of(fd) ? written(fd, data, size, offset) : syscall(SYS_pwrite64, fd, data, size, offset);
}

/* A short write is always allowed: the first piece is written, and the caller comes again for the rest. */
ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    if (*path_of(fd) && count > 0)
        return written(fd, pieces[0].iov_base, pieces[0].iov_len, -1);
    return syscall(SYS_writev, fd, pieces, count);
}

static int flushed(int fd, long number)
{
    struct call call = {.kind = FLUSH, .fd = fd, .path = path_of(fd)};
    if (!*call.path)
        return syscall(number, fd);
    begin(&call, 1);
    return THROUGH(call, 0);
}

int fsync(int fd) { return flushed(fd, SYS_fsync); }
int fdatasync(int fd) { return flushed(fd, SYS_fdatasync); }

int ftruncate(int fd, off_t size)
{
    struct call call = {.kind = CUT, .fd = fd, .path = path_of(fd), .offset = size};
    if (!*call.path)
        return syscall(SYS_ftruncate, fd, size);
    begin(&call, 1);
    return THROUGH(call, syscall(SYS_ftruncate, fd, size));
}

int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

static int renamed(int from, const char *old, int to, const char *new, unsigned flags)
{
    char first[PATH_MAX], second[PATH_MAX];
    if (!armed)
        return syscall(SYS_renameat2, from, old, to, new, flags);
    resolve(from, old, first);
    resolve(to, new, second);
    if (!is_below(first) && !is_below(second))
        return syscall(SYS_renameat2, from, old, to, new, flags);
    struct call call = {.kind = RENAME, .fd = -1, .path = first, .other = second};
    begin(&call, 1);
    return THROUGH(call, syscall(SYS_renameat2, from, old, to, new, flags));
}

int rename(const char *old, const char *new) { return renamed(AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int from, const char *old, int to, const char *new) { return renamed(from, old, to, new, 0); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return renamed(from, old, to, new, flags);
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    char first[PATH_MAX], second[PATH_MAX];
    if (!armed)
        return syscall(SYS_linkat, from, old, to, new, flags);
    resolve(from, old, first);
    resolve(to, new, second);
    if (!is_below(second))
        return syscall(SYS_linkat, from, old, to, new, flags);
    if (!has_links)
        return errno = EPERM, -1;
    struct call call = {.kind = LINK, .fd = -1, .path = first, .other = second, .needs_room = 1};
    begin(&call, 1);
    return THROUGH(call, syscall(SYS_linkat, from, old, to, new, flags));
}

int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }

int unlinkat(int directory, const char *path, int flags)
{
    char full[PATH_MAX];
    if (!armed)
        return syscall(SYS_unlinkat, directory, path, flags);
    resolve(directory, path, full);
    if (!is_below(full))
        return syscall(SYS_unlinkat, directory, path, flags);
    struct call call = {.kind = flags & AT_REMOVEDIR ? REMOVE_DIRECTORY : REMOVE, .fd = -1, .path = full};
    begin(&call, 1);
    return THROUGH(call, syscall(SYS_unlinkat, directory, path, flags));
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int directory, const char *path, mode_t how)
{
    char full[PATH_MAX];
    if (!armed)
        return syscall(SYS_mkdirat, directory, path, how);
    resolve(directory, path, full);
    if (!is_below(full))
        return syscall(SYS_mkdirat, directory, path, how);
    struct call call = {.kind = MAKE_DIRECTORY, .fd = -1, .path = full, .needs_room = 1};
    begin(&call, 1);
    return THROUGH(call, syscall(SYS_mkdirat, directory, path, how));
}

int mkdir(const char *path, mode_t how) { return mkdirat(AT_FDCWD, path, how); }

/* A lock was taken, waited for or freed by the first thread. */
static int locked(int result)
{
    int kept = errno;
    if (armed && locks_count && syscall(SYS_gettid) == getpid())
        if (atomic_fetch_add(&calls, 1) + 1 == point && mode == STOP)
            syscall(SYS_kill, getpid(), stopping);
    errno = kept;
    return result;
}

#define REAL(name) \
    static typeof(name) *real; \
    if (!real) \
        real = (typeof(name) *)dlsym(RTLD_NEXT, #name)

int sem_trywait(sem_t *lock)
{
    REAL(sem_trywait);
    return locked(real(lock));
}

int sem_wait(sem_t *lock)
{
    REAL(sem_wait);
    return locked(real(lock));
}

int sem_timedwait(sem_t *lock, const struct timespec *until)
{
    REAL(sem_timedwait);
    return locked(real(lock, until));
}

int sem_clockwait(sem_t *lock, clockid_t clock, const struct timespec *until)
{
    REAL(sem_clockwait);
    return locked(real(lock, clock, until));
}

int sem_post(sem_t *lock)
{
    REAL(sem_post);
    return locked(real(lock));
}
