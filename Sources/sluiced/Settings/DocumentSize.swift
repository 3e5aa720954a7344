import CYaml

/// Limits a YAML document, before it is composed, to what a configuration needs.
///
/// With aliases, a few lines can stand for more values than memory can hold, and deep nesting needs a deep stack.
struct DocumentSize {
    /// The values that a document may stand for, including those of aliases.
    static let maxValues = 10_000
    static let maxDepth = 32

    private struct Collection {
        let anchor: String?
        var values = 1
    }

    private var open: [Collection] = []
    private var anchors: [String: Int] = [:]
    private var values = 0

    /// Returns the problem of a document that is too large, and its line; nil if there is none, or if the text is not
    /// YAML.
    static func problem(of text: String) -> (problem: String, line: Int)? {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { return nil }
        defer { yaml_parser_delete(&parser) }
        var size = DocumentSize()
        return Array(text.utf8).withUnsafeBufferPointer { bytes in
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            while true {
                var event = yaml_event_t()
                guard yaml_parser_parse(&parser, &event) == 1 else { return nil }
                defer { yaml_event_delete(&event) }
                if event.type == YAML_STREAM_END_EVENT { return nil }
                if let problem = size.count(event) { return (problem, Int(event.start_mark.line) + 1) }
            }
        }
    }

    /// Counts the values of an event. Returns the problem if there are too many.
    private mutating func count(_ event: yaml_event_t) -> String? {
        switch event.type {
        case YAML_ALIAS_EVENT: add(anchors[Self.text(event.data.alias.anchor) ?? ""] ?? 1)
        case YAML_SCALAR_EVENT:
            if let anchor = Self.text(event.data.scalar.anchor) { anchors[anchor] = 1 }
            add(1)
        case YAML_SEQUENCE_START_EVENT: open.append(Collection(anchor: Self.text(event.data.sequence_start.anchor)))
        case YAML_MAPPING_START_EVENT: open.append(Collection(anchor: Self.text(event.data.mapping_start.anchor)))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            guard let ended = open.popLast() else { return nil }
            if let anchor = ended.anchor { anchors[anchor] = ended.values }
            add(ended.values)
        default: break
        }
        if open.count > Self.maxDepth { return "the values are nested more than \(Self.maxDepth) deep" }
        let total = open.reduce(values) { $0 + $1.values }
        return total > Self.maxValues ? "the file has more than \(Self.maxValues) values, with those of aliases" : nil
    }

    private mutating func add(_ count: Int) {
        if open.isEmpty { values += count } else { open[open.count - 1].values += count }
    }

    private static func text(_ anchor: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        anchor.map { String(cString: $0) }
    }
}
