// Counts what the process allocates, by standing in for the C library's malloc and its kin.
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

// Counts from here on, or not any more. Off at the start, when a call costs one branch more than without us.
void allocations_count(int isOn);

// How many calls there were while counting was on. Growing a block counts as one.
long allocations_made(void);

#endif
