"""Sample targets with threads, for boot scenarios. A case that finds something wrong aborts."""
from tests.qemu.sample_targets import ENTRY

# Threads that wait for each other without a system call: on a flag, on locks of their own and of the library, and for a
# sleeper. What each computes in vector and x87 registers meanwhile must stay.
SPINNING = f"""
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static int flag, held;
static long count, spun;
static pthread_spinlock_t spin;
static __thread long own;
static void *add(void *step) {{
    float x[4] = {{0, 0, 0, 0}};
    long double y = 0;
    for (int i = 0; i < 3000; i++) {{
        while (__atomic_exchange_n(&held, 1, __ATOMIC_ACQUIRE));
        count++, own++;
        __atomic_store_n(&held, 0, __ATOMIC_RELEASE);
        pthread_spin_lock(&spin);
        for (int j = 0; j < 3; j++) spun++;
        pthread_spin_unlock(&spin);
        for (int j = 0; j < 4; j++) x[j] += (float)(long)step * (float)(j + 1);
        y += 0.5L;
    }}
    for (int j = 0; j < 4; j++) if (x[j] != 3000 * (float)(long)step * (float)(j + 1)) abort();
    if (y != 1500 || own != 3000) abort();
    return step;
}}
static void *set(void *ms) {{
    usleep((unsigned)(long)ms * 1000);
    __atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
    return ms;
}}
static void *see(void *none) {{ while (!__atomic_load_n(&flag, __ATOMIC_ACQUIRE)); return none; }}
{ENTRY} {{
    pthread_t threads[5];
    void *(*const does[])(void *) = {{see, add, add, set, see}};
    if (size && data[0] == 'E') for (;;) see(NULL); /* one thread has no other to wait for: a timeout */
    if (pthread_spin_init(&spin, 0)) abort();
    for (long i = 0; i < 5; i++) if (pthread_create(&threads[i], NULL, does[i], (void *)(i + 1))) abort();
    see(NULL);
    for (long i = 0; i < 5; i++) {{
        void *gave;
        if (pthread_join(threads[i], &gave) || gave != (void *)(i + 1)) abort();
    }}
    if (count != 6000 || spun != 18000 || own) abort();
    return 0;
}}
"""

# The C++ library's threads: a queue between producers and consumers, a future, call_once, thread-local storage.
STANDARD = """
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
static thread_local std::string own = "own";
struct Queue {
    std::mutex lock;
    std::condition_variable changed;
    std::deque<int> items;
    bool closed = false;
    void put(int item) { { std::lock_guard guard(lock); items.push_back(item); } changed.notify_one(); }
    void close() { { std::lock_guard guard(lock); closed = true; } changed.notify_all(); }
    bool take(int &item) {
        std::unique_lock guard(lock);
        changed.wait(guard, [&] { return closed || !items.empty(); });
        if (items.empty()) return false;
        item = items.front();
        items.pop_front();
        return true;
    }
};
extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size) {
    Queue queue;
    std::atomic<long> sum = 0, ready = 0;
    std::once_flag once;
    int inits = 0;
    std::vector<std::thread> consumers, producers;
    for (int i = 0; i < 2; ++i)
        consumers.emplace_back([&] {
            own += "!";
            std::call_once(once, [&] { ++inits; });
            ++ready;
            for (int item; queue.take(item);) sum += item;
            if (own != "own!") std::abort();
        });
    for (int i = 0; i < 2; ++i)
        producers.emplace_back([&] {
            while (ready < 2) { }
            for (unsigned long j = 0; j < 100; ++j) queue.put(size ? data[j % size] + 1 : 1);
        });
    for (auto &thread : producers) thread.join();
    queue.close();
    for (auto &thread : consumers) thread.join();
    auto thrown = std::async(std::launch::async, []() -> int { throw std::runtime_error("in a thread"); });
    try { thrown.get(); std::abort(); } catch (const std::runtime_error &) { }
    long wanted = 0;
    for (unsigned long j = 0; j < 100; ++j) wanted += 2 * (size ? data[j % size] + 1 : 1);
    if (sum != wanted || inits != 1 || own != "own") std::abort();
    return 0;
}
"""

