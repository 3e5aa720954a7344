import ArgumentParser

/// What becomes of the figures.
struct OutputOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Write everything that was measured as JSON; - is standard output.", valueName: "FILE"))
    var json: String?

    @Option(help: ArgumentHelp("Write the figures as a table of values; - is standard output.", valueName: "FILE"))
    var csv: String?

    @Option(help: ArgumentHelp("Write a page with plots, in one file.", valueName: "FILE"))
    var report: String?

    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false

    func validate() throws {
        if json == "-", csv == "-" { throw ValidationError("only one of --json and --csv can be standard output") }
    }
}
