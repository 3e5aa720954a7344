import Glibc

/// The bytes of this process that are in memory now, as the kernel counts them.
func residentBytes() -> Int {
    let statm = open("/proc/self/statm", O_RDONLY)
    defer { close(statm) }
    var text = [UInt8](repeating: 0, count: 128)
    let count = max(0, read(statm, &text, text.count))
    let fields = String(decoding: text[..<count], as: UTF8.self).split(separator: " ")
    guard fields.count > 1, let residentPages = Int(fields[1]) else { return 0 }
    return residentPages * sysconf(Int32(_SC_PAGESIZE))
}
