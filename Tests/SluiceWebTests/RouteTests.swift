import SluiceWire
import Testing

@testable import SluiceWeb

@Suite struct RouteTests {
    private func route(_ method: String, _ target: String) throws(Refusal) -> Route {
        try Route(
            RequestHead(
                method: method, target: try RequestTarget(target), headers: [], keepsAlive: true, isHTTP1_1: true,
                contentLength: 0))
    }

    private func status(_ method: String, _ target: String) -> Status? {
        do throws(Refusal) {
            _ = try route(method, target)
            return nil
        } catch {
            return error.status
        }
    }

    @Test("DELETE closes or poisons a channel, and ends connections")
    func endings() throws {
        let channel = try #require(ChannelName("a/b"))
        #expect(try route("DELETE", "/v1/channels/a/b") == .command(.close(channel)))
        #expect(try route("DELETE", "/v1/channels/a%2Fb?poison") == .command(.poison(channel, nil)))
        #expect(try route("DELETE", "/v1/channels/a/b?poison=no+more%0AX") == .command(.poison(channel, "no more\nX")))
        #expect(
            try route("DELETE", "/v1/clients?address=%5B::1%5D:80&reason=x")
                == .command(.kill(KillCommand(.client("[::1]:80"), reason: "x"))))
        #expect(
            try route("DELETE", "/v1/clients?principal=a/b") == .command(.kill(KillCommand(.principal(channel)))))
        for target in [
            "/v1/channels/", "/v1/channels/a%20b", "/v1/channels/a?poison=x&poison=y", "/v1/channels/a?reason=x",
            "/v1/clients", "/v1/clients?address=a&principal=b", "/v1/clients?address=a%0AKILL", "/v1/clients?address=",
        ] { #expect(status("DELETE", target) == .badRequest, "\(target)") }
        for target in ["/v1/channels", "/v1/info", "/v1/live", "/", "/ui/main.js", "/metrics"] {
            #expect(status("DELETE", target) == .methodNotAllowed, "\(target)")
        }
        #expect(status("GET", "/v1/channels/a") == .methodNotAllowed)
    }

    @Test("The dashboard and its stream have paths of their own")
    func dashboard() throws {
        #expect(try route("GET", "/") == .page("index.html"))
        #expect(try route("GET", "/ui/main.js") == .page("main.js"))
        #expect(try route("GET", "/v1/live") == .live)
        #expect(status("GET", "/v1/live?x=1") == .badRequest)
        #expect(status("GET", "/ui/Dashboard.swift") == .notFound)
        #expect(status("POST", "/") == .methodNotAllowed)
    }
}
