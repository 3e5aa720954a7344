import ArgumentParser
import Foundation
import SluiceWire

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch channels, waiters and rates, live.",
        discussion: """
            q quits, s sorts by another column, p pauses, j and k scroll. Without UTF-8 in LC_ALL, LC_CTYPE or LANG it \
            draws with ASCII; with NO_COLOR, without colors.
            """)

    @OptionGroup var hub: HubOptions

    @Option(help: ArgumentHelp("How often to look.", valueName: "D"), transform: Spelled.lease)
    var interval = Duration.seconds(1)

    static let labelPrefix = "sluice-top-"

    func validate() throws {
        guard interval >= .milliseconds(100) else { throw ValidationError("--interval is 100ms at least") }
    }

    func run() throws {
        var place = try hub.place()
        // By which the waiting of those who watch is known, and not shown.
        if place.label == nil { place.label = ChannelName("\(Self.labelPrefix)\(getpid())") }
        let environment = ProcessInfo.processInfo.environment
        let job = TopJob(
            place: place, interval: interval, glyphs: Self.glyphs(environment),
            usesColor: (environment["NO_COLOR"] ?? "").isEmpty)
        Session.run(quiet: hub.quiet) { try await job.run(in: $0) }
    }

    static func glyphs(_ environment: [String: String]) -> Glyphs {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        return locale.uppercased().replacing("-", with: "").hasSuffix("UTF8") ? .unicode : .ascii
    }
}
