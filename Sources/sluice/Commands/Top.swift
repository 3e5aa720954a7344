import ArgumentParser
import Foundation
import SluiceWire

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch channels, waiters and rates live.",
        discussion: """
            q quits, s sorts by the next column, p pauses, j and k scroll. Draws with ASCII unless LC_ALL, LC_CTYPE or \
            LANG says UTF-8, and without colors if NO_COLOR is set.
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var reconnect: ReconnectOptions

    @Option(help: ArgumentHelp("How often to refresh.", valueName: "D"), transform: Spelled.positiveDuration)
    var interval = Duration.seconds(1)

    static let labelPrefix = "sluice-top-"

    func validate() throws {
        guard interval >= .milliseconds(100) else { throw ValidationError("--interval must be at least 100ms") }
    }

    func run() throws {
        var place = try hub.place()
        // The label by which `top` recognizes, and hides, the traces of every `top`.
        if place.label == nil { place.label = ChannelName("\(Self.labelPrefix)\(getpid())") }
        let environment = ProcessInfo.processInfo.environment
        let job = TopJob(
            place: place, reconnects: !reconnect.noReconnect, interval: interval, glyphs: Self.glyphs(environment),
            usesColor: (environment["NO_COLOR"] ?? "").isEmpty)
        Invocation.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }

    static func glyphs(_ environment: [String: String]) -> Glyphs {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        return locale.uppercased().replacing("-", with: "").hasSuffix("UTF8") ? .unicode : .ascii
    }
}
