import COpenSSL
import Glibc

extension TLSServerContext {
    /// The time at which the certificate expires, in seconds since 1970. Nil if it cannot be told.
    package var expiry: Int? {
        guard let certificate = SSL_CTX_get0_certificate(context.pointer),
            let end = X509_get0_notAfter(certificate)
        else { return nil }
        var fields = tm()
        guard ASN1_TIME_to_tm(end, &fields) == 1 else { return nil }
        return timegm(&fields)
    }
}
