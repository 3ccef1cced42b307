// OpenSSL 3, with `static inline` wrappers for the macros that Swift cannot import.
#pragma once
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/params.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>

static inline long menwei_SSL_CTX_set_mode(SSL_CTX *c, long mode) { return SSL_CTX_set_mode(c, mode); }
static inline long menwei_SSL_CTX_set_session_cache_mode(SSL_CTX *c, long mode) { return SSL_CTX_set_session_cache_mode(c, mode); }
static inline int menwei_SSL_CTX_set_min_proto_version(SSL_CTX *c, int v) { return SSL_CTX_set_min_proto_version(c, v); }
static inline int menwei_SSL_CTX_set_max_proto_version(SSL_CTX *c, int v) { return SSL_CTX_set_max_proto_version(c, v); }
static inline void menwei_SSL_CTX_set_read_ahead(SSL_CTX *c, int on) { SSL_CTX_set_read_ahead(c, on); }
static inline long menwei_SSL_set_tlsext_host_name(SSL *s, const char *name) { return SSL_set_tlsext_host_name(s, name); }
static inline long menwei_SSL_CTX_add0_chain_cert(SSL_CTX *c, X509 *x) { return SSL_CTX_add0_chain_cert(c, x); }
static inline int menwei_SSL_CTX_set1_groups_list(SSL_CTX *c, const char *list) { return (int)SSL_CTX_set1_groups_list(c, (char *)list); }
/// Makes both contexts ready to seal (`encrypt` 1) or to open a session ticket: AES-256-CBC, then HMAC-SHA-256, keys of 32 bytes each. 1 where it worked.
static inline int menwei_ticket_begin(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, const unsigned char *cipher_key, const unsigned char *mac_key, const unsigned char *iv, int encrypt) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)mac_key, 32),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters) == 1 && EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, cipher_key, iv, encrypt) == 1;
}
static inline int menwei_EVP_PKEY_is_a(const EVP_PKEY *k, const char *name) { return EVP_PKEY_is_a(k, name); }
static inline int menwei_sk_GENERAL_NAME_num(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline GENERAL_NAME *menwei_sk_GENERAL_NAME_value(const GENERAL_NAMES *names, int i) { return sk_GENERAL_NAME_value(names, i); }
/// The options of a server that neither renegotiates nor compresses; the macros cast in a way that Swift does not see.
static inline uint64_t menwei_server_options(void) {
    return SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_PRIORITIZE_CHACHA;
}
/// The same for a client.
static inline uint64_t menwei_client_options(void) { return SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION; }
static inline int menwei_SSL_CTX_set_app_data(SSL_CTX *c, void *data) { return (int)SSL_CTX_set_app_data(c, data); }
static inline void *menwei_SSL_CTX_get_app_data(SSL_CTX *c) { return SSL_CTX_get_app_data(c); }
static inline EVP_PKEY *menwei_EVP_EC_gen(const char *curve) { return EVP_EC_gen(curve); }
/// A BIO over a socket that stays the caller's, like `BIO_new_socket(fd, BIO_NOCLOSE)`, which can be told that more follows at once. NULL without memory.
BIO *menwei_BIO_new_socket(int fd);
/// While `more` is not 0, what is written is kept by the kernel until a segment is full, or until something is written without it (MSG_MORE, send(2)).
void menwei_BIO_set_more(BIO *bio, int more);
