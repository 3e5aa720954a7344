import CLibev
import COpenSSL
import Glibc

/// The TLS of one connection: encrypts what is written, and decrypts what is read. Used on one thread at a time.
///
/// The handshake is a part of the first reads and writes. Encrypted bytes that the kernel does not take are kept here, so
/// OpenSSL never waits to write, and a system call writes all records of a call. Received bytes that OpenSSL has not
/// processed are kept here too, so that one system call reads many records, and a peer cannot make OpenSSL process more of
/// them in a call than `mostRecords`.
package final class TLSSession {
    /// The most bytes that are encrypted before the kernel takes them.
    private static let mostEncrypted = 64 << 10
    /// The most bytes of a record's content.
    private static let mostOfRecord = 16 << 10
    /// The most records that a call processes.
    private static let mostRecords = 64
    /// The most updates of the keys that a peer may send for one call. Each takes about 30 µs, and a peer that keeps to
    /// the rules sends one after millions of records.
    static let mostKeyUpdates = 8
    /// While more encrypted bytes than these wait for the kernel, nothing is read, because a peer's records can demand
    /// answers.
    private static let mostUnsent = 128 << 10

    /// OpenSSL's `SSL`.
    let pointer: OpaquePointer
    /// Retained, because OpenSSL keeps pointers into it.
    private let context: TLSContext
    private let role: TLSRole
    private var received = TLSInput()
    /// The records whose reading has begun in the last call.
    private(set) var recordsOfCall = 0
    /// The updates of the keys in the last call.
    private(set) var keyUpdatesOfCall = 0
    /// The encrypted bytes that the kernel has not taken, from `sent` on.
    private var unsent: [UInt8] = []
    private var sent = 0
    /// Whether the call that runs makes one record, which the kernel can get without a copy in between.
    private var sendsAtOnce = false
    private var hasFinishedWriting = false
    /// Whether the end of the output has been passed to the kernel.
    private var hasShutDown = false
    /// The socket of the call that runs. Only the socket's owner knows whether it is still open.
    private var descriptor: Int32 = -1
    /// The error number of the last call on the socket; 0 if it succeeded.
    private(set) var socketError: Int32 = 0
    /// The end of the input, which was found behind data and is returned by the next read.
    private var end: ReadAttempt?
    private var hasReceived = false
    /// Whether there may be input that the kernel does not report, because it was received with other bytes.
    package private(set) var hasBufferedInput = false
    /// Whether the first byte of the peer does not belong to TLS.
    private(set) var peerSpeaksPlainText = false
    /// What is wrong with the peer's certificate.
    private var certificateFault: String?
    /// Why the session has failed; nil while it has not.
    package private(set) var failure: String?
    private var tickets: (store: TicketStore, server: String)?

    init(_ role: TLSRole, _ context: TLSContext) throws(SluiceError) {
        ERR_clear_error()
        guard let pointer = SSL_new(context.pointer) else { throw .openSSL("cannot start TLS") }
        guard let transport = BIO_new(TLSTransport.method) else {
            SSL_free(pointer)
            throw .openSSL("cannot start TLS")
        }
        self.pointer = pointer
        self.context = context
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
        // OpenSSL does not resume a session that was closed without `close_notify`, which is usual.
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
            throw .openSSL("cannot verify the server name \(name)")
        }
        SSL_set_hostflags(pointer, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    }

    /// Resumes an earlier session with the server, and keeps the tickets of this one.
    func resumeAndKeepTickets(of server: String, in store: TicketStore) {
        tickets = (store, server)
        store.use(of: server) { SSL_set_session(pointer, $0) }
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
    package var isEstablished: Bool { SSL_is_init_finished(pointer) == 1 }
    /// The encrypted bytes that the kernel has not taken.
    package var unsentBytes: Int { unsent.count - sent }
    /// The memory of the received bytes that are not processed, and of those that the kernel has not taken.
    var heldBytes: Int {
        // OpenSSL keeps a buffer for a record that is not complete.
        received.capacity + unsent.count + (SSL_has_pending(pointer) == 1 ? TLSInput.recordBytes : 0)
    }
    /// Whether nothing is read until the kernel takes some of the encrypted bytes.
    var isClogged: Bool { unsentBytes > Self.mostUnsent }

    /// Who the peer is and how the session is encrypted; nil before the end of the handshake.
    var description: TLSDescription? {
        guard isEstablished else { return nil }
        var (name, length): (UnsafePointer<UInt8>?, UInt32) = (nil, 0)
        SSL_get0_alpn_selected(pointer, &name, &length)
        return TLSDescription(
            version: SSL_version(pointer) == TLS1_3_VERSION ? .v1_3 : .v1_2,
            cipher: SSL_get_current_cipher(pointer).map { String(cString: SSL_CIPHER_get_name($0)) } ?? "",
            peerSubject: SSL_get0_peer_certificate(pointer).map(Self.subject),
            applicationProtocol: name.map {
                String(decoding: UnsafeBufferPointer(start: $0, count: Int(length)), as: UTF8.self)
            },
            isResumed: SSL_session_reused(pointer) == 1)
    }

    // MARK: Transfer

    private func begin(_ socket: Int32) {
        descriptor = socket
        recordsOfCall = 0
        keyUpdatesOfCall = 0
        // Clearing visits every place of the queue, which took 500 instructions for each call.
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// Continues the handshake over a socket without waiting.
    ///
    /// - Returns: `.bytes(0)` when it is over.
    package func continueHandshake(over socket: Int32) -> ReadAttempt {
        if failure != nil { return .failed(errno: EPROTO) }
        if socket < 0 { return .failed(errno: EBADF) }
        begin(socket)
        let result = SSL_do_handshake(pointer)
        let attempt = result == 1 ? .bytes(0) : outcome(of: result)
        // The peer's first bytes may have come with the end of its handshake.
        hasBufferedInput = !received.isEmpty
        received.shrink()
        return flush(to: socket) ? attempt : .failed(errno: socketError)
    }

    /// Reads from a socket without waiting, as `Socket.tryRead`.
    package func tryRead(_ socket: Int32, into buffer: UnsafeMutableRawBufferPointer) -> ReadAttempt {
        if failure != nil { return .failed(errno: EPROTO) }
        if socket < 0 { return .failed(errno: EBADF) }
        hasBufferedInput = false
        if let end { return end }
        if isClogged { return .wouldBlock }
        begin(socket)
        var count = 0
        var last = ReadAttempt.wouldBlock
        while count < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let result = SSL_read(pointer, rest.baseAddress, Int32(clamping: rest.count))
            guard result > 0 else {
                last = outcome(of: result)
                break
            }
            count += Int(result)
            // The kernel reports what it still has.
            if received.isEmpty, SSL_pending(pointer) == 0 { break }
        }
        if count > 0, last != .wouldBlock { end = last }
        hasBufferedInput = end != nil || SSL_pending(pointer) > 0 || !received.isEmpty
        received.shrink()
        // Alerts, tickets and answers to updates of the keys are output too.
        if !flush(to: socket), count == 0 { return .failed(errno: socketError) }
        return count > 0 ? .bytes(count) : last
    }

    /// Encrypts bytes and writes them to a socket without waiting, as `Socket.tryWrite`. The kernel may not have taken
    /// all of the encrypted bytes: see `unsentBytes`.
    package func tryWrite(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> WriteAttempt {
        if failure != nil { return .failed(errno: EPROTO) }
        if socket < 0 { return .failed(errno: EBADF) }
        guard flush(to: socket) else { return .failed(errno: socketError) }
        if unsentBytes > 0 { return .wouldBlock }
        begin(socket)
        sendsAtOnce = bytes.count <= Self.mostOfRecord
        let result = SSL_write(pointer, bytes.baseAddress, Int32(min(bytes.count, Self.mostEncrypted)))
        sendsAtOnce = false
        let attempt = result > 0 ? ReadAttempt.bytes(Int(result)) : outcome(of: result)
        guard flush(to: socket) else { return .failed(errno: socketError) }
        switch attempt {
        case .bytes(let count): return .bytes(count)
        case .failed(let errno): return .failed(errno: errno)
        case .wouldBlock, .endOfStream: return .wouldBlock
        }
    }

    /// Writes the encrypted bytes as far as the kernel takes them.
    ///
    /// - Returns: false if the connection is broken.
    @discardableResult
    package func flush(to socket: Int32) -> Bool {
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
        if !unsent.isEmpty { unsent = [] }
        sent = 0
        if hasFinishedWriting, !hasShutDown {
            hasShutDown = true
            shutdown(socket, Int32(SHUT_WR))
        }
        return true
    }

    /// Ends the output with `close_notify`, by which the peer can tell it from a connection that was cut.
    func finishWriting(to socket: Int32) {
        guard !hasFinishedWriting, socket >= 0 else { return }
        hasFinishedWriting = true
        if isEstablished, failure == nil {
            begin(socket)
            SSL_shutdown(pointer)
        }
        flush(to: socket)
    }

    /// Returns what a call of OpenSSL that returned `result`, which is not positive, has done.
    private func outcome(of result: Int32) -> ReadAttempt {
        if failure != nil { return .failed(errno: EPROTO) }
        switch SSL_get_error(pointer, result) {
        case SSL_ERROR_WANT_READ: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .endOfStream
        case SSL_ERROR_SYSCALL where socketError != 0: return .failed(errno: socketError)
        default:
            let error = ERR_peek_error()
            // A FIN without `close_notify` before it: somebody may have cut the connection.
            if copenssl_error_reason(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING || error == 0 {
                return .failed(errno: ECONNRESET)
            }
            failure = describe(error)
            return .failed(errno: EPROTO)
        }
    }

    // MARK: The transport's calls

    /// Gives OpenSSL bytes that were received.
    ///
    /// - Returns: the number of bytes. It is 0 at the end of the input, and -1 if no bytes are there or the call has failed;
    ///   `wouldBlock` tells these two apart.
    func receive(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> (count: Int, wouldBlock: Bool) {
        // OpenSSL asks for the head of a record first.
        if count == TLSInput.headBytes {
            recordsOfCall += 1
            if recordsOfCall > Self.mostRecords { return (-1, true) }
            if keyUpdatesOfCall > Self.mostKeyUpdates {
                failure = "the \(role.peer) updates its keys too often"
                return (-1, false)
            }
        }
        if received.isEmpty {
            socketError = 0
            switch received.fill(from: descriptor) {
            case .bytes: if !hasReceived { inspectFirst(received.first) }
            case .endOfStream: return (0, false)
            case .wouldBlock: return (-1, true)
            case .failed(let errno):
                socketError = errno
                return (-1, false)
            }
        }
        return (received.take(bytes, count), false)
    }

    /// Takes encrypted bytes. `flush` sends those that the kernel does not get here.
    func send(_ bytes: UnsafePointer<CChar>, _ count: Int32) {
        var rest = UnsafeRawBufferPointer(start: bytes, count: Int(count))
        // After a failure, `flush` fails in the same way.
        if sendsAtOnce, unsent.isEmpty, case .bytes(let count) = Socket.tryWrite(descriptor, rest) {
            if count == rest.count { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        unsent.append(contentsOf: rest)
    }

    /// Called for each message of the peer that is a part of TLS itself, before OpenSSL processes it.
    func inspect(message: UnsafeMutableRawBufferPointer) {
        switch message.first.map(Int32.init) {
        case SSL3_MT_KEY_UPDATE: keyUpdatesOfCall += 1
        case SSL3_MT_CERTIFICATE:
            let problem = SlowCertificates.problem(of: message, hasExtensions: SSL_version(pointer) == TLS1_3_VERSION)
            guard let problem else { return }
            certificateFault = certificateFault ?? problem
            // OpenSSL has no way to end the handshake here, so it gets a list of the wrong length.
            for place in 4..<min(8, message.count) { message[place] = 0xFF }
        default: break
        }
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
        if peerSpeaksPlainText { return "the \(role.peer) does not speak TLS" }
        if let certificateFault { return "the \(role.peer)'s certificate: \(certificateFault)" }
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
