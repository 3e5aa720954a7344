import COpenSSL
import Glibc

/// A private key from a file that only its owner may read, or the group of a file of root.
struct PrivateKey: ~Copyable {
    private static let maxBytes = 1 << 20

    /// OpenSSL's `EVP_PKEY`.
    let pointer: OpaquePointer

    /// Reads a key in PEM format, without a passphrase.
    ///
    /// What is checked is the open file, so that nobody can replace it between the check and the reading. The file must
    /// belong to the user of this process or to root, and be closed to others. If it belongs to root, its group may read it:
    /// Debian gives keys to the group `ssl-cert`, and Kubernetes to that of a pod.
    ///
    /// - Throws: `.system` if the file cannot be read; `.tls` with the path and what is wrong.
    init(path: String) throws(SluiceError) {
        let attempt = "cannot use the private key in \(path)"
        // Opening a pipe without O_NONBLOCK waits for its other end.
        let number = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard number >= 0 else { throw SluiceError(system: errno, attempt) }
        let descriptor = Descriptor(owning: number)
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { throw SluiceError(system: errno, attempt) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.maxBytes else {
            throw SluiceError(.tls, "\(attempt): it is not a regular file of at most 1 MiB")
        }
        if let problem = Self.problem(of: status) { throw SluiceError(.tls, "\(attempt): \(problem)") }
        // The secret is in this buffer only, and is overwritten before the buffer is freed.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.maxBytes, alignment: 16)
        defer {
            OPENSSL_cleanse(buffer.baseAddress, buffer.count)
            buffer.deallocate()
        }
        var count = 0
        while count < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let read = Socket.uninterrupted { Glibc.read(descriptor.number, rest.baseAddress, rest.count) }
            guard read >= 0 else { throw SluiceError(system: errno, attempt) }
            if read == 0 { break }
            count += read
        }
        ERR_clear_error()
        guard let input = BIO_new_mem_buf(buffer.baseAddress, Int32(count)) else { throw .openSSL(attempt) }
        defer { BIO_free(input) }
        // A key with a passphrase is an error. By default, OpenSSL asks for it at the terminal.
        guard let pointer = PEM_read_bio_PrivateKey(input, nil, { _, _, _, _ in -1 }, nil) else {
            throw .openSSL(attempt)
        }
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    /// Who else could read or replace the key. Nil if nobody could.
    private static func problem(of status: stat) -> String? {
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            return "user \(status.st_uid) owns the file; the owner must be user \(geteuid()) or root"
        }
        let permitted: mode_t = status.st_uid == 0 ? 0o740 : 0o700
        guard status.st_mode & 0o777 & ~permitted == 0 else {
            return "other users of this machine can read or change it; run chmod 600 on the file"
        }
        return nil
    }
}
