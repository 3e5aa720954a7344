extension String {
    /// A number of bytes as people say it, cut off after a tenth: "5 B", "1.2 KiB", "3.4 MiB".
    package init(readableBytes bytes: Int) {
        var unit = 1
        var name = "B"
        for larger in ["KiB", "MiB", "GiB", "TiB", "PiB"] where bytes / 1024 >= unit {
            unit *= 1024
            name = larger
        }
        // The remainder is less than 2 to the power of 50, so that ten times as much is no overflow.
        self = "\(tenths: bytes / unit * 10 + bytes % unit * 10 / unit) \(name)"
    }
}
