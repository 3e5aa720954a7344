import SluiceWire

/// The commands that do not run under the hub's lock, because they do not need the hub or take the lock themselves.
extension Conversation {
    func runUnlocked(_ request: Request) {
        let tag = request.tag
        switch request.command {
        case .hello: answer(hub.greeting, tag)
        case .ping(let body): answer(.pong(body), tag)
        case .help(let verb):
            stepsLeft -= Budget.stepsOfHelp
            answer(.data(hub.help.body(for: verb)), tag)
        case .inspect(let inspection): inspect(inspection, tag)
        case .quit: quit(tag)
        case .authenticate(let credentials): authenticate(credentials, tag)
        case .send, .receive, .select, .barrier, .acknowledge, .nack, .touch, .open, .close, .poison, .join, .leave,
            .name, .trace, .cancel:
            break
        }
    }

    private func inspect(_ inspection: Inspection, _ tag: Tag?) {
        if isInUse(tag) { return answer(.error(.tagInUse), tag) }
        do {
            take(try hub.job(for: inspection), tag)
        } catch {
            answer(.error(error), tag)
        }
    }

    private func authenticate(_ credentials: Credentials, _ tag: Tag?) {
        guard let users = hub.users else { return answer(.error(.noUsers), tag) }
        guard users.accept(credentials) else { return refuse(.denied, tag, because: .denied) }
        var refusal: WireError?
        hub.transact(share) { [id] in refusal = $0.authenticate(id, as: credentials.principal) }
        if let refusal { return refuse(refusal, tag, because: .tooManyOfPrincipal) }
        admission = nil
        answer(.ok(Attributes()), tag)
    }
}
