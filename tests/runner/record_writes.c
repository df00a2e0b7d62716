/* Records what a process writes into one directory, in the order in which it does: to be preloaded (ld.so(8)).
 *
 * RECORD_DIR is the directory, RECORD_LOG the log. A record is: one byte for the operation, the length of the path (32 bits), the
 * path, offset and length (64 bits each, in the order of this machine), and the data of a write.
 *   C created  W written  T set to a length  S synced  U unlinked  R renamed (the new path is the data)
 * What is written through shared memory (SQLite's -shm) is not seen, and need not survive a crash.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int out = -1;
static char directory[4096];

#define REAL(type, name, ...)                                          \
    static type (*real)(__VA_ARGS__);                                  \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t real_write(int fd, const void *data, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(fd, data, length);
}

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("RECORD_LOG"), *dir = getenv("RECORD_DIR");
    if (!log || !dir) return;
    snprintf(directory, sizeof directory, "%s", dir);
    out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_recorded(const char *path) {
    size_t length = strlen(directory);
    return out >= 0 && length > 0 && strncmp(path, directory, length) == 0 && (path[length] == '/' || !path[length]);
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 4095);
    if (length < 0) return 0;
    path[length] = 0;
    return is_recorded(path);
}

static void all(const void *data, size_t length) {
    const char *at = data;
    while (length > 0) {
        ssize_t done = real_write(out, at, length);
        if (done < 0) abort();
        at += done;
        length -= (size_t)done;
    }
}

static void record(char operation, const char *path, uint64_t offset, const void *data, uint64_t length) {
    uint32_t path_length = (uint32_t)strlen(path);
    all(&operation, 1);
    all(&path_length, sizeof path_length);
    all(path, path_length);
    all(&offset, sizeof offset);
    all(&length, sizeof length);
    if (data) all(data, length);
}

static int opened(const char *name, int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    (void)name;
    if (!(flags & (O_CREAT | O_TRUNC)) || !is_recorded(path)) return real(path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat before;
    int was_there = stat(path, &before) == 0;
    int fd = real(path, flags, mode);
    int error = errno;
    if (fd >= 0 && !was_there) record('C', path, 0, NULL, 0);
    if (fd >= 0 && was_there && (flags & O_TRUNC)) record('T', path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define OPEN(function)                                                                          \
    int function(const char *path, int flags, ...) {                                            \
        static int (*real)(const char *, int, ...);                                             \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #function);         \
        va_list rest;                                                                           \
        va_start(rest, flags);                                                                  \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                               \
        va_end(rest);                                                                           \
        return opened(#function, real, path, flags, mode);                                      \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *data, size_t length) {
    char path[4096];
    if (out < 0 || fd == out || !path_of(fd, path)) return real_write(fd, data, length);
    pthread_mutex_lock(&lock);
    off_t at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    ssize_t done = real_write(fd, data, length);
    int error = errno;
    if (done > 0 && at >= 0) record('W', path, (uint64_t)at, data, (uint64_t)done);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

#define PWRITE(function, offset_type)                                                           \
    ssize_t function(int fd, const void *data, size_t length, offset_type at) {                 \
        static ssize_t (*real)(int, const void *, size_t, offset_type);                         \
        if (!real) real = (ssize_t(*)(int, const void *, size_t, offset_type))dlsym(RTLD_NEXT, #function); \
        char path[4096];                                                                        \
        if (!path_of(fd, path)) return real(fd, data, length, at);                              \
        pthread_mutex_lock(&lock);                                                              \
        ssize_t done = real(fd, data, length, at);                                              \
        int error = errno;                                                                      \
        if (done > 0) record('W', path, (uint64_t)at, data, (uint64_t)done);                    \
        pthread_mutex_unlock(&lock);                                                            \
        errno = error;                                                                          \
        return done;                                                                            \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(function, length_type)                                                         \
    int function(int fd, length_type length) {                                                  \
        static int (*real)(int, length_type);                                                   \
        if (!real) real = (int (*)(int, length_type))dlsym(RTLD_NEXT, #function);               \
        char path[4096];                                                                        \
        if (!path_of(fd, path)) return real(fd, length);                                        \
        pthread_mutex_lock(&lock);                                                              \
        int done = real(fd, length);                                                            \
        int error = errno;                                                                      \
        if (done == 0) record('T', path, 0, NULL, (uint64_t)length);                            \
        pthread_mutex_unlock(&lock);                                                            \
        errno = error;                                                                          \
        return done;                                                                            \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(function)                                                                          \
    int function(int fd) {                                                                      \
        static int (*real)(int);                                                                \
        if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #function);                            \
        char path[4096];                                                                        \
        if (!path_of(fd, path)) return real(fd);                                                \
        pthread_mutex_lock(&lock);                                                              \
        int done = real(fd);                                                                    \
        int error = errno;                                                                      \
        if (done == 0) record('S', path, 0, NULL, 0);                                           \
        pthread_mutex_unlock(&lock);                                                            \
        errno = error;                                                                          \
        return done;                                                                            \
    }
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    if (!is_recorded(path)) return real(path);
    pthread_mutex_lock(&lock);
    int done = real(path);
    int error = errno;
    if (done == 0) record('U', path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    if (!is_recorded(from)) return real(from, to);
    pthread_mutex_lock(&lock);
    int done = real(from, to);
    int error = errno;
    if (done == 0) record('R', from, 0, to, strlen(to));
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
