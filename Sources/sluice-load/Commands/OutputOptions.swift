import ArgumentParser

/// Where to write the results.
struct OutputOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Write all results as JSON; - is standard output.", valueName: "FILE"))
    var json: String?

    @Option(help: ArgumentHelp("Write the figures as CSV; - is standard output.", valueName: "FILE"))
    var csv: String?

    @Option(help: ArgumentHelp("Write a self-contained HTML page with plots.", valueName: "FILE"))
    var report: String?

    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false

    func validate() throws {
        if json == "-", csv == "-" {
            throw ValidationError("only one of --json and --csv can be standard output")
        }
    }
}
