// OpenSSL for Swift. Swift cannot see function-like macros, so each one that Sluice needs is wrapped in a `static inline`
// function with the prefix `copenssl_`.

#ifndef COPENSSL_H
#define COPENSSL_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline void copenssl_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void copenssl_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline int copenssl_set_min_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline void copenssl_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline void copenssl_set_session_cache_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int copenssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

// Forbids renegotiation and compression, and prefers the server's ciphers.
static inline void copenssl_set_safe_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
}

// Lets no client resume a session.
static inline void copenssl_forbid_tickets(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
}

// Bounds the bytes of the certificates that a peer sends.
static inline void copenssl_set_max_certificates(SSL_CTX *context, long bytes) {
    SSL_CTX_set_max_cert_list(context, bytes);
}

// Chooses the groups for the exchange of keys.
static inline int copenssl_set_groups(SSL_CTX *context, const char *groups) {
    return (int)SSL_CTX_set1_groups_list(context, groups);
}

static inline void copenssl_print_subject(BIO *output, X509 *certificate) {
    X509_NAME_print_ex(output, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
}

static inline int copenssl_certificate_count(const STACK_OF(X509) *chain) { return sk_X509_num(chain); }
static inline X509 *copenssl_certificate(const STACK_OF(X509) *chain, int place) { return sk_X509_value(chain, place); }

// Called with a name in a certificate.
typedef void (*copenssl_name_user)(void *context, const unsigned char *name, int length);

// Calls `use` with each alternative name of `kind`: GEN_DNS or GEN_URI.
static inline void copenssl_each_alternative_name(X509 *certificate, int kind, void *context, copenssl_name_user use) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == kind) use(context, ASN1_STRING_get0_data(name->d.ia5), ASN1_STRING_length(name->d.ia5));
    }
    GENERAL_NAMES_free(names);
}

// Calls `use` with each common name of the subject, in UTF-8.
static inline void copenssl_each_common_name(X509 *certificate, void *context, copenssl_name_user use) {
    X509_NAME *subject = X509_get_subject_name(certificate);
    int i = -1;
    while ((i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0) {
        unsigned char *name = NULL;
        int length = ASN1_STRING_to_UTF8(&name, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
        if (length >= 0) use(context, name, length);
        OPENSSL_free(name);
    }
}

// A new key on the curve P-256.
static inline EVP_PKEY *copenssl_make_key(void) { return EVP_EC_gen("P-256"); }

static inline int copenssl_error_reason(unsigned long error) { return ERR_GET_REASON(error); }
static inline int copenssl_error_library(unsigned long error) { return ERR_GET_LIB(error); }

#endif
