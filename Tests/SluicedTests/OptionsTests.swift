import Testing

@testable import sluiced

@Suite struct OptionsTests {
    @Test("Without arguments, no option is set")
    func empty() throws {
        let options = try Options.parsing([])
        #expect(options.listen.isEmpty)
        #expect(options.config == nil)
        #expect(options.logLevel == nil)
        #expect(!options.allowPublic)
    }

    @Test("Every flag is accepted, and --listen several times")
    func everyFlag() throws {
        let options = try Options.parsing([
            "--listen", "localhost:0", "--config", "f.yaml", "--log-level=debug", "--allow-public", "--listen=unix:/s",
            "--log-format", "json",
        ])
        #expect(options.listen == ["localhost:0", "unix:/s"])
        #expect(options.config == "f.yaml")
        #expect(options.logLevel == "debug")
        #expect(options.logFormat == "json")
        #expect(options.allowPublic)
    }

    @Test(
        "A mistake on the command line gives an error of one line, with EX_USAGE",
        arguments: [
            (["--lisen", "x"], "Unknown option '--lisen'. Did you mean '--listen'?"),
            (["--listen"], "Missing value for '--listen <HOST:PORT|unix:PATH|fd:NAME>'"),
            (["serve"], "Unexpected argument 'serve'"),
            (["--allow-public=no"], "The option '--allow-public' does not take any value, but 'no' was specified."),
        ])
    func wrong(arguments: [String], message: String) {
        #expect(throws: SettingsError(message, status: .usage)) { try Options.parsing(arguments) }
    }
}
