import Foundation
import TestSupport
import Testing

/// Checks that the links of the documents lead somewhere.
@Suite(.bounded) struct LinkTests {
    private static let documents: [String] = {
        let files = FileManager.default
        let names = { (directory: String) in
            ((try? files.contentsOfDirectory(atPath: Document.root.appendingPathComponent(directory).path)) ?? [])
                .filter { $0.hasSuffix(".md") }.map { directory.isEmpty ? $0 : "\(directory)/\($0)" }
        }
        return ["", "docs", "docs/examples", "Benchmarks"].flatMap(names).sorted()
    }()

    @Test("Every link leads to a file, and to a heading in it", arguments: documents)
    func linksResolve(path: String) {
        let text = withoutCode(Document.text(at: path))
        let directory = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]) : "."
        for link in text.matches(of: #/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/#) where !link.1.contains("://") {
            let target = link.1.isEmpty ? path : "\(directory)/\(link.1)"
            #expect(
                FileManager.default.fileExists(atPath: Document.root.appendingPathComponent(target).path),
                "\(path) links to \(link.1)")
            guard let anchor = link.2 else { continue }
            #expect(anchors(of: target).contains(String(anchor)), "\(path) links to \(link.1)#\(anchor)")
        }
    }

    /// Returns the anchors that GitHub gives the headings of a document.
    private func anchors(of path: String) -> [String] {
        withoutCode(Document.text(at: path)).matches(of: #/(?m)^#+ +(.*)$/#).map { heading in
            heading.1.lowercased().replacing(#/[^a-z0-9_ -]/#, with: "").replacing(" ", with: "-")
        }
    }

    private func withoutCode(_ text: String) -> String {
        text.replacing(#/(?m)^```(?s:.*?)^```$/#, with: "")
    }
}
