import Foundation
import PackagePlugin

/// Generates `DashboardFiles.swift`, which contains the files of the folder `Dashboard` as strings. So the program
/// needs no files at run time.
///
/// SwiftPM's own rule for this, `.embedInCode`, writes each byte as a number, which takes long to compile.
@main
struct DashboardPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        guard let module = target as? any SourceModuleTarget else { return [] }
        let folder = module.directoryURL.appending(component: "Dashboard")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { ["html", "css", "js", "svg"].contains($0.pathExtension) }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
        let generated = context.pluginWorkDirectoryURL.appending(component: "DashboardFiles.swift")
        let script = #"""
            out=$1; hashes='####'; quotes='"""'; shift
            {
                printf 'enum DashboardFiles {\n    static func text(of name: String) -> StaticString? {\n'
                printf '        switch name {\n'
                for file; do
                    printf '        case "%s":\n            return %s%s\n' "${file##*/}" "$hashes" "$quotes"
                    cat "$file"
                    printf '\n%s%s\n' "$quotes" "$hashes"
                done
                printf '        default: return nil\n        }\n    }\n}\n'
            } >"$out"
            """#
        return [
            .buildCommand(
                displayName: "Embedding the dashboard", executable: URL(filePath: "/bin/sh"),
                arguments: ["-c", script, "sh", generated.path] + files.map(\.path),
                inputFiles: files, outputFiles: [generated])
        ]
    }
}
