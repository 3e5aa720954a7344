#include "cjemalloc.h"

#ifdef CJEMALLOC_IS_ABSENT

#include <errno.h>

int cjemalloc_start_background_thread(void) { return ENOTSUP; }
long cjemalloc_active_bytes(void) { return 0; }

#else

#include <jemalloc/jemalloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// jemalloc reads this at its start; the environment variable MALLOC_CONF overrides it. Free memory goes back to the system
// within a second. What is returned is unmapped, so that a limit on address space (ulimit -v) counts only what is in use.
const char *malloc_conf = "dirty_decay_ms:1000,muzzy_decay_ms:0,retain:false,max_background_threads:1";

int cjemalloc_start_background_thread(void) {
    bool is_on = true;
    return mallctl("background_thread", NULL, NULL, &is_on, sizeof is_on);
}

long cjemalloc_active_bytes(void) {
    // jemalloc computes its statistics when the epoch is written.
    uint64_t epoch = 1;
    size_t active = 0, size = sizeof active;
    if (mallctl("epoch", NULL, NULL, &epoch, sizeof epoch) != 0) return 0;
    return mallctl("stats.active", &active, &size, NULL, 0) == 0 ? (long)active : 0;
}

#endif
