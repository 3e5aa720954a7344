/// What to simulate.
struct Options {
    var first: UInt64 = 1
    var count: UInt64 = 1000
    /// Whether to show everything that happens with the first seed.
    var showsAll = false
    /// Whether to stop at the first seed that fails, and only say which rule it breaks.
    var stopsAtFirstFailure = false
    var showsVersion = false

    static let usage = """
        sluice-simulate [--first SEED] [--seeds COUNT]   simulates COUNT seeds
        sluice-simulate --seed SEED                      simulates one seed, and shows everything that happens
        sluice-simulate --first-failure [--seeds COUNT]  simulates seeds in order, until one breaks a rule
        sluice-simulate --version                        prints the version and the commit
        """

    /// Returns nil if the arguments are not valid.
    init?(_ arguments: some Sequence<String>) {
        var arguments = Array(arguments)[...]
        while let argument = arguments.popFirst() {
            if argument == "--version" {
                showsVersion = true
                continue
            }
            if argument == "--first-failure" {
                stopsAtFirstFailure = true
                continue
            }
            guard let number = arguments.popFirst().flatMap({ UInt64($0) }) else { return nil }
            switch argument {
            case "--first": first = number
            case "--seeds": count = number
            case "--seed": (first, count, showsAll) = (number, 1, true)
            default: return nil
            }
        }
    }
}
