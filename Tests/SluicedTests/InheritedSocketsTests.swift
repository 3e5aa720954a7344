import SluiceRuntime
import SluiceWire
import Testing

@testable import sluiced

@Suite struct InheritedSocketsTests {
    private static let process: Int32 = 4242
    private let loopback = SocketAddress.ipv4(0x7F00_0001, port: 7333)
    private let everywhere = SocketAddress.ipv4(0, port: 7333)

    /// Reads variables for this process; the addresses are those of the descriptors from 3 on.
    private func sockets(
        _ names: String?, count: String, _ addresses: [SocketAddress] = [], process: String = "\(Self.process)"
    ) throws -> InheritedSockets {
        var environment = ["LISTEN_PID": process, "LISTEN_FDS": count]
        environment["LISTEN_FDNAMES"] = names
        return try InheritedSockets(environment, process: Self.process) { number throws(SluiceError) in
            guard addresses.indices.contains(Int(number) - 3) else { throw SluiceError(.misuse, "is not open") }
            return addresses[Int(number) - 3]
        }
    }

    private func message(_ body: () throws -> Void) -> String? {
        do { try body() } catch { return "\(error)" }
        return nil
    }

    @Test("The sockets have the names of LISTEN_FDNAMES, or else the name unknown")
    func names() throws {
        let named = try sockets("sluice:web", count: "2", [loopback, .unix(path: "/s")])
        #expect(
            named.sockets == [
                InheritedSocket(number: 3, name: "sluice", address: loopback),
                InheritedSocket(number: 4, name: "web", address: .unix(path: "/s")),
            ])
        #expect(try sockets(nil, count: "1", [loopback]).sockets.map(\.name) == ["unknown"])
        #expect(try sockets("", count: "1", [loopback]).sockets.map(\.name) == ["unknown"])
    }

    @Test("Sockets for another process, and variables that are not set, are ignored")
    func others() throws {
        #expect(try sockets("x", count: "lots", process: "4243").sockets == [])
        #expect(try InheritedSockets([:]).sockets == [])
        #expect(try InheritedSockets(["LISTEN_FDS": "1"]).sockets == [])
        #expect(try InheritedSockets(["LISTEN_PID": "1"]).sockets == [])
    }

    @Test(
        "A mistake in the variables is an error that names the variable and the value",
        arguments: [
            (nil, "-1", "4242", #"LISTEN_FDS: "-1" is not a whole number from 0 to 1024"#),
            (nil, "x", "4242", #"LISTEN_FDS: "x" is not a whole number from 0 to 1024"#),
            (nil, "1", "self", #"LISTEN_PID: "self" is not the number of a process"#),
            (nil, "1", "0", #"LISTEN_PID: "0" is not the number of a process"#),
            ("a:b", "1", "4242", "LISTEN_FDNAMES: it has 2 names, and LISTEN_FDS is 1"),
            ("a", "2", "4242", "LISTEN_FDNAMES: it has 1 name, and LISTEN_FDS is 2"),
            ("a", "1", "4242", "LISTEN_FDS: descriptor 3 (a) is not open"),
        ])
    func mistakes(names: String?, count: String, process: String, expected: String) {
        #expect(message { _ = try sockets(names, count: count, process: process) } == expected)
    }

    // MARK: Settings

    private func settings(_ arguments: [String], _ sockets: InheritedSockets?) throws -> Settings {
        try Settings(Options.parsing(arguments), environment: [:], inheriting: sockets)
    }

    @Test("Without listen and web, the sockets decide where the daemon listens, and those named web serve HTTP")
    func defaults() throws {
        let both = try settings([], sockets("a:web", count: "2", [loopback, loopback]))
        #expect(both.listen.map(\.address) == [.inherited(name: "a")])
        #expect(both.listen[0].inherited.map(\.number) == [3])
        #expect(both.web?.listener.inherited.map(\.number) == [4])
        let plain = try settings([], sockets(nil, count: "2", [loopback, .unix(path: "/s")]))
        #expect(plain.listen.map(\.inherited) == plain.listen.flatMap(\.inherited).map { [$0] })
        #expect(plain.listen.count == 2 && plain.web == nil)
        let web = try settings([], sockets("web", count: "1", [loopback]))
        #expect(web.listen == Settings().listen)
        #expect(web.web?.listener.inherited.map(\.number) == [3])
        #expect(try settings([], InheritedSockets()) == Settings())
    }

    @Test("A listener takes all sockets with its name, and web takes those that are named web")
    func named() throws {
        let three = try sockets("a:web:a", count: "3", [loopback, loopback, .unix(path: "/s")])
        let settings = try settings(["--listen", "fd:a"], three)
        #expect(settings.listen.map { $0.inherited.map(\.number) } == [[3, 5]])
        #expect(settings.web?.listener.inherited.map(\.number) == [4])
    }

    @Test("A name that no socket has, and a name that two listeners have, are errors")
    func wrongNames() throws {
        let one = try sockets("a", count: "1", [loopback])
        #expect(
            message { _ = try settings(["--listen", "fd:b"], one) }
                == "--listen: there is no inherited socket b; the service manager passes a")
        #expect(
            message { _ = try settings(["--listen", "fd:b"], InheritedSockets()) }
                == "--listen: there is no inherited socket b; the service manager passes none (LISTEN_FDS is not set)")
        #expect(
            message { _ = try settings(["--listen", "fd:a", "--listen", "fd:a"], one) }
                == "--listen: two listeners use the inherited socket a")
        // When the settings are only checked, there are no sockets.
        #expect(try settings(["--listen", "fd:b"], nil).listen.map(\.address) == [.inherited(name: "b")])
    }

    @Test("A socket that other machines can reach needs principals, whether or not the settings name it")
    func exposure() throws {
        let reachable = try sockets("a", count: "1", [everywhere])
        for (arguments, place) in [([], ""), (["--listen", "fd:a"], "--listen: ")] {
            let message = message { _ = try settings(arguments, reachable) }
            #expect(message?.hasPrefix("\(place)other machines can reach fd:a without authentication") == true)
            #expect(try settings(arguments + ["--allow-public"], reachable).listen.count == 1)
        }
    }

    @Test("Each socket can be taken once, by its address, and a socket that nobody takes is an error")
    func taking() throws {
        var sockets = try sockets("a:b", count: "2", [loopback, .unix(path: "/s")])
        #expect(sockets.take(at: everywhere) == nil)
        #expect(sockets.take(at: loopback)?.number == 3)
        #expect(sockets.take(at: loopback) == nil)
        #expect(
            message { try sockets.refuseUnused() }
                == "LISTEN_FDS: neither listen nor web uses the socket b on unix:/s; add fd:b")
        sockets.take(sockets.sockets[1])
        try sockets.refuseUnused()
    }
}
