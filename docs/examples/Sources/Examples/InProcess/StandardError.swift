// Output that differs from one run to the next goes to standard error.

import Foundation

/// Prints the time of one of `count` channel operations.
func report(_ elapsed: Duration, for count: Int) {
    note("\(elapsed / count) for each of \(count) messages")
}

func note(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
