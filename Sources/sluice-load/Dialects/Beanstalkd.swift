/// beanstalkd's lines.
enum Beanstalkd {
    static let lineEnd = Array("\r\n".utf8)
    /// Longer than a run: a job that comes again would be taken for one that came twice.
    static let reservationSeconds = 3600
}
