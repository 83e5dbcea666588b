#ifndef SPILLWAY_OPENSSL_H
#define SPILLWAY_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// What OpenSSL has as macros only, which Swift can't see.

static inline int spillway_ssl_ctx_set_min_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version) == 1;
}

// No renegotiation, no compression, the server's order of ciphers unless the client prefers ChaCha20; buffers of idle
// connections are given back.
static inline void spillway_ssl_ctx_set_server_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

// What a memory BIO holds, without copying it; valid until the next call on the BIO.
static inline long spillway_bio_contents(BIO *bio, char **contents) { return BIO_get_mem_data(bio, contents); }

static inline void spillway_bio_clear(BIO *bio) { (void)BIO_reset(bio); }

#endif
