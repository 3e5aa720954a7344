import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Every verb: what it needs, and that it is refused without.
@Suite(.bounded) struct VerbTableTests {
    /// A verb, a line with it on a channel, and what the line needs. A line that needs nothing is always permitted.
    struct Row: Sendable, CustomTestStringConvertible {
        let verb: Verb
        let line: String
        /// The verb and the channel that the refusal names.
        var named = ""
        var needs: Permissions?

        var testDescription: String { line }
    }

    static let rows: [Row] = Verb.allCases.flatMap { verb -> [Row] in
        switch verb {
        case .send: [Row("SEND timeout=0 jobs/a x", .send, "SEND jobs/a", .send)]
        case .call: [Row("CALL timeout=0 jobs/a x", .call, "CALL jobs/a", .send)]
        case .receive:
            [
                Row("RECV timeout=0 jobs/a", verb, "RECV jobs/a", .receive),
                Row("RECV lease=1s timeout=0 jobs/a", verb, "RECV jobs/a", .receive),
                Row("#t RECV count=1 timeout=0 jobs/a", verb, "RECV jobs/a", .receive),
            ]
        case .select:
            [
                Row("SELECT timeout=0 recv jobs/a", verb, "RECV jobs/a, arm 0", .receive),
                Row("SELECT timeout=0 send jobs/a x", verb, "SEND jobs/a, arm 0", .send),
                Row("SELECT timeout=0 barrier parties=2 jobs/a", verb, "BARRIER jobs/a, arm 0", .barrier),
            ]
        case .barrier: [Row("BARRIER parties=2 timeout=0 jobs/a", verb, "BARRIER jobs/a", .barrier)]
        case .open:
            [
                Row("OPEN jobs/a", verb, "OPEN jobs/a", .open),
                Row("OPEN dead=jobs/d jobs/a", verb, "OPEN jobs/a", .open, .send),
            ]
        case .close: [Row("CLOSE jobs/a", verb, "CLOSE jobs/a", .close)]
        case .poison: [Row("POISON jobs/a why", verb, "POISON jobs/a", .poison)]
        case .redrive: [Row("REDRIVE jobs/a", verb, "REDRIVE jobs/a", .receive)]
        case .join:
            [
                Row("JOIN end=send jobs/a", verb, "JOIN jobs/a", .join),
                Row("JOIN end=recv on-death=poison jobs/a", verb, "JOIN jobs/a", .join, .poison),
            ]
        case .trace: [Row("#t TRACE jobs/a", verb, "TRACE jobs/a", .trace)]
        case .kill: [Row(verb: verb, line: "KILL client=1.2.3.4:5", named: "KILL", needs: .allowing(mayKill: true))]
        case .info: [Row(verb: verb, line: "INFO", named: "INFO", needs: .allowing(inspecting: .everything))]
        case .channels, .waiters, .clients, .stuck:
            [Row(verb: verb, line: verb.rawValue, named: verb.rawValue, needs: .allowing(inspecting: .own))]
        case .hello, .ping, .help: [Row(verb: verb, line: verb.rawValue)]
        case .name: [Row(verb: verb, line: "NAME jobs/a")]
        case .authenticate: [Row(verb: verb, line: "AUTH worker t")]
        case .acknowledge, .nack, .reject, .touch: [Row(verb: verb, line: "\(verb.rawValue) 1.1")]
        case .leave: [Row(verb: verb, line: "LEAVE end=send jobs/a")]
        case .cancel: [Row(verb: verb, line: "CANCEL #x")]
        case .quit: [Row(verb: verb, line: "QUIT")]
        }
    }

    private func reply(to row: Row, with permissions: Permissions) throws -> String {
        var reply = ""
        let line = row.line
        let answer = Answer()
        try HubService.run(principals: .named(["worker": permissions])) { service in
            let client = try await service.connect(as: "worker")
            // A trace that is permitted waits, so that a command behind it answers.
            try await client.say(line + "\n" + (line.hasPrefix("#t") ? "PING\n" : ""))
            answer.text = try await client.hearLine()
        }
        reply = answer.text
        return reply
    }

    private final class Answer: @unchecked Sendable {
        // Sendable: written by the reactor's only task, and read after the reactor has stopped.
        var text = ""
    }

    @Test("A verb is permitted with exactly what it needs", arguments: rows)
    func isPermitted(row: Row) throws {
        let reply = try reply(to: row, with: row.needs ?? Permissions())
        #expect(!reply.contains("ERR denied"), "\(reply)")
    }

    @Test("A verb is denied without permission, and the refusal names the verb and the channel", arguments: rows)
    func isDenied(row: Row) throws {
        guard row.needs != nil else { return }
        let prefix = row.line.hasPrefix("#t") ? "#t " : ""
        let reply = try reply(to: row, with: Permissions())
        #expect(reply == "\(prefix)ERR denied \(noPermission(row.named))")
    }

    @Test("A verb is denied if all others are permitted", arguments: rows)
    func othersDoNotHelp(row: Row) throws {
        guard let needs = row.needs else { return }
        var others = Permissions()
        let needed = needs.allowed.map(\.commands)
        for commands in Permissions.CommandClass.allCases where !needed.contains(commands) {
            others.allow(commands, on: "")
        }
        if needs.inspection == .nothing { others.inspection = .everything }
        if case .everything = needs.inspection { others.inspection = .own }
        others.mayKill = !needs.mayKill
        if case .own = needs.inspection { return }
        let reply = try reply(to: row, with: others)
        #expect(reply.contains("ERR denied"), "\(reply)")
    }

    @Test("A verb is denied if it is permitted only on other names, or denied on these", arguments: rows)
    func prefixesMatter(row: Row) throws {
        guard let needs = row.needs, !needs.allowed.isEmpty else { return }
        var elsewhere = Permissions()
        var excepted = needs
        for rule in needs.allowed {
            elsewhere.allow(rule.commands, on: "jobs/b")
            // The prefix of a trace may have longer names that are permitted.
            if rule.commands != .trace { elsewhere.allow(rule.commands, on: "jobs/aa") }
            excepted.deny(rule.commands, on: "jobs/")
        }
        for permissions in [elsewhere, excepted] {
            let reply = try reply(to: row, with: permissions)
            #expect(reply.hasSuffix("ERR denied \(noPermission(row.named))"))
        }
    }
}

extension VerbTableTests.Row {
    init(_ line: String, _ verb: Verb, _ named: String, _ classes: Permissions.CommandClass...) {
        self.init(verb: verb, line: line, named: named)
        var needs = Permissions()
        for commands in classes { needs.allow(commands, on: "jobs/") }
        self.needs = needs
    }
}
