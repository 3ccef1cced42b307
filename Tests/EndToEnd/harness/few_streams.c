// few_streams.c: loaded before a process (LD_PRELOAD), each of its HTTP/2 connections to an upstream begins five stream numbers before the last, as if
// 2^30 requests had gone over it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

int nghttp2_session_client_new3(void **session, const void *callbacks, void *user, const void *option, const void *memory) {
    int (*real)(void **, const void *, void *, const void *, const void *) = dlsym(RTLD_NEXT, "nghttp2_session_client_new3");
    int (*begin)(void *, int32_t) = dlsym(RTLD_NEXT, "nghttp2_session_set_next_stream_id");
    int result = real(session, callbacks, user, option, memory);
    if (result == 0) begin(*session, INT32_MAX - 2 * 5);
    return result;
}
