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

    @Test("The path as it is written decides what a request is for, so that a proxy can permit some paths")
    func rawPaths() throws {
        let name = try #require(ChannelName("a/b"))
        for target in ["/c/a/b", "/c/a%2Fb", "/c/a%2fb"] {
            #expect(try route("GET", target) == .receive(name, timeout: nil))
        }
        for target in [
            "/c%2Fa", "%2Fc/a", "/%2Fc/a", "/d%2Fx", "/v1%2Fchannels", "/v1/channels%2Fa", "/ui%2Fmain.js", "/c%3Fa",
            "/healthz%2F", "/healthz/", "//healthz", "/c", "/v1/info%00", "/ws%20",
        ] {
            for method in ["GET", "POST", "DELETE"] {
                let status = (#expect(throws: Refusal.self) { try route(method, target) })?.status
                #expect(status == .notFound || status == .badRequest, "\(method) \(target)")
            }
        }
    }

    @Test("Only a message and an answer are bodies")
    func bodies() throws {
        let requests = [
            ("POST", "/c/a", true), ("POST", "/d/x", true), ("PATCH", "/d/x", false), ("DELETE", "/d/x", false),
            ("GET", "/c/a", false), ("GET", "/c/a?stream=1", false), ("GET", "/c/a?lease=1s", false),
            ("GET", "/", false),
            ("GET", "/healthz", false), ("GET", "/readyz", false), ("GET", "/metrics", false), ("OPTIONS", "*", false),
            ("GET", "/v1/info", false), ("GET", "/v1/live", false), ("GET", "/v1/trace", false),
            ("DELETE", "/v1/channels/a", false), ("DELETE", "/v1/clients?address=a", false), ("OPTIONS", "/c/a", false),
        ]
        for (method, target, takesBody) in requests {
            for isChunked in [true, false] {
                var head = RequestHead(
                    method: method, target: try RequestTarget(target), headers: [], keepsAlive: true, isHTTP1_1: true,
                    contentLength: isChunked ? 0 : 1)
                head.isChunked = isChunked
                let refusal = Result { () throws(Refusal) in try Route(head) }
                switch refusal {
                case .success: #expect(takesBody, "\(method) \(target)")
                case .failure(let error): #expect(!takesBody && error.status == .badRequest, "\(method) \(target)")
                }
            }
        }
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

    @Test("A lease by token lasts at most an hour")
    func longLeases() throws {
        let name = try #require(ChannelName("a"))
        for lease in ["1h", "60m", "3600s"] {
            #expect(try route("GET", "/c/a?lease=\(lease)") == .lease(name, for: lease, timeout: nil))
        }
        for lease in ["2h", "61m", "3601s", "876000h"] {
            #expect(status("GET", "/c/a?lease=\(lease)") == .badRequest, "\(lease)")
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
