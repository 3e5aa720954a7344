import SluiceWire
import Testing

@Suite struct SelectTests {
    private func select(_ text: String) throws -> SelectCommand {
        let steps = Conversation.steps(of: text + "\n")
        guard steps.count == 1, case .select(let command) = steps[0].command else {
            throw Unexpected(steps: steps)
        }
        return command
    }

    private struct Unexpected: Error {
        let steps: [RequestParser.Step]
    }

    @Test func armsKeepTheirOrder() throws {
        let command = try select("SELECT recv a | send b hello | RECV c")
        let arms: [Arm] = [
            .receive(try channel("a")), .send(try channel("b"), Body("hello")), .receive(try channel("c")),
        ]
        #expect(command == SelectCommand(arms: arms))
    }

    @Test func oneArmIsEnough() throws {
        #expect(try select("SELECT recv a").arms == [.receive(try channel("a"))])
    }

    @Test func elseIsNoArmToWaitOn() throws {
        let command = try select("SELECT recv a | ELSE")
        #expect(command == SelectCommand(arms: [.receive(try channel("a"))], hasElse: true))
    }

    @Test func optionsStandBeforeTheArms() throws {
        let command = try select("SELECT order=random timeout=0 eof=wait recv a")
        #expect(
            command
                == SelectCommand(
                    arms: [.receive(try channel("a"))], order: .random, timeout: .zero, waitsAfterEOF: true))
        #expect(try select("SELECT eof=wait recv a | else").waitsAfterEOF)
    }

    @Test(arguments: SelectOrder.allCases)
    func everyOrderIsKnown(_ order: SelectOrder) throws {
        #expect(try select("SELECT order=\(order.rawValue) recv a").order == order)
    }

    @Test(arguments: [
        ("send a", ""), ("send a ", ""), ("send a x|y", "x|y"), ("send a x |y| z", "x |y| z"),
        ("send a |x", "|x"), ("send a len=5", "len=5"), ("send a  x", " x"),
    ])
    func textsRunToTheSeparator(_ arm: String, _ text: String) throws {
        let expected: Arm = .send(try channel("a"), Body(text))
        #expect(try select("SELECT \(arm)").arms == [expected])
        #expect(try select("SELECT recv b | \(arm) | recv c").arms[1] == expected)
    }

    @Test func aBarAtTheEndBelongsToTheText() throws {
        #expect(try select("SELECT send a x |").arms == [.send(try channel("a"), Body("x |"))])
    }

    @Test func bodiesFollowInTheOrderOfTheirArms() throws {
        let command = try select(
            "SELECT send len=3 a | recv b | send c text | send len=4 d | send len=0 e\none\nfour\n")
        #expect(
            command.arms == [
                .send(try channel("a"), Body("one")), .receive(try channel("b")), .send(try channel("c"), Body("text")),
                .send(try channel("d"), Body("four")), .send(try channel("e"), []),
            ])
    }

    @Test func bodiesMayHoldAnything() throws {
        let command = try select("SELECT send len=8 a | send len=5 b\r\nx | y\r\nz\r\nQUIT\n\r")
        #expect(command.arms == [.send(try channel("a"), Body("x | y\r\nz")), .send(try channel("b"), Body("QUIT\n"))])
    }

    @Test(arguments: [
        ("SELECT", "syntax"), ("SELECT ", "syntax"), ("SELECT else", "syntax"), ("SELECT timeout=5s", "syntax"),
        ("SELECT order=fair else", "syntax"), ("SELECT else | recv a", "syntax"),
        ("SELECT recv a | else | recv b", "syntax"),
        ("SELECT recv a | else x", "syntax"), ("SELECT recv a |", "syntax"), ("SELECT recv a | ", "syntax"),
        ("SELECT recv a | | recv b", "syntax"), ("SELECT recv a  | recv b", "syntax"),
        ("SELECT recv a |  recv b", "syntax"),
        ("SELECT recv a || recv b", "syntax"), ("SELECT recv a|recv b", "bad-name"), ("SELECT recv", "syntax"),
        ("SELECT send", "syntax"), ("SELECT recv ", "syntax"), ("SELECT recv -a", "bad-name"),
        ("SELECT recv a b", "syntax"),
        ("SELECT send -a x", "bad-name"), ("SELECT grab a", "syntax"), ("SELECT recv timeout=1s a", "bad-option"),
        ("SELECT send timeout=1s a x", "bad-option"), ("SELECT order=last recv a", "bad-option"),
        ("SELECT order=FAIR recv a", "bad-option"), ("SELECT order= recv a", "bad-option"),
        ("SELECT order=fair order=fair recv a", "bad-option"), ("SELECT timeout=5s recv a | else", "bad-option"),
        ("SELECT timeout=0 recv a | else", "bad-option"), ("SELECT lease=5s recv a", "bad-option"),
        ("SELECT timeout=5 recv a", "bad-number"),
    ])
    func badSelectsAreRefused(_ line: String, _ code: String) {
        let steps = Conversation.steps(of: "#t \(line)\nPING\n")
        #expect(steps.first?.code?.description == code)
        #expect(steps.last?.command == .ping([]))
        #expect(steps.count == 2)
    }
}
