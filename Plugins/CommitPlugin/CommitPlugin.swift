import Foundation
import PackagePlugin

/// Generates `Commit.swift`: the commit that a program is built from.
///
/// `Context.gitInformation` of the manifest would be simpler, but SwiftPM caches what a manifest evaluates to, and does
/// not evaluate it again after a commit.
@main
struct CommitPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let package = context.package.directoryURL
        let generated = context.pluginWorkDirectoryURL.appending(component: "Commit.swift")
        // Git appends a line to this file whenever HEAD moves, so the build looks the commit up exactly then.
        let log = package.appending(path: ".git/logs/HEAD")
        // A function and not a constant: a change of its body leaves the module as it is, so that the programs are
        // linked again, and not compiled.
        let script = #"""
            commit="commit $(git -C "$0" rev-parse --short HEAD 2>/dev/null)" || commit='built without git'
            printf 'func commitDescription() -> String {\n    "%s"\n}\n' "$commit" >"$1"
            """#
        return [
            .buildCommand(
                displayName: "Looking up the commit", executable: URL(filePath: "/bin/sh"),
                arguments: ["-c", script, package.path, generated.path],
                inputFiles: FileManager.default.fileExists(atPath: log.path) ? [log] : [], outputFiles: [generated])
        ]
    }
}
