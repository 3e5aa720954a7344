// System calls of Linux for Swift, which cannot see macros and functions with variable arguments. The headers of an older
// system lack much of Landlock, so its numbers are written here; they are the same on every machine.

#ifndef CLINUX_H
#define CLINUX_H

#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int clinux_forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// Forbids core dumps, and other processes of the user to look into this one.
static inline int clinux_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

// Returns the version of Landlock, or -1 if the kernel lacks it or it is turned off.
static inline int clinux_landlock_version(void) { return (int)syscall(444, (void *)0, (size_t)0, 1u); }

// Creates a ruleset that denies the named kinds of access, apart from what its rules allow. Returns its descriptor.
static inline int clinux_landlock_create(uint64_t files, uint64_t network, uint64_t scopes) {
    struct {
        uint64_t files, network, scopes;
    } denied = {files, network, scopes};
    return (int)syscall(444, &denied, sizeof denied, 0u);
}

// Allows kinds of access to a file, or to everything beneath a directory.
static inline int clinux_landlock_allow(int ruleset, int descriptor, uint64_t files) {
    struct {
        uint64_t files;
        int32_t descriptor;
    } __attribute__((packed)) rule = {files, descriptor};
    return (int)syscall(445, ruleset, 1, &rule, 0u);
}

// Applies the ruleset to this thread and the threads that it starts.
static inline int clinux_landlock_apply(int ruleset) { return (int)syscall(446, ruleset, 0u); }

#endif
