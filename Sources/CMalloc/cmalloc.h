// Functions of the system's allocator that Swift cannot see.

#ifndef CMALLOC_H
#define CMALLOC_H

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

// Returns free memory at the end of the heap, and free pages within it, to the system.
static inline void cmalloc_give_back(void) { malloc_trim(0); }

// Makes the allocator keep up to `free_bytes` of free memory at the end of its heap, and allocate blocks that are smaller
// than `block_bytes` from the heap.
static inline void cmalloc_keep(int free_bytes, int block_bytes) {
    mallopt(M_TRIM_THRESHOLD, free_bytes);
    mallopt(M_MMAP_THRESHOLD, block_bytes);
}

// Makes all threads together allocate from at most `count` heaps.
static inline void cmalloc_limit_heaps(int count) { mallopt(M_ARENA_MAX, count); }
#else
static inline void cmalloc_give_back(void) {}
static inline void cmalloc_keep(int free_bytes, int block_bytes) {}
static inline void cmalloc_limit_heaps(int count) {}
#endif

#endif
