// The allocator of `sluiced`: jemalloc, which replaces that of the C library in the whole process.

#ifndef CJEMALLOC_H
#define CJEMALLOC_H

// Starts a thread that returns free memory to the system, a little at a time. Returns 0, or an error number.
int cjemalloc_start_background_thread(void);

// Returns the bytes of the pages that hold objects, including the gaps between the objects. 0 if that is not known.
long cjemalloc_active_bytes(void);

#endif
