// What ThreadSanitizer must be told of Swift's Mutex. Its quick paths are inlined, so that the sanitizer sees their atomics. Its slow paths lie in
// libswiftSynchronization, which is not instrumented: a lock that had to wait would hand over nothing, and all that it guards would look like a race.
// An object file of this is linked into the program before that library and stands between: same work, and a word to the sanitizer.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *

void __tsan_acquire(void *address);
void __tsan_release(void *address);

typedef SWIFT void (*lock_function)(uint32_t thread, SELF mutex);
typedef SWIFT void (*unlock_function)(SELF mutex);

SWIFT void menwei_lock_slow(uint32_t thread, SELF mutex) __asm__(LOCK_SLOW);
SWIFT void menwei_unlock_slow(SELF mutex) __asm__(UNLOCK_SLOW);

static lock_function real_lock;
static unlock_function real_unlock;

__attribute__((constructor)) static void find_real(void) {
    real_lock = (lock_function)dlsym(RTLD_NEXT, LOCK_SLOW);
    real_unlock = (unlock_function)dlsym(RTLD_NEXT, UNLOCK_SLOW);
}

SWIFT void menwei_lock_slow(uint32_t thread, SELF mutex) {
    real_lock(thread, mutex);
    __tsan_acquire(mutex);
}

SWIFT void menwei_unlock_slow(SELF mutex) {
    __tsan_release(mutex);
    real_unlock(mutex);
}
