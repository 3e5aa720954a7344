// Functions of the system's allocator that Swift cannot see.

#ifndef CMALLOC_H
#define CMALLOC_H

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

// Returns free memory at the end of the heap, and free pages within it, to the system.
static inline void cmalloc_give_back(void) { malloc_trim(0); }
#else
static inline void cmalloc_give_back(void) {}
#endif

#endif
