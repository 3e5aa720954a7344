/// An element of a page, of HTML or SVG. All text and all values of attributes are escaped, and there is no way around:
/// names and reasons come from servers and from the command line.
struct HTMLElement: Sendable {
    enum Node: Sendable {
        case element(HTMLElement)
        case text(String)
    }

    private let name: String
    private let attributes: KeyValuePairs<String, String>
    private let children: [Node]

    init(_ name: String, _ attributes: KeyValuePairs<String, String> = [:]) {
        self.init(name, attributes) {}
    }

    init(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], @HTMLBuilder children: () -> [Node]
    ) {
        self.name = name
        self.attributes = attributes
        self.children = children()
    }

    /// As it stands in a page that is valid as XML, too.
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

    /// Of HTML those that have no content ever; of SVG the shapes.
    private static let canBeEmpty: Set<String> = ["meta", "br", "line", "rect", "circle", "path"]

    /// So that the source of a page has lines; white space after them means nothing.
    private static let endsLine: Set<String> = ["style", "section", "header", "tr", "svg", "figure", "div"]
}

/// What stands between the braces of an element: elements, texts, and loops and conditions over them.
@resultBuilder enum HTMLBuilder {
    static func buildExpression(_ element: HTMLElement) -> [HTMLElement.Node] { [.element(element)] }
    static func buildExpression(_ elements: [HTMLElement]) -> [HTMLElement.Node] { elements.map { .element($0) } }
    static func buildExpression(_ element: HTMLElement?) -> [HTMLElement.Node] {
        element.map { [.element($0)] } ?? []
    }
    static func buildExpression(_ nodes: [HTMLElement.Node]) -> [HTMLElement.Node] { nodes }
    static func buildExpression(_ text: String) -> [HTMLElement.Node] { [.text(text)] }
    static func buildBlock(_ parts: [HTMLElement.Node]...) -> [HTMLElement.Node] { parts.flatMap(\.self) }
    static func buildArray(_ parts: [[HTMLElement.Node]]) -> [HTMLElement.Node] { parts.flatMap(\.self) }
    static func buildOptional(_ part: [HTMLElement.Node]?) -> [HTMLElement.Node] { part ?? [] }
    static func buildEither(first part: [HTMLElement.Node]) -> [HTMLElement.Node] { part }
    static func buildEither(second part: [HTMLElement.Node]) -> [HTMLElement.Node] { part }
}

extension String {
    fileprivate mutating func append(escaping text: String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": append("&amp;")
            case "<": append("&lt;")
            case ">": append("&gt;")
            case "\"": append("&quot;")
            // No page may have these, not even escaped.
            case "\0"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{7F}", "\u{FFFE}", "\u{FFFF}":
                append("\u{FFFD}")
            default: unicodeScalars.append(scalar)
            }
        }
    }
}
