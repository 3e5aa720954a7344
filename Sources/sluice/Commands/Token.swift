import ArgumentParser
import SluiceRuntime

/// Makes tokens for principals.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a token for a principal.", subcommands: [NewToken.self])
}

/// Prints a new token for a client, and its digest, which the principals-file contains instead of the token.
struct NewToken: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Print a new token, and the line that the daemon needs.",
        discussion: """
            The first line is the token, for SLUICE_TOKEN of the client. The second one is its digest, for the tokens: of a \
            principal in the file of principals of sluiced. The token cannot be found from the digest, so keep it now.
            """)

    func run() {
        let token = TokenDigest.makeToken()
        print("\(token)\n\(TokenDigest(of: token.utf8))")
    }
}
