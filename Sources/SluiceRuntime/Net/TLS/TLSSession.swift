import CLibev
import COpenSSL
import Glibc

/// The TLS of one connection: encrypts what is written, and decrypts what is read.
///
/// The handshake is a part of the first reads and writes. Encrypted bytes that the kernel does not take are kept here, so
/// OpenSSL itself never waits to write, and one system call writes all records of a turn. Used on one thread.
final class TLSSession {
    /// The most bytes that are encrypted before the kernel takes them.
    private static let mostEncrypted = 64 << 10

    /// OpenSSL's `SSL`.
    private let pointer: OpaquePointer
    private let role: TLSRole
    /// The socket of the call that runs. Only the socket's owner knows whether it is still open.
    private var descriptor: Int32 = -1
    /// The encrypted bytes that the kernel has not taken, from `sent` on.
    private var unsent: [UInt8] = []
    private var sent = 0
    private var hasFinishedWriting = false
    /// Whether the end of the output has been passed to the kernel.
    private var hasShutDown = false
    /// The error number of the last call on the socket; 0 if it succeeded.
    private(set) var socketError: Int32 = 0
    private var hasReceived = false
    /// Whether there may be input that the kernel does not report, because it was received with other bytes: those of the
    /// handshake, or of a read whose buffer was full.
    private(set) var hasBufferedInput = false
    /// Whether the first byte of the peer does not belong to TLS.
    private(set) var peerSpeaksPlainText = false
    /// What is wrong with the peer's certificate.
    private var certificateFault: String?
    /// Why the session has failed; nil while it has not.
    private(set) var failure: String?
    private var tickets: (store: TicketStore, server: String)?

    init(_ role: TLSRole, _ context: TLSContext) throws(SluiceError) {
        ERR_clear_error()
        guard let pointer = SSL_new(context.pointer) else { throw .openSSL("cannot start TLS") }
        guard let transport = BIO_new(TLSTransport.method) else {
            SSL_free(pointer)
            throw .openSSL("cannot start TLS")
        }
        self.pointer = pointer
        self.role = role
        let session = Unmanaged.passUnretained(self).toOpaque()
        BIO_set_data(transport, session)
        BIO_set_init(transport, 1)
        // The session takes over the transport.
        SSL_set_bio(pointer, transport, transport)
        SSL_set_ex_data(pointer, 0, session)
        if role == .client { SSL_set_connect_state(pointer) } else { SSL_set_accept_state(pointer) }
    }

    deinit {
        // Otherwise OpenSSL forbids to resume a session whose connection was closed without TLS's end, as is usual.
        if failure == nil { SSL_set_shutdown(pointer, SSL_SENT_SHUTDOWN) }
        SSL_free(pointer)
    }

    /// Makes the handshake fail unless the server's certificate is for `name`, a host name or an IP address.
    func expectServer(called name: String) throws(SluiceError) {
        ERR_clear_error()
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(pointer), name) == 1 { return }
        ERR_clear_error()
        // An IP address is not a server name.
        guard copenssl_set_server_name(pointer, name) == 1, SSL_set1_host(pointer, name) == 1 else {
            throw .openSSL("cannot expect the server \(name)")
        }
        SSL_set_hostflags(pointer, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    }

    /// Resumes an earlier session with the server, and keeps the tickets of this one.
    func resumeAndKeepTickets(of server: String, in store: TicketStore) {
        tickets = (store, server)
        store.take(of: server) { SSL_set_session(pointer, $0) }
    }

    /// Keeps a ticket of the server.
    ///
    /// - Returns: whether the store has taken over the caller's reference.
    func keep(_ ticket: OpaquePointer) -> Bool {
        guard let (store, server) = tickets else { return false }
        store.keep(ticket, of: server)
        return true
    }

    // MARK: State

    /// Whether the handshake is over.
    var isEstablished: Bool { SSL_is_init_finished(pointer) == 1 }
    /// Whether there are encrypted bytes that the kernel has not taken.
    var hasUnsentOutput: Bool { !unsent.isEmpty }

