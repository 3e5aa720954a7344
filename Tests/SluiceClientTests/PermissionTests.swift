import SluiceHub
import SluiceRuntime
import TestSupport
import Testing

@testable import SluiceClient

/// What a client gets that may not do something.
@Suite(.bounded) struct PermissionTests {
    private func principals(_ prefix: String) -> Principals {
        var worker = Principal()
        _ = worker.add(token: "t")
        worker.permissions.allow(.receive, on: prefix)
        var principals = Principals()
        _ = principals.add("worker", worker)
        return principals
    }

    @Test("An operation without permission throws .denied, at once or when the permission goes, and the client goes on")
    func denials() async throws {
        let server = try TestServer.start(principals: principals("jobs/"))
        defer { server.stop() }
        var options = ClientOptions()
        options.credentials = ClientCredentials(principal: "worker", token: "t")
        let client = try await server.connect(options)
        let jobs = try client.channel("jobs/a")
        let error = await #expect(throws: SluiceError.self) { try await jobs.send("x") }
        #expect(error?.code == .denied)
        #expect(error?.message == "this client has no permission for SEND jobs/a")
        async let waiting = #expect(throws: SluiceError.self) { _ = try await jobs.receive() }
        try await server.parked(1)
        server.hub.change(limits: HubLimits(), principals: principals("other/"))
        #expect(await waiting?.code == .denied)
        let other = try client.channel("other/a")
        let late = await #expect(throws: SluiceError.self) { _ = try await other.receive(timeout: .zero) }
        #expect(late?.code == .timedOut)
        await client.close()
    }
}
