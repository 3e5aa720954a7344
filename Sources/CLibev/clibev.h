// libev for Swift. Swift cannot see function-like macros, so each one that Sluice needs is wrapped in a
// `static inline` function of the same name with the prefix `clibev_`. Nothing here decides anything.

#ifndef CLIBEV_H
#define CLIBEV_H

#include <ev.h>

// Not libev's: Glibc declares this call for `_GNU_SOURCE` only, which Swift's module of Glibc does without.
struct sockaddr;
extern int accept4(int listener, struct sockaddr *address, unsigned int *length, int flags);
// Nor these two, whose header is not part of that module. libev itself waits for whole milliseconds only.
struct itimerspec;
extern int timerfd_create(int clock, int flags);
extern int timerfd_settime(int timer, int flags, const struct itimerspec *time, struct itimerspec *before);

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