    /// Who the peer is and how the session is encrypted; nil before the end of the handshake.
    var description: TLSDescription? {
        guard isEstablished else { return nil }
        var (name, length): (UnsafePointer<UInt8>?, UInt32) = (nil, 0)
        SSL_get0_alpn_selected(pointer, &name, &length)
        return TLSDescription(
            version: String(cString: SSL_get_version(pointer)),
            cipher: SSL_get_current_cipher(pointer).map { String(cString: SSL_CIPHER_get_name($0)) } ?? "",
            peerSubject: SSL_get0_peer_certificate(pointer).map(Self.subject),
            applicationProtocol: name.map {
                String(decoding: UnsafeBufferPointer(start: $0, count: Int(length)), as: UTF8.self)
            },
            isResumed: SSL_session_reused(pointer) == 1)
    }

    // MARK: Transfer

    /// Continues the handshake over a socket without waiting.
    ///
    /// - Returns: `.bytes(0)` when it is over.
    func shakeHands(over socket: Int32) -> ReadAttempt {
        descriptor = socket
        if failure != nil { return .failed(errno: EPROTO) }
        ERR_clear_error()
        let result = SSL_do_handshake(pointer)
        // The peer's first bytes may have come with the end of its handshake.
        hasBufferedInput = result == 1 && SSL_has_pending(pointer) == 1
        let attempt = result == 1 ? .bytes(0) : attempt(after: result)
        return flush(to: socket) ? attempt : .failed(errno: socketError)
    }

    /// Reads from a socket without waiting, as `Socket.tryRead`.
    func tryRead(_ socket: Int32, into buffer: UnsafeMutableRawBufferPointer) -> ReadAttempt {
        descriptor = socket
        if failure != nil { return .failed(errno: EPROTO) }
        var count = 0
        var last = ReadAttempt.wouldBlock
        hasBufferedInput = false
        repeat {
            ERR_clear_error()
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let result = SSL_read(pointer, rest.baseAddress, Int32(clamping: rest.count))
            guard result > 0 else {
                last = attempt(after: result)
                break
            }
            count += Int(result)
            // A peer may send records faster than they are read, so a full buffer ends this as well.
            hasBufferedInput = count == buffer.count && SSL_has_pending(pointer) == 1
        } while count < buffer.count && SSL_has_pending(pointer) == 1
        // Alerts, tickets and the handshake are output too.
        if !flush(to: socket), count == 0 { return .failed(errno: socketError) }
        return count > 0 ? .bytes(count) : last
    }

