import ArgumentParser

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Watch channels, waiters and rates, live.")
    @OptionGroup var hub: HubOptions
    func run() throws {}
}
