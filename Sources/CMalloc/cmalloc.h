// What Swift does not see of the system's allocator.

#ifndef CMALLOC_H
#define CMALLOC_H

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

// Gives the system back what is free in the heap.
static inline void cmalloc_give_back(void) { malloc_trim(0); }

// Has the allocator keep up to `free_bytes` at the end of its heap, and take from the heap whatever is smaller than
// `block_bytes`.
static inline void cmalloc_keep(int free_bytes, int block_bytes) {
    mallopt(M_TRIM_THRESHOLD, free_bytes);
    mallopt(M_MMAP_THRESHOLD, block_bytes);
}
#else
static inline void cmalloc_give_back(void) {}
static inline void cmalloc_keep(int free_bytes, int block_bytes) {}
#endif

#endif
