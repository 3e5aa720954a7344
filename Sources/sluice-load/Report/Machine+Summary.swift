extension Machine {
    /// `AMD EPYC, 2 cores, Linux 6.1`, without what is not known.
    var summary: String {
        [processor, "\(cores) \(cores == 1 ? "core" : "cores")", system].filter { !$0.isEmpty }.joined(separator: ", ")
    }
}
