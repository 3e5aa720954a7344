import SluiceWire
import Testing

@testable import SluiceWeb

@Suite struct RouteTests {
    private func route(
        _ method: String, _ target: String, _ headers: [(name: String, value: String)] = []
    ) throws(Refusal) -> Route {
        try Route(
            RequestHead(
                method: method, target: try RequestTarget(target), headers: headers, keepsAlive: true, isHTTP1_1: true,
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

    @Test("An empty name in a query is refused, except an empty prefix")
    func emptyNames() throws {
        #expect(try route("GET", "/v1/channels?prefix=") == route("GET", "/v1/channels"))
        #expect(try route("GET", "/v1/trace?prefix=") == .trace(prefix: nil))
        for target in [
            "/v1/channels?after=", "/v1/waiters?channel=", "/v1/waiters?after=", "/v1/clients?after=",
            "/v1/stuck?after=", "/v1/channels?prefix=a%20b",
        ] { #expect(status("GET", target) == .badRequest, "\(target)") }
        #expect(status("DELETE", "/v1/clients?principal=") == .badRequest)
    }

    @Test("The delay with which a message is given back is checked before its token")
    func delays() throws {
        #expect(try route("DELETE", "/d/x?delay=10s") == .delivery(token: "x", .other(.nack(delay: "10s"))))
        for delay in ["", "null", "-1s", "1.5s", "10", "1d", "s"] {
            #expect(status("DELETE", "/d/x?delay=\(delay)") == .badRequest, "\(delay)")
            #expect(status("DELETE", "/d/x?reject=y&delay=\(delay)") == .badRequest, "\(delay)")
        }
    }

    @Test("A call is refused with a parameter that only other sends have")
    func calls() throws {
        let channel = try #require(ChannelName("a"))
        #expect(
            try route("POST", "/c/a?call=1&timeout=1s")
                == .send(channel, options: ["timeout=1s"], wantsAnswer: true))
        for parameter in ["until=taken", "need=1", "delay=1s"] {
            #expect(status("POST", "/c/a?call=1&\(parameter)") == .badRequest, "\(parameter)")
            #expect(status("POST", "/c/a?call=0&\(parameter)") == nil, "\(parameter)")
        }
    }

    @Test("A send takes the traceparent of its request, and ignores one that is malformed or occurs twice")
    func traceparent() throws {
        let jobs = try #require(ChannelName("jobs"))
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let (fields, later) = (valid.dropFirst(2), "cc\(valid.dropFirst(2))")
        for value in [valid, later, "\(later)-what-may-come"] {
            #expect(
                try route("POST", "/c/jobs", [("traceparent", value)])
                    == .send(jobs, options: ["trace=\(value)"], wantsAnswer: false), "\(value)")
        }
        let zeros = String(repeating: "0", count: 32)
        let malformed: [String] = [
            "", "x", "\(valid)-x", "ff\(fields)", valid.uppercased(), "\(valid.dropLast())g", "\(valid) ",
            "00-\(zeros)-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-\(zeros.dropLast(16))-01",
            "\(later)x", "\(later)-\(zeros)\(zeros)\(zeros)", "\(later)-a b",
        ]
        for value in malformed {
            #expect(
                try route("POST", "/c/jobs", [("traceparent", value)])
                    == .send(jobs, options: [], wantsAnswer: false), "\(value)")
        }
        #expect(
            try route("POST", "/c/jobs", [("traceparent", valid), ("traceparent", valid)])
                == .send(jobs, options: [], wantsAnswer: false))
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