    /// Encrypts bytes and writes them to a socket without waiting, as `Socket.tryWrite`. The kernel may not have taken
    /// all of the encrypted bytes: see `hasUnsentOutput`.
    func tryWrite(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> WriteAttempt {
        if failure != nil { return .failed(errno: EPROTO) }
        guard flush(to: socket) else { return .failed(errno: socketError) }
        if hasUnsentOutput { return .wouldBlock }
        ERR_clear_error()
        let result = SSL_write(pointer, bytes.baseAddress, Int32(min(bytes.count, Self.mostEncrypted)))
        guard flush(to: socket) else { return .failed(errno: socketError) }
        if result > 0 { return .bytes(Int(result)) }
        if case .failed(let errno) = attempt(after: result) { return .failed(errno: errno) }
        return .wouldBlock
    }

    /// Writes the encrypted bytes as far as the kernel takes them.
    ///
    /// - Returns: false if the connection is broken.
    @discardableResult
    func flush(to socket: Int32) -> Bool {
        descriptor = socket
        while sent < unsent.count {
            switch unsent.withUnsafeBytes({ Socket.tryWrite(socket, UnsafeRawBufferPointer(rebasing: $0[sent...])) }) {
            case .bytes(let count): sent += count
            case .wouldBlock: return true
            case .failed(let errno):
                socketError = errno
                return false
            }
        }
        // An idle session keeps no buffer.
        unsent = []
        sent = 0
        if hasFinishedWriting, !hasShutDown {
            hasShutDown = true
            shutdown(socket, Int32(SHUT_WR))
        }
        return true
    }

    /// Ends the output: the peer reads to the end, and can tell that from a connection that somebody has cut.
    func finishWriting(to socket: Int32) {
        guard !hasFinishedWriting else { return }
        hasFinishedWriting = true
        if isEstablished, failure == nil {
            ERR_clear_error()
            SSL_shutdown(pointer)
        }
        flush(to: socket)
    }

    /// What a call that returned `result`, which is not positive, means.
    private func attempt(after result: Int32) -> ReadAttempt {
        switch SSL_get_error(pointer, result) {
        case SSL_ERROR_WANT_READ: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .endOfStream
        case SSL_ERROR_SYSCALL where socketError != 0: return .failed(errno: socketError)
        default:
            let error = ERR_peek_error()
            // A FIN without the end of TLS before it: somebody may have cut the connection.
            if copenssl_error_reason(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING || error == 0 {
                return .failed(errno: ECONNRESET)
            }
            failure = describe(error)
            return .failed(errno: EPROTO)
        }
    }

    // MARK: The transport's calls

    /// Receives encrypted bytes.
    ///
    /// - Returns: their number; 0 at the end of the input; -1 if there are none, or the call failed.
    func receive(_ bytes: UnsafeMutablePointer<CChar>, _ count: Int32) -> (count: Int32, wouldBlock: Bool) {
        socketError = 0
        switch Socket.tryRead(descriptor, into: UnsafeMutableRawBufferPointer(start: bytes, count: Int(count))) {
        case .bytes(let count):
            if !hasReceived { inspectFirst(UInt8(bitPattern: bytes[0])) }
            return (Int32(count), false)
        case .endOfStream: return (0, false)
        case .wouldBlock: return (-1, true)
        case .failed(let errno):
            socketError = errno
            return (-1, false)
        }
    }

    /// Takes encrypted bytes, to be sent by `flush`.
    func send(_ bytes: UnsafePointer<CChar>, _ count: Int32) {
        unsent.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    }

    private func inspectFirst(_ byte: UInt8) {
        hasReceived = true
        // A handshake or an alert.
        peerSpeaksPlainText = byte != 0x16 && byte != 0x15
    }

    // MARK: Faults

    /// Keeps what is wrong with a certificate of the peer's chain. Only the first fault counts.
    func noteInvalidCertificate(of store: OpaquePointer) {
        guard certificateFault == nil else { return }
        let reason = String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(store))))
        guard let certificate = X509_STORE_CTX_get_current_cert(store) else { return certificateFault = reason }
        certificateFault = "\(reason) (the certificate of \(Self.subject(of: certificate)))"
    }

    private func describe(_ error: UInt) -> String {
        if peerSpeaksPlainText { return "the \(role == .client ? "server" : "client") does not speak TLS" }
        if let certificateFault {
            return "the \(role == .client ? "server" : "client")'s certificate: \(certificateFault)"
        }
        return Self.reason(of: error)
    }

    /// OpenSSL's reason for an error, in words.
    static func reason(of error: UInt) -> String {
        guard error != 0 else { return "for a reason that OpenSSL does not give" }
        if copenssl_error_library(error) == ERR_LIB_SYS {
            return String(cString: strerror(copenssl_error_reason(error)))
        }
        guard let reason = ERR_reason_error_string(error) else { return "OpenSSL's error \(error)" }
        return String(cString: reason)
    }

    /// The subject of a certificate, such as "CN=hub.example.org".
    private static func subject(of certificate: OpaquePointer) -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(memory) }
        copenssl_print_subject(memory, certificate)
        var bytes = [CChar](repeating: 0, count: 256)
        let count = BIO_read(memory, &bytes, Int32(bytes.count))
        return String(decoding: bytes.prefix(Int(max(count, 0))).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    // MARK: From OpenSSL's pointers

    /// The session whose `SSL` this is.
    static func of(_ ssl: OpaquePointer) -> TLSSession? {
        SSL_get_ex_data(ssl, 0).map { Unmanaged<TLSSession>.fromOpaque($0).takeUnretainedValue() }
    }

    /// The session whose peer's certificates a store verifies.
    static func verifying(_ store: OpaquePointer) -> TLSSession? {
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()).flatMap { of(OpaquePointer($0)) }
    }
}
