import Glibc
import _StringProcessing

/// The functions of the process, by the addresses of their code.
enum CodeSymbols {
    /// Returns the function that each address is in, and its place in its file for `addr2line`: "main.f() async -> (),
    /// program+0x1234". Leaves out the functions of this module. Reads the tables of symbols of the files that the
    /// addresses are in, which takes some milliseconds for each file.
    static func names(of addresses: Set<UInt>) -> [UInt: String] {
        var modules: [UInt: (path: String, addresses: [UInt])] = [:]
        for address in addresses {
            var info = LoadedFile()
            guard let pointer = UnsafeRawPointer(bitPattern: address), dladdr(pointer, &info) != 0, let path = info.path
            else { continue }
            let base = UInt(bitPattern: info.base)
            modules[base, default: (String(cString: path), [])].addresses.append(address)
        }
        var names: [UInt: String] = [:]
        for (base, module) in modules {
            // The path of the program may be relative to a folder that is not the current one any more.
            let isProgram = module.path == CommandLine.arguments.first
            let symbols = ELFSymbols(path: isProgram ? "/proc/self/exe" : module.path, base: base)
            let file = module.path.split(separator: "/").last.map(String.init) ?? module.path
            for address in module.addresses {
                let place = "\(file)+0x\(String(address - (symbols?.isFixed == true ? 0 : base), radix: 16))"
                let function = symbols?.function(at: address)
                if let function, function.hasPrefix(ownPrefix) { continue }
                names[address] = function.map { "\(demangled($0)), \(place)" } ?? place
            }
        }
        return names
    }

    /// How the symbols of this module begin.
    private static let ownPrefix = "$s13SluiceRuntime"

    /// Returns a name as in the source, without what the compiler adds for the parts of an async function.
    private static func demangled(_ symbol: String) -> String {
        guard let text = swift_demangle(symbol, UInt(symbol.utf8.count), nil, nil, 0) else { return symbol }
        defer { free(text) }
        let name = String(cString: text)
        // "(2) suspend resume partial function for f()"
        guard name.hasPrefix("("), let last = name.firstRange(of: "function for ") else { return name }
        return String(name[last.upperBound...])
    }
}

/// `Dl_info` of `dlfcn.h`.
private struct LoadedFile {
    var path: UnsafePointer<CChar>?
    var base: UnsafeRawPointer?
    var symbol: UnsafePointer<CChar>?
    var symbolAddress: UnsafeRawPointer?
}

// The module of the C library does not have this function, which is an extension of GNU.
@_silgen_name("dladdr")
private func dladdr(_ address: UnsafeRawPointer, _ info: UnsafeMutablePointer<LoadedFile>) -> Int32

@_silgen_name("swift_demangle")
private func swift_demangle(
    _ name: UnsafePointer<CChar>, _ length: UInt, _ output: UnsafeMutablePointer<CChar>?,
    _ outputSize: UnsafeMutablePointer<UInt>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?

/// The table of symbols of an ELF file of this machine.
private struct ELFSymbols {
    /// Whether the file says at which addresses it is loaded.
    let isFixed: Bool
    private let base: UInt
    private let file: MappedFile
    private var symbols: Range<Int> = 0..<0
    private var strings: Range<Int> = 0..<0

    private static let symbolSize = 24

    init?(path: String, base: UInt) {
        guard let file = MappedFile(path), file.load(0, as: UInt32.self) == 0x464c_457f else { return nil }
        self.file = file
        self.base = base
        isFixed = file.load(16, as: UInt16.self) == 2
        guard let sections = file.load(40, as: UInt64.self), let size = file.load(58, as: UInt16.self),
            let count = file.load(60, as: UInt16.self)
        else { return nil }
        let headers = (0..<Int(count)).map { Int(clamping: sections) + $0 * Int(size) }
        // The full table if the file has one, else that of the dynamic linker.
        for kind: UInt32 in [2, 11] {
            guard let header = headers.first(where: { file.load($0 + 4, as: UInt32.self) == kind }),
                let link = file.load(header + 40, as: UInt32.self), headers.indices.contains(Int(link)),
                let symbols = file.section(at: header), let strings = file.section(at: headers[Int(link)])
            else { continue }
            (self.symbols, self.strings) = (symbols, strings)
            return
        }
        return nil
    }

    func function(at address: UInt) -> String? {
        let address = UInt64(isFixed ? address : address - base)
        let lastEntry = symbols.upperBound - Self.symbolSize
        for entry in stride(from: symbols.lowerBound, through: lastEntry, by: Self.symbolSize) {
            guard let start = file.load(entry + 8, as: UInt64.self), start <= address,
                let size = file.load(entry + 16, as: UInt64.self), address - start < max(size, 1),
                let kind = file.load(entry + 4, as: UInt8.self), kind & 15 == 2,
                let name = file.load(entry, as: UInt32.self)
            else { continue }
            return file.string(at: strings.lowerBound + Int(name), before: strings.upperBound)
        }
        return nil
    }
}

/// A file that is mapped into memory for reading.
private final class MappedFile {
    private let bytes: UnsafeRawBufferPointer

    init?(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0,
            let start = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED
        else { return nil }
        bytes = UnsafeRawBufferPointer(start: start, count: Int(status.st_size))
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

    /// The number at a place; nil beyond the end of the file.
    func load<Value: FixedWidthInteger>(_ place: Int, as type: Value.Type) -> Value? {
        guard place >= 0, place <= bytes.count - MemoryLayout<Value>.size else { return nil }
        return bytes.loadUnaligned(fromByteOffset: place, as: type)
    }

    /// Where the section with the header at a place is; nil if it is not within the file.
    func section(at header: Int) -> Range<Int>? {
        guard let start = load(header + 24, as: UInt64.self), let size = load(header + 32, as: UInt64.self),
            start <= bytes.count, size <= UInt64(bytes.count) - start
        else { return nil }
        return Int(start)..<Int(start + size)
    }

    func string(at place: Int, before end: Int) -> String? {
        guard place >= 0, place < end else { return nil }
        return String(decoding: bytes[place..<end].prefix { $0 != 0 }, as: UTF8.self)
    }
}
