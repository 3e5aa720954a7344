import MetricsTestKit
import SluiceHub
import SluiceRuntime

// Reports a hub's figures to swift-metrics before and after three handoffs, and checks what has arrived there.

struct WrongFigure: Error {
    let text: String
}

func expect(_ figure: Double?, _ expected: Double, _ name: String) throws {
    guard figure == expected else {
        throw WrongFigure(text: "\(name) is \(figure.map { "\($0)" } ?? "missing") instead of \(expected)")
    }
}

let reactor = try Reactor()
let hub = Hub(on: reactor, epoch: 1)
let backend = TestMetrics()
let metrics = HubMetrics(of: hub, factory: backend, dimensions: [("hub", "test")])

func total(_ label: String) throws -> Double {
    Double(try backend.expectCounter("sluice_\(label)", [("hub", "test")]).totalValue)
}

func gauge(_ label: String) throws -> Double? {
    try backend.expectGauge("sluice_\(label)", [("hub", "test")]).lastValue
}

try reactor.run {
    metrics.update()
    let jobs = try hub.channel("jobs")
    for round in 1...2 {
        for number in 1...3 {
            let receiver = reactor.spawn("receiver") { try await jobs.receive() }
            try await jobs.send("\(number)")
            _ = try await receiver.value
        }
        metrics.update()
        metrics.update()
        try expect(total("handoffs_total"), Double(3 * round), "handoffs_total")
    }
    try jobs.open(.queue(capacity: 5))
    for _ in 1...2 { try await jobs.send("kept") }
    metrics.update()
    try expect(gauge("buffered_messages"), 2, "buffered_messages")
    try expect(gauge("epoch"), 1, "epoch")
    let bucket = try backend.expectCounter("sluice_wait_seconds_bucket", [("hub", "test"), ("le", "+Inf")])
    try expect(Double(bucket.totalValue), total("wait_seconds_count"), "the last bucket")
    guard try total("wait_seconds_count") > 0 else { throw WrongFigure(text: "nothing has waited") }

    let before = hub.channelCount
    try metrics.update(every: .milliseconds(1))
    for _ in 1...1 { try await jobs.send("kept, and reported by the ticker") }
    while try gauge("buffered_messages") != 3 { try await sleep(for: .milliseconds(1)) }
    metrics.stop()
    print("metrics: \(before) channel, \(try gauge("buffered_messages") ?? 0) messages kept")
}
