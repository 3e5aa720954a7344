#include "cjemalloc.h"

#ifdef CJEMALLOC_IS_ABSENT

#include <errno.h>

int cjemalloc_start_background_thread(void) { return ENOTSUP; }

#else

#include <jemalloc/jemalloc.h>
#include <stdbool.h>
#include <stddef.h>

// jemalloc reads this at its start; the environment variable MALLOC_CONF overrides it. Free memory goes back to the system
// within a second. What is returned is unmapped, so that a limit on address space (ulimit -v) counts only what is in use.
const char *malloc_conf = "dirty_decay_ms:1000,muzzy_decay_ms:0,retain:false,max_background_threads:1";

int cjemalloc_start_background_thread(void) {
    bool is_on = true;
    return mallctl("background_thread", NULL, NULL, &is_on, sizeof is_on);
}

#endif
