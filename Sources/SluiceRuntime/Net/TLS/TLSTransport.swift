import COpenSSL

/// OpenSSL's access to a session's socket: a kind of `BIO`. It is made once and never changes.
enum TLSTransport {
    nonisolated(unsafe) static let method: OpaquePointer? = {
        let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice")
        BIO_meth_set_read(method) { transport, bytes, count in
            guard let transport, let bytes, count > 0, let session = session(of: transport) else { return -1 }
            copenssl_clear_retry_flags(transport)
            let (received, wouldBlock) = session._withUnsafeGuaranteedRef { $0.receive(bytes, Int(count)) }
            if wouldBlock { copenssl_set_retry_read(transport) }
            return Int32(received)
        }
        BIO_meth_set_write(method) { transport, bytes, count in
            guard let transport, let bytes, let session = session(of: transport) else { return -1 }
            session._withUnsafeGuaranteedRef { $0.send(bytes, count) }
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }()

    private static func session(of transport: OpaquePointer) -> Unmanaged<TLSSession>? {
        BIO_get_data(transport).map { Unmanaged<TLSSession>.fromOpaque($0) }
    }
}
