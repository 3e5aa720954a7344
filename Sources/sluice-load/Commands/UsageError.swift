import ArgumentParser

/// The command line is wrong.
struct UsageError: Error {
    let message: String
}
