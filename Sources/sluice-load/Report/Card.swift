/// A key figure.
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
