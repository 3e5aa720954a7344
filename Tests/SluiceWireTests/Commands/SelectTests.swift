import SluiceWire
import Testing

@Suite struct SelectTests {
    private func select(_ text: String) throws -> SelectCommand {
        let steps = RequestFeed.steps(of: text + "\n")
        guard steps.count == 1, case .select(let command) = steps[0].command else {
            throw Unexpected(steps: steps)
        }
        return command
    }

    private struct Unexpected: Error {
        let steps: [RequestParser.Step]
    }

    @Test("Arms keep the order of the line")
    func armsKeepTheirOrder() throws {
        let command = try select("SELECT recv a | send b hello | RECV c")
        let arms: [Arm] = [
            .receive(try channel("a")), .send(try channel("b"), Body("hello")), .receive(try channel("c")),
        ]
        #expect(command == SelectCommand(arms: arms))
    }

    @Test("Each arm takes its own options")
    func armsHaveOptionsOfTheirOwn() throws {
        let command = try select(
            "SELECT recv lease=30s a | send id=m-1 b hello | send id=m-2 len=2 c | barrier parties=3 d | barrier e\nhi")
        #expect(
            command.arms == [
                .receive(try channel("a"), lease: .seconds(30)),
                .send(try channel("b"), Body("hello"), id: try message("m-1")),
                .send(try channel("c"), Body("hi"), id: try message("m-2")),
                .barrier(try channel("d"), parties: 3), .barrier(try channel("e")),
            ])
        #expect(
            try select("SELECT send len=2 id=m a\nhi").arms == [
                .send(try channel("a"), Body("hi"), id: try message("m"))
            ])
    }

    @Test("The words of arms may be written in any case")
    func armsHaveNoCase() throws {
        let command = try select("SELECT Recv LEASE=1ms a | SEND ID=X b c | Barrier PARTIES=1 d | Else")
        #expect(
            command.arms == [
                .receive(try channel("a"), lease: .milliseconds(1)),
                .send(try channel("b"), Body("c"), id: try message("X")), .barrier(try channel("d"), parties: 1),
            ])
        #expect(command.hasElse)
    }

    @Test("A select may have a single arm")
    func oneArmIsEnough() throws {
        #expect(try select("SELECT recv a").arms == [.receive(try channel("a"))])
    }

    @Test("A final else is not one of the arms")
    func elseIsNoArmToWaitOn() throws {
        let command = try select("SELECT recv a | ELSE")
        #expect(command == SelectCommand(arms: [.receive(try channel("a"))], hasElse: true))
    }

    @Test("The options of a select stand before its arms")
    func optionsStandBeforeTheArms() throws {
        let command = try select("SELECT order=random timeout=0 eof=wait recv a")
        #expect(
            command
                == SelectCommand(
                    arms: [.receive(try channel("a"))], order: .random, timeout: .zero, waitsAfterEOF: true))
        #expect(try select("SELECT eof=wait recv a | else").waitsAfterEOF)
    }

    @Test("SELECT takes every value of order=", arguments: SelectCommand.Order.allCases)
    func everyOrderIsKnown(_ order: SelectCommand.Order) throws {
        #expect(try select("SELECT order=\(order.rawValue) recv a").order == order)
    }

    @Test(
        "The text of an arm ends at the next separator",
        arguments: [
            ("send a", ""), ("send a ", ""), ("send a x|y", "x|y"), ("send a x |y| z", "x |y| z"),
            ("send a |x", "|x"), ("send a len=5", "len=5"), ("send a  x", " x"),
        ])
    func textsRunToTheSeparator(_ arm: String, _ text: String) throws {
        let expected: Arm = .send(try channel("a"), Body(text))
        #expect(try select("SELECT \(arm)").arms == [expected])
        #expect(try select("SELECT recv b | \(arm) | recv c").arms[1] == expected)
    }

    @Test("A bar at the end of the line belongs to the text")
    func aBarAtTheEndBelongsToTheText() throws {
        #expect(try select("SELECT send a x |").arms == [.send(try channel("a"), Body("x |"))])
    }

    @Test("Bodies follow the line in the order of their arms")
    func bodiesFollowInTheOrderOfTheirArms() throws {
        let command = try select(
            "SELECT send len=3 a | recv b | send c text | send len=4 d | send len=0 e\none\nfour\n")
        #expect(
            command.arms == [
                .send(try channel("a"), Body("one")), .receive(try channel("b")), .send(try channel("c"), Body("text")),
                .send(try channel("d"), Body("four")), .send(try channel("e"), []),
            ])
    }

    @Test("Bodies may hold separators and line ends")
    func bodiesMayHoldAnything() throws {
        let command = try select("SELECT send len=8 a | send len=5 b\r\nx | y\r\nz\r\nQUIT\n\r")
        #expect(command.arms == [.send(try channel("a"), Body("x | y\r\nz")), .send(try channel("b"), Body("QUIT\n"))])
    }

    @Test(
        "An invalid SELECT is refused",
        arguments: [
            ("SELECT", "syntax"), ("SELECT ", "syntax"), ("SELECT else", "syntax"), ("SELECT timeout=5s", "syntax"),
            ("SELECT order=fair else", "syntax"), ("SELECT else | recv a", "syntax"),
            ("SELECT recv a | else | recv b", "syntax"),
            ("SELECT recv a | else x", "syntax"), ("SELECT recv a |", "syntax"), ("SELECT recv a | ", "syntax"),
            ("SELECT recv a | | recv b", "syntax"),
            ("SELECT recv a |  recv b", "syntax"),
            ("SELECT recv a || recv b", "syntax"), ("SELECT recv a|recv b", "bad-name"), ("SELECT recv", "syntax"),
            ("SELECT send", "syntax"), ("SELECT recv ", "syntax"), ("SELECT recv -a", "bad-name"),
            ("SELECT recv a b", "syntax"),
            ("SELECT send -a x", "bad-name"), ("SELECT grab a", "syntax"), ("SELECT recv timeout=1s a", "bad-option"),
            ("SELECT send timeout=1s a x", "bad-option"), ("SELECT order=last recv a", "bad-option"),
            ("SELECT order=FAIR recv a", "bad-option"), ("SELECT order= recv a", "bad-option"),
            ("SELECT order=fair order=fair recv a", "bad-option"), ("SELECT timeout=5s recv a | else", "bad-option"),
            ("SELECT timeout=0 recv a | else", "bad-option"), ("SELECT lease=5s recv a", "bad-option"),
            ("SELECT timeout=5 recv a", "bad-number"), ("SELECT recv lease=0 a", "bad-number"),
            ("SELECT recv lease=1s lease=1s a", "bad-option"), ("SELECT recv count=1 a", "bad-option"),
            ("SELECT recv window=1 a", "bad-option"), ("SELECT recv eof=wait a", "bad-option"),
            ("SELECT recv id=x a", "bad-option"), ("SELECT send id= a x", "bad-name"),
            ("SELECT send id=x! a x", "bad-name"),
            ("SELECT send id=x id=y a z", "bad-option"), ("SELECT send id=x epoch=1 a y", "bad-option"),
            ("SELECT send need=1 a x", "bad-option"), ("SELECT send until=taken a x", "bad-option"),
            ("SELECT send lease=1s a x", "bad-option"), ("SELECT barrier", "syntax"), ("SELECT barrier ", "syntax"),
            ("SELECT barrier -a", "bad-name"), ("SELECT barrier a b", "syntax"),
            ("SELECT barrier parties=0 a", "bad-number"), ("SELECT barrier parties=x a", "bad-number"),
            ("SELECT barrier parties= a", "bad-number"), ("SELECT barrier parties=2 parties=2 a", "bad-option"),
            ("SELECT barrier timeout=1s a", "bad-option"), ("SELECT parties=2 barrier a", "bad-option"),
            ("SELECT barriers a", "syntax"), ("SELECT else parties=2", "syntax"), ("SELECT ack 1.1", "syntax"),
        ])
    func badSelectsAreRefused(_ line: String, _ code: String) {
        let steps = RequestFeed.steps(of: "#t \(line)\nPING\n")
        #expect(steps.first?.code?.description == code)
        #expect(steps.last?.command == .ping([]))
        #expect(steps.count == 2)
    }
}
