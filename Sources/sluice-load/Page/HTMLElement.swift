/// An HTML or SVG element. All text and all attribute values are escaped, without exception, since names and reasons
/// come from servers and from the command line.
struct HTMLElement: Sendable {
    enum Child: Sendable {
        case element(HTMLElement)
        case text(String)
    }

    private let name: String
    private let attributes: KeyValuePairs<String, String>
    private let children: [Child]

    init(_ name: String, _ attributes: KeyValuePairs<String, String> = [:]) {
        self.init(name, attributes) {}
    }

    init(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], @HTMLBuilder children: () -> [Child]
    ) {
        self.name = name
        self.attributes = attributes
        self.children = children()
    }

    /// The element's markup, which is also valid XML.
    var text: String {
        var text = ""
        append(to: &text)
        return text
    }

    private func append(to text: inout String) {
        text += "<\(name)"
        for (name, value) in attributes {
            text += " \(name)=\""
            text.append(escaping: value)
            text += "\""
        }
        guard !children.isEmpty || !Self.canBeEmpty.contains(name) else {
            text += "/>"
            return
        }
        text += ">"
        for child in children {
            switch child {
            case .element(let element): element.append(to: &text)
            case .text(let content): text.append(escaping: content)
            }
        }
        text += "</\(name)>"
        if Self.endsLine.contains(name) { text += "\n" }
    }

    /// HTML elements without content, and SVG shapes.
    private static let canBeEmpty: Set<String> = ["meta", "br", "line", "rect", "circle", "path"]

    /// Elements followed by a line end, where white space has no meaning, so that the page's source has lines.
    private static let endsLine: Set<String> = ["style", "section", "header", "tr", "svg", "figure", "div"]
}

/// Builds an element's children from elements, text, loops and conditions.
@resultBuilder enum HTMLBuilder {
    static func buildExpression(_ element: HTMLElement) -> [HTMLElement.Child] { [.element(element)] }
    static func buildExpression(_ elements: [HTMLElement]) -> [HTMLElement.Child] { elements.map { .element($0) } }
    static func buildExpression(_ element: HTMLElement?) -> [HTMLElement.Child] {
        element.map { [.element($0)] } ?? []
    }
    static func buildExpression(_ nodes: [HTMLElement.Child]) -> [HTMLElement.Child] { nodes }
    static func buildExpression(_ text: String) -> [HTMLElement.Child] { [.text(text)] }
    static func buildBlock(_ parts: [HTMLElement.Child]...) -> [HTMLElement.Child] { parts.flatMap(\.self) }
    static func buildArray(_ parts: [[HTMLElement.Child]]) -> [HTMLElement.Child] { parts.flatMap(\.self) }
    static func buildOptional(_ part: [HTMLElement.Child]?) -> [HTMLElement.Child] { part ?? [] }
    static func buildEither(first part: [HTMLElement.Child]) -> [HTMLElement.Child] { part }
    static func buildEither(second part: [HTMLElement.Child]) -> [HTMLElement.Child] { part }
}

extension String {
    fileprivate mutating func append(escaping text: String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": append("&amp;")
            case "<": append("&lt;")
            case ">": append("&gt;")
            case "\"": append("&quot;")
            // Pages may not contain these characters, not even escaped.
            case "\0"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{7F}", "\u{FFFE}", "\u{FFFF}":
                append("\u{FFFD}")
            default: unicodeScalars.append(scalar)
            }
        }
    }
}
