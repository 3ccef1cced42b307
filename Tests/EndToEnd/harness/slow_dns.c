// slow_dns.c: loaded before a process (LD_PRELOAD), each look-up of the name "slow.test" takes MENWEI_SLOW_DNS seconds and finds 127.0.0.1.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints, struct addrinfo **restrict found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!node || strcmp(node, "slow.test") != 0) return real(node, service, hints, found);
    const char *seconds = getenv("MENWEI_SLOW_DNS");
    sleep(seconds ? atoi(seconds) : 1);
    return real("127.0.0.1", service, hints, found);
}
