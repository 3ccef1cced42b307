// What ThreadSanitizer must be told of Swift's continuations. One that is resumed before its task waits for it hands its value over by an atomic in
// libswift_Concurrency, which is not instrumented (one that is waited for comes back through our own mailbox, which the sanitizer sees). An object file of
// this is linked into the program before that library and stands between: same work, and a word to the sanitizer.
#define _GNU_SOURCE
#include <dlfcn.h>

#define SWIFT __attribute__((swiftcall))
#define ASYNC __attribute__((swiftasynccall))

void __tsan_acquire(void *address);
void __tsan_release(void *address);
SWIFT void *swift_task_getCurrent(void);

typedef SWIFT void (*resume_function)(void *task);
typedef ASYNC void (*await_function)(void *context);

static resume_function real_resume;
static await_function real_await;

__attribute__((constructor)) static void find_real(void) {
    real_resume = (resume_function)dlsym(RTLD_NEXT, "swift_continuation_resume");
    real_await = (await_function)dlsym(RTLD_NEXT, "swift_continuation_await");
}

SWIFT void swift_continuation_resume(void *task) {
    __tsan_release(task);
    real_resume(task);
}

ASYNC void swift_continuation_await(void *context) {
    __tsan_acquire(swift_task_getCurrent());
    __attribute__((musttail)) return real_await(context);
}
