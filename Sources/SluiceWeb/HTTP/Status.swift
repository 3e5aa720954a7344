/// The status of a response.
enum Status: Int, Sendable {
    case switchingProtocols = 101
    case ok = 200
    case accepted = 202
    case noContent = 204
    case badRequest = 400
    case unauthorized = 401
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case requestTimeout = 408
    case conflict = 409
    case gone = 410
    case bodyTooLarge = 413
    case uriTooLong = 414
    case expectationFailed = 417
    case misdirected = 421
    case rejected = 422
    case upgradeRequired = 426
    case tooManyRequests = 429
    case headersTooLarge = 431
    case notImplemented = 501
    case unavailable = 503
    case inDoubt = 504
    case versionNotSupported = 505

    /// The reason phrase, which follows the number.
    var reason: String {
        switch self {
        case .switchingProtocols: "Switching Protocols"
        case .ok: "OK"
        case .accepted: "Accepted"
        case .noContent: "No Content"
        case .badRequest: "Bad Request"
        case .unauthorized: "Unauthorized"
        case .forbidden: "Forbidden"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .requestTimeout: "Request Timeout"
        case .conflict: "Conflict"
        case .gone: "Gone"
        case .bodyTooLarge: "Content Too Large"
        case .uriTooLong: "URI Too Long"
        case .expectationFailed: "Expectation Failed"
        case .misdirected: "Misdirected Request"
        case .rejected: "Unprocessable Content"
        case .upgradeRequired: "Upgrade Required"
        case .tooManyRequests: "Too Many Requests"
        case .headersTooLarge: "Request Header Fields Too Large"
        case .notImplemented: "Not Implemented"
        case .unavailable: "Service Unavailable"
        case .inDoubt: "Gateway Timeout"
        case .versionNotSupported: "HTTP Version Not Supported"
        }
    }
}

/// Why a request is refused, in one line.
struct Refusal: Error, Sendable, Equatable {
    var status: Status
    var message: String
    /// The methods that the route has, for ``Status/methodNotAllowed``.
    var allowed: [String] = []

    init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// Refuses a method.
    init(allowing methods: [String]) {
        status = .methodNotAllowed
        message = "the methods here are \(methods.joined(separator: ", "))"
        allowed = methods
    }
}