# Mappings without rights, as for threads' stacks: which pages can be read afterwards.
MAPPINGS = f"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
enum {{ page = 4096, rw = PROT_READ | PROT_WRITE }};
static int ends[2];
static int readable(const char *at) {{
    char byte;
    if (write(ends[1], at, 1) == 1) return read(ends[0], &byte, 1) == 1;
    if (errno != EFAULT) abort();
    return 0;
}}
static char *map(int pages, int rights) {{
    char *const at = mmap(NULL, pages * page, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) abort();
    return at;
}}
static void expect(const char *at, const char *pages) {{
    for (int i = 0; pages[i]; i++) if (readable(at + i * page) != (pages[i] == 'r')) abort();
}}
{ENTRY} {{
    if (pipe(ends)) abort();
    char *const none = map(3, PROT_NONE);
    expect(none, "---");
    char *const upper = map(4, PROT_NONE);
    if (mprotect(upper + 2 * page, 2 * page, rw)) abort();
    upper[2 * page] = 1;
    expect(upper, "--rr");
    char *const middle = map(4, PROT_NONE);
    if (mprotect(middle + page, page, rw) || mprotect(middle + 3 * page, page, PROT_READ)) abort();
    expect(middle, "-r-r");
    char *const all = map(2, PROT_NONE);
    if (mprotect(all, 2 * page, rw)) abort();
    expect(all, "rr");
    char *const wrong = map(2, PROT_NONE);
    if (!mprotect(wrong + page, page, 64) || !mprotect(wrong + page, 8 * page, rw)) abort();
    expect(wrong, "--");
    char *const gone = map(6, rw), *const stays = map(1, rw);
    if (mprotect(gone + page, page, PROT_READ) || munmap(gone + 3 * page, page) || munmap(gone, 6 * page)) abort();
    expect(gone, "------");
    expect(stays, "r");
    expect(middle, "-r-r");
    if (munmap(none, 3 * page) || munmap(upper, 4 * page)) abort();
    expect(none, "-------");
    return data && size ? 0 : 0;
}}
"""

# Each of two threads has a lock that the other one waits for, and the harness waits for them.
LOCKED = f"""
#include <pthread.h>
static pthread_mutex_t left = PTHREAD_MUTEX_INITIALIZER, right = PTHREAD_MUTEX_INITIALIZER;
static int held;
__attribute__((noinline)) static void take_both(pthread_mutex_t *first, pthread_mutex_t *second) {{
    pthread_mutex_lock(first);
    __atomic_add_fetch(&held, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&held, __ATOMIC_SEQ_CST) < 2);
    pthread_mutex_lock(second);
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
}}
static void *begin_left(void *none) {{ take_both(&left, &right); return none; }}
static void *begin_right(void *none) {{ take_both(&right, &left); return none; }}
{ENTRY} {{
    pthread_t threads[2];
    if (!size || data[0] != 'D') return 0;
    pthread_create(&threads[0], NULL, begin_left, NULL);
    pthread_create(&threads[1], NULL, begin_right, NULL);
    return pthread_join(threads[0], NULL) || pthread_join(threads[1], NULL);
}}
"""

# Blocks to which only a thread that waits, or a mapping, has a pointer: no leaks. One without any pointer is a leak.
REACHED = f"""
#include <pthread.h>
#include <sanitizer/lsan_interface.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
static pthread_barrier_t barrier;
static void *hold(void *none) {{
    char *volatile block = malloc(100);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    free(block);
    return none;
}}
{ENTRY} {{
    pthread_t thread;
    void **const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || pthread_barrier_init(&barrier, NULL, 2)) abort();
    page[100] = malloc(50);
    if (pthread_create(&thread, NULL, hold, NULL)) abort();
    pthread_barrier_wait(&barrier);
    if (__lsan_do_recoverable_leak_check()) abort();
    page[100] = (void *)(size + !data);
    if (!__lsan_do_recoverable_leak_check()) abort();
    pthread_barrier_wait(&barrier);
    return pthread_join(thread, NULL);
}}
"""

# The cheapest thread: its stack is made and removed, and it gets its turn once.
ONE_THREAD = f"""
#include <pthread.h>
static void *work(void *p) {{ return p; }}
{ENTRY} {{
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL)) return 0;
    pthread_join(thread, NULL);
    return size && data[0] > 255;
}}
"""

# A thread made before the snapshot spins in every case until there is work, and for a signal of the first thread.
BACKGROUND = f"""
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
static pthread_t worker;
static int wanted, done, signalled;
static void handle(int number) {{ signalled = number; }}
static void *work(void *none) {{
    for (int next = 1;; next++) {{
        while (__atomic_load_n(&wanted, __ATOMIC_ACQUIRE) != next);
        while (!__atomic_load_n(&signalled, __ATOMIC_ACQUIRE));
        __atomic_store_n(&done, next, __ATOMIC_RELEASE);
    }}
    return none;
}}
int LLVMFuzzerInitialize(int *count, char ***words) {{
    signal(SIGUSR1, handle);
    return pthread_create(&worker, NULL, work, NULL) + !count + !words;
}}
{ENTRY} {{
    for (int i = 1; i <= 3; i++) {{
        signalled = 0;
        __atomic_store_n(&wanted, i, __ATOMIC_RELEASE);
        if (pthread_kill(worker, SIGUSR1)) abort();
        while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != i);
        if (signalled != SIGUSR1) abort();
    }}
    return size && data[0] > 255;
}}
"""
