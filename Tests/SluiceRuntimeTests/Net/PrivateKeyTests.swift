import Foundation
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct PrivateKeyTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority(issuing: "hub")
    }

    private func error() -> SluiceError? {
        do throws(SluiceError) {
            _ = try TLSServerContext(.init(identity: authority.identity("hub")))
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "A private key that others can read or change is refused",
        arguments: [0o604, 0o602, 0o620, 0o610, 0o644, 0o660])
    func openKeys(mode: Int) {
        chmod(authority.path("hub.key"), mode_t(mode))
        #expect(
            error()?.message
                == "cannot use the private key in \(authority.path("hub.key")): other users of this machine can read or change "
                + "it; run chmod 600 on the file")
    }

    @Test("A private key that only its owner can read is accepted", arguments: [0o600, 0o400, 0o700])
    func closedKeys(mode: Int) {
        chmod(authority.path("hub.key"), mode_t(mode))
        #expect(error() == nil)
    }

    @Test("The group may read a private key of root, and no other")
    func keysOfGroups() {
        chmod(authority.path("hub.key"), 0o640)
        // The file belongs to the user of the tests.
        #expect((error() == nil) == (geteuid() == 0))
    }

    @Test("A private key of another user is refused", .enabled(if: geteuid() == 0))
    func foreignKeys() {
        #expect(chown(authority.path("hub.key"), 65_534, 65_534) == 0)
        #expect(error()?.message.contains("user 65534 owns the file; the owner must be user 0 or root") == true)
    }

    @Test("A pipe is no private key, and is not waited for")
    func pipes() {
        unlink(authority.path("hub.key"))
        #expect(mkfifo(authority.path("hub.key"), 0o600) == 0)
        #expect(error()?.message.contains("it is not a regular file of at most 1 MiB") == true)
    }

    @Test("A throw-away certificate is valid for its names, in files that only this user can read, until it is removed")
    func throwAwayCertificates() throws {
        let certificate = try ThrowawayCertificate(for: ["DNS:localhost", "IP:127.0.0.1"], in: NSTemporaryDirectory())
        var status = stat()
        #expect(stat(certificate.directory, &status) == 0 && status.st_mode & 0o777 == 0o700)
        #expect(stat(certificate.identity.keyPath, &status) == 0 && status.st_mode & 0o777 == 0o600)
        var options = TLSClientContext.Options()
        options.authoritiesPath = certificate.authorityPath
        let server = try TLSServerContext(.init(identity: certificate.identity))
        let client = try TLSClientContext(options)
        let reactor = try Reactor()
        try reactor.run {
            let listener = try Listener.bind(to: .ipv4(0x7F00_0001, port: 0), tls: server)
            for (name, isValid) in [("localhost", true), ("127.0.0.1", true), ("example.org", false)] {
                let accepting = reactor.spawn { try await listener.accept().finishHandshake() }
                let problem = await failure {
                    _ = try await Stream.connect(to: listener.localAddress, tls: client, named: name)
                }
                #expect((problem == nil) == isValid, "\(name)")
                _ = try? await accepting.join()
            }
        }
        certificate.remove()
        #expect(stat(certificate.directory, &status) != 0)
        #expect(throws: SluiceError.self) { try ThrowawayCertificate(for: ["nonsense"], in: NSTemporaryDirectory()) }
    }
}
