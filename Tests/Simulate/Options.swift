/// What is to be simulated.
struct Options {
    var first: UInt64 = 1
    var count: UInt64 = 1000
    /// Whether one seed is to be told of in full.
    var tellsAll = false
    var listsMutants = false
    /// The mutant that is to be noticed; nil simulates the hub as it is.
    var mutant: String?

    static let usage = """
        sluice-simulate [--first SEED] [--seeds COUNT]   simulates so many seeds
        sluice-simulate --seed SEED                      simulates one, and shows everything
        sluice-simulate --list-mutants                   lists the ways in which the hub can be told to be wrong
        sluice-simulate --mutant NAME [--seeds COUNT]    simulates that until it is noticed
        """

    /// Nil if the words are not understood.
    init?(_ words: some Sequence<String>) {
        var words = Array(words)[...]
        while let word = words.popFirst() {
            if word == "--list-mutants" {
                listsMutants = true
                continue
            }
            guard let value = words.popFirst() else { return nil }
            if word == "--mutant" {
                mutant = value
                continue
            }
            guard let number = UInt64(value) else { return nil }
            switch word {
            case "--first": first = number
            case "--seeds": count = number
            case "--seed": (first, count, tellsAll) = (number, 1, true)
            default: return nil
            }
        }
    }
}
