/// Colours that people with any colour vision tell apart: after Okabe and Ito, darkened for a light page and lightened for
/// a dark one, until each stands out against it at least 4.5 to 1.
struct Palette: Sendable {
    static let light = ["#0969c8", "#bf5600", "#00805e", "#a8388c", "#836700", "#007d9c", "#8a4b2d", "#5f6670"]
    static let dark = ["#5aa9ff", "#f29a45", "#41c79c", "#e48acb", "#dfc84f", "#5fcbee", "#cf9576", "#a9b1bb"]

    private var places: [String: Int] = [:]

    /// The first one has the first colour, in every chart.
    init(_ keys: [String]) {
        for key in keys where places[key] == nil { places[key] = places.count }
    }

    /// The class of what is drawn for a contender; those that nobody announced share the last colour, a grey.
    func style(of key: String) -> String { Self.style(places[key] ?? Self.light.count - 1) }

    static func style(_ place: Int) -> String { "series-\(place % light.count)" }

    /// The declarations of the colours, for `:root`.
    static func variables(_ colours: [String]) -> String {
        colours.enumerated().map { "--series-\($0): \($1);" }.joined(separator: " ")
    }

    /// What makes a colour the current one.
    static var rules: String {
        light.indices.map { ".series-\($0) { color: var(--series-\($0)); }" }.joined(separator: "\n")
    }
}
