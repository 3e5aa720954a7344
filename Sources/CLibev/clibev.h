// libev for Swift. Swift cannot see function-like macros, so each one that Sluice needs is wrapped in a
// `static inline` function with the same name and the prefix `clibev_`. Nothing here makes a decision.

#ifndef CLIBEV_H
#define CLIBEV_H

#include <ev.h>

// Not part of libev: glibc declares this call only with `_GNU_SOURCE`, which Swift's Glibc module does not define.
struct sockaddr;
extern int accept4(int listener, struct sockaddr *address, unsigned int *length, int flags);
extern int pipe2(int ends[2], int flags);
extern int clibev_add_directory(void *actions, const char *path) __asm__("posix_spawn_file_actions_addchdir_np");
// The header of these two is not part of that module either. libev's own timers have a resolution of a millisecond.
struct itimerspec;
extern int timerfd_create(int clock, int flags);
extern int timerfd_settime(int timer, int flags, const struct itimerspec *time, struct itimerspec *before);

// glibc's `recv` and `send` are cancellation points, which cost two atomic operations a call in a program with threads.
// No thread of Sluice is ever cancelled, so these two are the plain system calls.
#include <sys/syscall.h>
extern long syscall(long number, ...);

static inline long clibev_recv(int socket, void *buffer, unsigned long count) {
    return syscall(SYS_recvfrom, socket, buffer, count, 0, (void *)0, (void *)0);
}

static inline long clibev_send(int socket, const void *bytes, unsigned long count, int flags) {
    return syscall(SYS_sendto, socket, bytes, count, flags, (void *)0, 0);
}

// Asks for SIOCOUTQ, the number of bytes that the peer's kernel has not confirmed. Swift cannot call ioctl, which has
// variable arguments.
static inline long clibev_unconfirmed(int socket, int *count) { return syscall(SYS_ioctl, socket, 0x5411, count); }

// Returns a descriptor that can be read when the process has ended. glibc has no call for this before version 2.36.
static inline int clibev_pidfd_open(int process) { return (int)syscall(SYS_pidfd_open, process, 0u); }

// Swift's runtime exports this, and Swift code may not name it: the task whose code the calling thread runs, or null.
extern const void *swift_task_getCurrent(void);

static inline void clibev_io_init(ev_io *watcher, void (*callback)(struct ev_loop *, ev_io *, int), int fd, int events) {
    ev_io_init(watcher, callback, fd, events);
}

static inline void clibev_timer_init(
    ev_timer *watcher, void (*callback)(struct ev_loop *, ev_timer *, int), ev_tstamp after, ev_tstamp repeat
) {
    ev_timer_init(watcher, callback, after, repeat);
}

static inline void clibev_async_init(ev_async *watcher, void (*callback)(struct ev_loop *, ev_async *, int)) {
    ev_async_init(watcher, callback);
}

static inline void clibev_signal_init(ev_signal *watcher, void (*callback)(struct ev_loop *, ev_signal *, int), int number) {
    ev_signal_init(watcher, callback, number);
}

#endif
