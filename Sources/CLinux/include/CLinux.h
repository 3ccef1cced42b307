// What Swift's Glibc overlay hides: defined in CLinux.c under _GNU_SOURCE.
#pragma once
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>

// The kernel packs epoll_event on x86-64 only; this mirror has the natural layout and is copied across.
typedef struct { uint32_t events; uint64_t token; } menwei_epoll_event;

enum { MENWEI_EPOLLIN = 0x001, MENWEI_EPOLLOUT = 0x004, MENWEI_EPOLLERR = 0x008, MENWEI_EPOLLHUP = 0x010, MENWEI_EPOLLRDHUP = 0x2000 };

int menwei_epoll_create(void);
int menwei_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int menwei_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);
int menwei_epoll_remove(int epoll, int fd);
/// Waits at most `timeout` milliseconds (-1: for ever); returns how many events were written, or -errno.
int menwei_epoll_wait(int epoll, menwei_epoll_event *events, int capacity, int timeout);

/// Returns the descriptor (non-blocking, close-on-exec), or -errno. `address` may be null.
int menwei_accept(int fd, struct sockaddr_storage *address, socklen_t *length);
int menwei_eventfd(void);
/// Blocks the given signals in the calling thread (and those it starts) and returns a descriptor to read them from, or -errno.
int menwei_signalfd(const int *signals, int count);
/// The next signal number waiting on a descriptor of `menwei_signalfd`, 0 where there is none.
int menwei_signalfd_read(int fd);
/// Allows this process as many descriptors as it may have (the hard limit).
void menwei_raise_descriptor_limit(void);
void menwei_thread_name(const char *name);
uint64_t menwei_monotonic_ns(void);
int64_t menwei_wall_ms(void);
/// Fills with random bytes from the kernel; 0 or -errno.
int menwei_random(void *out, size_t count);
const void *menwei_memmem(const void *haystack, size_t hlen, const void *needle, size_t nlen);
int menwei_errno(void);
/// Exclusive, non-blocking flock; 0 or -errno.
int menwei_lock_exclusive(int fd);
/// Starts a detached thread with a name (at most 15 bytes) that runs `body(context)`; 0 or -errno.
int menwei_thread_start(const char *name, void (*body)(void *), void *context);
/// An integer that names the calling thread as long as it lives.
uint64_t menwei_thread_id(void);
/// The commit this was built from.
const char *menwei_build_commit(void);
/// Binds a socket to an abstract name (at most 90 bytes), which is held while the socket is open; the descriptor, or -errno (-EADDRINUSE: somebody else
/// holds it).
int menwei_abstract_lock(const char *name);
/// How many processors the calling thread may run on, at least 1.
int menwei_processors(void);
