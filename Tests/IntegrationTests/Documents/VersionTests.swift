import Foundation
import SluiceWire
import TestSupport
import Testing

/// Checks that every program and document names the same version.
@Suite(.bounded) struct VersionTests {
    /// The directory that holds the tests and the programs that were built with them.
    private static let directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()

    @Test(
        "--version prints the version and the commit",
        arguments: ["sluiced", "sluice", "sluice-load", "sluice-simulate"])
    func programsPrintTheVersion(name: String) throws {
        let program = try Program(Self.directory.appendingPathComponent(name).path, ["--version"])
        let output = try program.rest()
        let match = try #require(
            output.wholeMatch(of: #/(\S+) \((?:commit ([0-9a-f]{7,40})|built without git)\)\n/#), "\(output)")
        #expect(match.1 == SluiceVersion.number)
        if let commit = match.2 {
            let git = try Program("/usr/bin/env", ["git", "-C", Document.root.path, "cat-file", "-t", String(commit)])
            #expect(try git.rest() == "commit\n", "the repository does not have the commit")
        }
        #expect(try program.status() == 0)
    }

    @Test("The changelog's newest release is the version") func changelogNamesTheVersion() throws {
        let newest = try #require(Document.text(at: "CHANGELOG.md").firstMatch(of: #/\n## \[(\d\S*)\]/#))
        #expect(newest.1 == SluiceVersion.number)
    }

    @Test(
        "The documents show the version in their package manifests",
        arguments: [
            "README.md", "Sources/SluiceClient/SluiceClient.docc/SluiceClient.md",
        ])
    func manifestsNameTheVersion(path: String) throws {
        let shown = Document.text(at: path).matches(of: #/\.package\(\s*url: "[^"]*sluice[^"]*", from: "([^"]*)"/#)
        #expect(!shown.isEmpty)
        #expect(shown.allSatisfy { $0.1 == SluiceVersion.number })
    }
}
