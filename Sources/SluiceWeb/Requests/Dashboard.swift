import SluiceWire

/// The page that shows what the hub does, and the files that it consists of: `GET /` and `GET /ui/FILE`.
///
/// The page contains no data and needs no credentials. It requests everything that it shows, as other clients do.
enum Dashboard {
    /// The prefix of the paths of the page's files.
    static let prefix = "/ui/"
    private static let page = "index.html"

    /// What the page may do: use its own files, and make requests to this server. Scripts within the markup do not run,
    /// and a text cannot become markup (`trusted-types`).
    private static let policy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
        form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'
        """

    /// The name of the file at a path; nil if there is none.
    static func file(at path: String) -> String? {
        let name = path == "/" ? page : path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : ""
        return DashboardFiles.text(of: name) == nil ? nil : name
    }

    static func response(for file: String) -> Response {
        guard let text = DashboardFiles.text(of: file) else { return Response(.notFound, "there is no such file") }
        var response = Response(.ok)
        response.policy = policy
        response.contentType =
            switch file.split(separator: ".").last {
            case "html": "text/html; charset=utf-8"
            case "css": "text/css; charset=utf-8"
            case "js": "text/javascript; charset=utf-8"
            default: "image/svg+xml"
            }
        // A page that has opened this one gets no reference to it.
        response.headers = ["Cross-Origin-Opener-Policy: same-origin"]
        response.body = text.withUTF8Buffer { Array($0) }
        return response
    }
}
