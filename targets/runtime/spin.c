// targets/runtime/spin.c — the C library's spin lock, whose own loop has no edges.
//
// Threads run one at a time, and one may lose its turn while it holds the lock. A loop without edges would
// keep the turn for ever, so a thread that waits here gives it away.
#include "targets/runtime/runtime.h"

int pthread_spin_trylock(volatile int *lock);
int sched_yield(void);

int pthread_spin_lock(volatile int *lock) {
    while (pthread_spin_trylock(lock) != 0) {
        spend(1);
        sched_yield();
    }
    return 0;
}
