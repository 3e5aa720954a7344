/// A curve through points, each coordinate being a part of the frame.
struct Curve: Sendable {
    var points: [(x: Double, y: Double)] = []

    /// - Parameter style: the classes of what is drawn.
    func line(_ style: String) -> HTMLElement? {
        points.isEmpty ? nil : stretched(HTMLElement("path", ["class": "curve \(style)", "d": path]))
    }

    /// What lies between the curve and the axis.
    func area(_ style: String) -> HTMLElement? {
        guard let first = points.first, let last = points.last else { return nil }
        let down = "L\(Self.thousandths(last.x)) 1000L\(Self.thousandths(first.x)) 1000Z"
        return stretched(HTMLElement("path", ["class": "area \(style)", "d": path + down]))
    }

    private var path: String {
        points.enumerated().map { index, point in
            "\(index == 0 ? "M" : "L")\(Self.thousandths(point.x)) \(Self.thousandths(1 - point.y))"
        }
        .joined()
    }

    private static func thousandths(_ part: Double) -> String { String(coordinate: part * 1000) }

    private func stretched(_ shape: HTMLElement) -> HTMLElement {
        HTMLElement("svg", ["viewBox": "0 0 1000 1000", "preserveAspectRatio": "none", "aria-hidden": "true"]) { shape }
    }
}
