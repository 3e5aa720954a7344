import SluiceHub
import SluiceRuntime

/// What the shapes send: values of different layouts, each made from a number.
protocol Payload: Sendable {
    init(_ number: Int)
    var number: Int { get }
}

extension Int: Payload {
    var number: Int { self }
}

extension String: Payload {
    init(_ number: Int) { self = "\(number)" }
    var number: Int { Int(self) ?? -1 }
}

struct Wide: Payload {
    let first: Int
    let text: String?
    let rest: (Double, UInt8, Int)

    init(_ number: Int) {
        first = number
        text = number.isMultiple(of: 2) ? "even" : nil
        rest = (0.5, 7, -number)
    }

    var number: Int { first }
}

final class Boxed: Payload {
    let number: Int

    init(_ number: Int) { self.number = number }
}

enum Variant: Payload {
    case small(Int)
    case large(String)

    init(_ number: Int) { self = number.isMultiple(of: 2) ? .small(number) : .large("\(number)") }

    var number: Int {
        switch self {
        case .small(let number): number
        case .large(let text): Int(text) ?? -1
        }
    }
}

extension Optional: Payload where Wrapped == Int {
    var number: Int { self ?? -1 }
}

/// What a shape talks to: tasks that send back on `back` what they receive from `out` and from the channel of `outEnd`, in
/// order, and one that offers 1, 2, 3 … on a channel of a hub.
struct Link<Element: Payload>: Sendable {
    let reactor: Reactor
    let out: Channel<Element>
    let back: Channel<Element>
    let outEnd: SendingEnd<Element>
    let silent = Channel<Element>()
    let leases: HubChannel
}

/// Runs a shape against its peers; returns its result.
func run<Element: Payload>(
    _ type: Element.Type, buffered: Bool, _ shape: @escaping @Sendable (Link<Element>, Int) async throws -> Int
) throws -> Int {
    let reactor = try Reactor()
    let hub = Hub(on: reactor, epoch: 1)
    return try reactor.run {
        let (outEnd, inEnd) = Channel<Element>.ends(buffered ? .buffered(capacity: 2) : .rendezvous)
        let link = Link(
            reactor: reactor, out: Channel(buffered ? .buffered(capacity: 2) : .rendezvous),
            back: Channel(.unbounded), outEnd: outEnd, leases: try hub.channel("leases"))
        reactor.spawn("peer") { while let message = try await link.out.receive() { try await link.back.send(message) } }
        reactor.spawn("end's peer") { for try await message in inEnd { try await link.back.send(message) } }
        reactor.spawn("leases") { for number in 1... { try await link.leases.send("\(number)") } }
        return try await shape(link, 0)
    }
}

/// Mixes a received number into the result, so that the order counts.
@inline(never)
func fold(_ result: Int, _ number: Int?) -> Int { (result &* 31 &+ (number ?? 999)) % 1_000_003 }

func fold<Element: Payload>(_ result: Int, _ message: Element?) -> Int { fold(result, message.map(\.number)) }

func fold(_ result: Int, text bytes: [UInt8]?) -> Int {
    fold(result, bytes.flatMap { Int(String(decoding: $0, as: UTF8.self)) })
}

/// A shape, and what it should return.
struct Check: Sendable {
    let name: String
    let expected: Int
    let run: @Sendable () throws -> Int
}
