/// The page section of one run: key figures, plots and settings.
struct RunSection: Sendable {
    private let run: RunResult
    private let heading: String
    private let id: String

    /// - Parameter id: the name of the section in links.
    init(_ run: RunResult, heading: String, id: String) {
        self.run = run
        self.heading = heading
        self.id = id
    }

    var element: HTMLElement {
        HTMLElement("section", ["id": id]) {
            HTMLElement("h2") { heading }
            if let warning = run.generatorWarning {
                HTMLElement("p", ["class": "warning"]) {
                    HTMLElement("strong") { "Warning: " }
                    "\(warning)."
                }
            }
            HTMLElement("dl", ["class": "cards"]) { for card in cards { card.element } }
            if let plot = TimePlot(run) { HTMLElement("div", ["class": "panel"]) { plot.element } }
            if let plot = PercentilePlot(run) { HTMLElement("div", ["class": "panel"]) { plot.element } }
            if !run.settings.isEmpty { settings }
        }
    }

    private var cards: [Card] {
        var cards = [
            Card("rate", Quantity.count.text(run.rate), "\(run.unit)/s", isMain: true),
            Card(run.unit, Quantity.count.text(run.operations), "in \(Quantity.count.text(run.seconds)) s"),
            Card("errors", Quantity.count.text(run.errors), "", isBad: run.errors > 0),
        ]
        if let latency = run.latency {
            cards += Latency.shown.map { percent in
                Card("p\(Quantity.count.text(percent))", Quantity.duration.text(latency.nanoseconds(at: percent)))
            }
            cards.append(Card("max", Quantity.duration.text(latency.mostNanoseconds)))
            cards.append(Card("mean", Quantity.duration.text(latency.meanNanoseconds)))
        }
        if let server = run.serverNanoseconds {
            cards.append(Card("server CPU", Quantity.duration.text(server), "an operation"))
        }
        if let share = run.generatorShare {
            cards.append(
                Card("generator", Quantity.share.text(share), "busy", isBad: run.generatorWarning != nil))
        }
        return cards + run.extras.map { Card($0.name, Quantity.count.text($0.value), $0.unit) }
    }

    private var settings: HTMLElement {
        HTMLElement("div", ["class": "panel"]) {
            HTMLElement("h3") { "Settings" }
            HTMLElement("dl", ["class": "settings"]) {
                for setting in run.settings {
                    HTMLElement("div") {
                        HTMLElement("dt") { setting.name }
                        HTMLElement("dd") { setting.value }
                    }
                }
            }
        }
    }
}

/// A key figure with its name and unit.
struct Card: Sendable {
    private let name: String
    private let value: String
    private let unit: String
    private let isMain: Bool
    private let isBad: Bool

    init(_ name: String, _ value: String, _ unit: String = "", isMain: Bool = false, isBad: Bool = false) {
        self.name = name
        self.value = value
        self.unit = unit
        self.isMain = isMain
        self.isBad = isBad
    }

    var element: HTMLElement {
        HTMLElement("div", ["class": "card\(isMain ? " main" : "")\(isBad ? " bad" : "")"]) {
            HTMLElement("dt") { name }
            HTMLElement("dd") {
                value
                if !unit.isEmpty { HTMLElement("small") { unit } }
            }
        }
    }
}
