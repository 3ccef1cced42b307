#include "COpenSSL.h"
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

// The BIO's data is the descriptor and, in the bit above it, whether more follows: nothing to allocate or to free.
#define MORE ((uintptr_t)1 << 32)

static int descriptor(BIO *bio) { return (int)((uintptr_t)BIO_get_data(bio) & 0xffffffff); }

static int is_temporary(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == EINPROGRESS; }

static int write_bytes(BIO *bio, const char *bytes, int count) {
    int flags = (uintptr_t)BIO_get_data(bio) & MORE ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
    BIO_clear_retry_flags(bio);
    int sent = (int)send(descriptor(bio), bytes, (size_t)count, flags);
    if (sent <= 0 && is_temporary(errno)) BIO_set_retry_write(bio);
    return sent;
}

static int read_bytes(BIO *bio, char *room, int count) {
    BIO_clear_retry_flags(bio);
    int got = (int)recv(descriptor(bio), room, (size_t)count, 0);
    if (got < 0 && is_temporary(errno)) BIO_set_retry_read(bio);
    if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return got;
}

static long control(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    case BIO_C_GET_FD:
        if (pointer != NULL) *(int *)pointer = descriptor(bio);
        return descriptor(bio);
    default: return 0;
    }
}

static BIO_METHOD *method;

__attribute__((constructor)) static void make_method(void) {
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "menwei socket");
    if (method == NULL) return;
    BIO_meth_set_write(method, write_bytes);
    BIO_meth_set_read(method, read_bytes);
    BIO_meth_set_ctrl(method, control);
}

BIO *menwei_BIO_new_socket(int fd) {
    BIO *bio = method == NULL ? NULL : BIO_new(method);
    if (bio == NULL) return NULL;
    BIO_set_data(bio, (void *)(uintptr_t)(unsigned)fd);
    BIO_set_init(bio, 1);
    return bio;
}

void menwei_BIO_set_more(BIO *bio, int more) {
    uintptr_t data = (uintptr_t)BIO_get_data(bio);
    BIO_set_data(bio, (void *)(more ? data | MORE : data & ~MORE));
}
