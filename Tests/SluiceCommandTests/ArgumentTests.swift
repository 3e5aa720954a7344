import ArgumentParser
import SluiceClient
import SluiceWire
import Testing

@testable import sluice

@Suite("Arguments")
struct ArgumentTests {
    private func name(_ text: String) throws -> ChannelName { try #require(ChannelName(text)) }

    @Test(
        "Wrong arguments fail with one line and status 2",
        arguments: [
            ["nonsense"], ["send"], ["recv", "a", "-n", "0"], ["recv", "a", "-n", "1", "--follow"],
            ["recv", "a", "--parallel", "2"],
            ["recv", "a", "--exec", "x", "--ack"], ["recv", "a", "--lease", "1s"], ["send", "a", "x", "--whole"],
            ["send", "a", "--id", "x"], ["open", "a", "--kind", "once", "--capacity", "1"], ["barrier", "a"],
            ["lock", "a"],
            ["pipe", "a", "a"], ["ping", "--label", "a b"],
        ])
    func wrong(arguments: [String]) {
        do throws(Failure) {
            _ = try Root.parsing(arguments)
            Issue.record("the arguments were accepted")
        } catch {
            #expect(error.status == .usage)
            #expect(!error.message.contains("\n"))
        }
    }

    @Test("Commas separate the arms of select")
    func arms() throws {
        let command = try ArmWords(["recv", "a", ",", "send", "b", "x", "y", ",", "barrier", "c", "3", ",", "else"])
            .command()
        #expect(command.hasElse)
        #expect(
            command.arms == [
                .receive(try name("a")), .send(try name("b"), Array("x y".utf8)), .barrier(try name("c"), parties: 3),
            ])
        for wrong in [
            [], ["else"], ["recv", "a", ","], ["send", "a"], ["else", ",", "recv", "a"], ["barrier", "a", "0"],
        ] {
            #expect(throws: Failure.self) { try ArmWords(wrong).command() }
        }
    }

    @Test("Durations are spelled as in the protocol")
    func durations() throws {
        #expect(try Spelled.duration("0") == .zero)
        #expect(try Spelled.duration("1500ms") == .milliseconds(1500))
        #expect(try Spelled.duration("2m") == .seconds(120))
        for wrong in ["", "1", "s", "-1s", "1.5s", "1 s", "99999999999999999999s", "9999999h"] {
            #expect(throws: (any Error).self) { try Spelled.duration(wrong) }
        }
    }

    @Test("Credentials come from the environment, and need both variables")
    func credentials() throws {
        let options = try HubOptions.parse([])
        let place = try options.place([
            "SLUICE_PRINCIPAL": "anna", "SLUICE_TOKEN": "secret", "SLUICE_ADDRESS": "127.0.0.1:1",
        ])
        #expect(place.credentials == ClientCredentials(principal: "anna", token: "secret"))
        #expect("\(place.address)" == "127.0.0.1:1")
        #expect("\(try options.place([:]).address)" == "127.0.0.1:7333")
        #expect(throws: Failure.self) { try options.place(["SLUICE_TOKEN": "secret"]) }
    }

    @Test("Outcomes of sends are counted, and the worst one is the status")
    func tally() throws {
        var tally = SendTally()
        tally.count(.ok([]))
        tally.count(.ok([Attribute(.dropped, flag: true)]))
        #expect(tally.status == .success && tally.complaint == nil && tally.done == 2)
        tally.count(.timeout)
        #expect(tally.status == .timeout)
        tally.count(.closed(try name("a"), nil))
        #expect(tally.status == .ended)
        tally.count(.maybe("timeout"))
        #expect(tally.status == .inDoubt)
        #expect(
            tally.complaint
                == "2 sent, 1 not taken in time, 1 refused, the channel having ended, 1 in doubt (the time ran out)")
    }
}
