// What Swift does not see of the system's allocator.

#ifndef CMALLOC_H
#define CMALLOC_H

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

// Gives the system back what is free in the heap.
static inline void cmalloc_give_back(void) { malloc_trim(0); }
#else
static inline void cmalloc_give_back(void) {}
#endif

#endif
