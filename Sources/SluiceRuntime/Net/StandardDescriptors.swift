import Glibc

/// Standard input, output and error, which a program may inherit closed.
package enum StandardDescriptors {
    /// Opens those that are closed. Otherwise, a socket could become one of them, and its peer would get the output of
    /// the program. Call this before anything else is opened.
    ///
    /// Reading and writing them fails as before: each is opened for the other direction.
    package static func open() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
            guard fcntl(descriptor, F_GETFD) < 0, errno == EBADF else { continue }
            // The lowest free descriptor is this one.
            _ = Glibc.open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
