import CLibev
import Glibc

/// A program that is about to be started, with the descriptors that it will have.
struct ProcessLaunch: ~Copyable {
    private let arguments: [String]
    private let options: Subprocess.Options
    private var actions = posix_spawn_file_actions_t()
    /// The program's ends of its pipes, which this process closes after the start.
    private var ends: [OwnedEnd] = []

    /// An array cannot hold a `Descriptor`.
    private final class OwnedEnd {
        private let descriptor: Descriptor

        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    /// - Throws: `.misuse` when there is no name of a program, or a text contains a zero byte.
    init(_ arguments: [String], _ options: Subprocess.Options) throws(SluiceError) {
        guard let name = arguments.first, !name.isEmpty else {
            throw SluiceError(.misuse, "the arguments of a subprocess must begin with the name of a program")
        }
        let variables = (options.environment ?? [:]).flatMap { [$0.key, $0.value] }
        guard !(arguments + variables + [options.directory ?? ""]).contains(where: { $0.utf8.contains(0) }) else {
            throw SluiceError(.misuse, "an argument or a variable of '\(name)' contains a zero byte")
        }
        self.arguments = arguments
        self.options = options
        posix_spawn_file_actions_init(&actions)
        if let directory = options.directory { _ = clibev_add_directory(&actions, directory) }
    }

    deinit {
        var actions = actions
        posix_spawn_file_actions_destroy(&actions)
    }

    /// Redirects a standard descriptor of the program.
    ///
    /// - Returns: this process's end of a pipe; nil without one.
    mutating func redirect(
        _ number: Int32, _ redirection: Subprocess.Redirection, _ name: String, on reactor: Reactor
    ) throws(SluiceError) -> Stream? {
        switch redirection {
        case .inherited:
            return nil
        case .null:
            posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
            return nil
        case .descriptor(let other):
            // A duplicate, so that the descriptors before this one cannot be in its place.
            let duplicate = fcntl(other, F_DUPFD_CLOEXEC, 3)
            guard duplicate >= 0 else { throw SluiceError(system: errno, "cannot use descriptor \(other) as \(name)") }
            give(Descriptor(owning: duplicate), as: number)
            return nil
        case .pipe:
            let isInput = number == STDIN_FILENO
            let pipe = try PipeEnds()
            let ours = isInput ? pipe.writing.number : pipe.reading.number
            guard fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK) == 0 else {
                throw SluiceError(system: errno, "cannot make a pipe for \(name)")
            }
            return pipe.divided(isInput) { ours, theirs in
                give(theirs, as: number)
                return Stream(ours, .pipe, called: name, on: reactor)
            }
        }
    }

    private mutating func give(_ descriptor: consuming Descriptor, as number: Int32) {
        posix_spawn_file_actions_adddup2(&actions, descriptor.number, number)
        ends.append(OwnedEnd(descriptor))
    }

    /// Starts the program.
    ///
    /// - Returns: its process id.
    /// - Throws: `.system` when it does not exist or cannot be run.
    mutating func start() throws(SluiceError) -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        restoreSignals(of: &attributes)

        var process: pid_t = 0
        let status = Self.withTexts(arguments) { words in
            guard let variables = options.environment else {
                return posix_spawnp(&process, arguments[0], &actions, &attributes, words, environ)
            }
            return Self.withTexts(variables.map { "\($0.key)=\($0.value)" }) { variables in
                posix_spawnp(&process, arguments[0], &actions, &attributes, words, variables)
            }
        }
        guard status == 0 else { throw SluiceError(system: status, "cannot run '\(arguments[0])'") }
        return process
    }

    /// Passes on an array of texts in the form of C.
    private static func withTexts<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return body(copies)
    }

    /// Starts the program with the usual signals. It would inherit that the reactor ignores SIGPIPE.
    private borrowing func restoreSignals(of attributes: inout posix_spawnattr_t) {
        var usual = sigset_t()
        sigemptyset(&usual)
        sigaddset(&usual, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        if options.leadsGroup {
            posix_spawnattr_setpgroup(&attributes, 0)
            flags |= POSIX_SPAWN_SETPGROUP
        }
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }
}

extension PipeEnds {
    /// Passes on this process's end and the program's.
    ///
    /// - Parameter isInput: whether the program reads the pipe.
    fileprivate consuming func divided<Result>(
        _ isInput: Bool, _ body: (_ ours: consuming Descriptor, _ theirs: consuming Descriptor) -> Result
    ) -> Result {
        isInput ? body(writing, reading) : body(reading, writing)
    }
}
