import SluiceHub
import SluiceRuntime

/// How a connection writes responses, and how long it waits for its HTTP client.
extension WebConnection {
    /// Writes a response, and gets ready for the next request.
    ///
    /// - Parameter isLast: whether the connection ends after it.
    func respond(_ response: Response, isLast: Bool = false) {
        write(response, isLast: isLast)
        exchange = nil
        endRequest()
    }

    /// Writes a response whose exchange continues when the client's kernel has confirmed it.
    func deliver(_ response: Response) {
        write(response)
        guard isOpen else { return }
        phase = .delivering
        confirmations = ConfirmationSchedule()
        checkConfirmation()
    }

    private func write(_ response: Response, isLast: Bool = false) {
        door.count(response.status)
        // While the hub drains, a client that sends requests in advance would keep it from ending.
        self.isLast = self.isLast || isLast || response.closes || request == nil || door.hub.isDraining
        output.append(
            response.bytes(
                keepingAlive: !self.isLast, announcingIt: request?.isHTTP1_1 == false,
                omittingBody: request?.method == "HEAD"))
        flush()
    }

    /// Gets ready for the next request.
    func endRequest() {
        guard isOpen else { return }
        if isLast { return linger() }
        phase = .head
        request = nil
        setAlarmBetweenRequests()
    }

    func flush() {
        switch output.write(to: socket) {
        case .failed: hangUp(isBroken: true)
        case .some(let hasProgress): if hasProgress || alarm == nil { setAlarm(after: door.hub.limits.stallTimeout) }
        case .all: outputIsWritten()
        }
    }

    private func outputIsWritten() {
        switch phase {
        case .delivering: checkConfirmation()
        case .lingering: finishWriting()
        case .head: setAlarmBetweenRequests()
        case .streaming: eventsAreWritten()
        case .webSocket: framesAreWritten()
        case .body, .authenticating, .waiting, .changingLease, .acknowledging, .upgrading, .closed: break
        }
    }

    var hasOutput: Bool { !output.isEmpty || socket.hasUnsentOutput }

    /// Continues the exchange if the client's kernel has confirmed the response, or checks again soon.
    func checkConfirmation() {
        guard !hasOutput else { return setAlarm(after: door.hub.limits.stallTimeout) }
        if awaitConfirmation() { responseIsConfirmed() }
    }

    /// Returns whether the client's kernel has confirmed all output. If not, sets the alarm for the next look, or hangs
    /// up.
    func awaitConfirmation() -> Bool {
        if socket.failure == nil {
            if socket.isOutputConfirmed {
                confirmations = ConfirmationSchedule()
                return true
            }
            let confirmedBytes = output.totalBytes - socket.unconfirmedBytes
            if let delay = confirmations.next(
                confirmedBytes: confirmedBytes, at: reactor.nowNanoseconds, atMost: door.hub.limits.stallTimeout)
            {
                setAlarm(after: delay)
                return false
            }
        }
        hangUp(isBroken: true)
        return false
    }

    // MARK: Time

    func setAlarmBetweenRequests() {
        let limits = door.hub.limits
        setAlarm(after: hasOutput ? limits.stallTimeout : input.isEmpty ? Timeouts.idle : limits.lineTimeout)
    }

    func setAlarm(after delay: Duration) {
        cancelAlarm()
        alarm = reactor.call(after: delay) { [self] in
            alarm = nil
            alarmIsDue()
        }
    }

    func cancelAlarm() {
        if let alarm { reactor.cancelTimer(alarm) }
        alarm = nil
        forgetAlarm()
    }

    func alarmFires() {
        switch phase {
        case .head where input.isEmpty && !hasOutput: hangUp(isBroken: false)
        case .head where hasOutput: hangUp(isBroken: true)
        case .head, .body:
            request = nil
            respond(Response(.requestTimeout, "the request took too long to arrive"), isLast: true)
        case .authenticating, .waiting, .changingLease, .acknowledging, .upgrading:
            // While the input is not read, only this check notices that the client has hung up.
            if socket.failure != nil || socket.hasInputEnded { hangUp(isBroken: true) }
        case .delivering: if hasOutput { hangUp(isBroken: true) } else { checkConfirmation() }
        case .streaming: streamAlarmFires()
        case .webSocket: webSocketAlarmFires()
        case .lingering: hangUp(isBroken: hasOutput)
        case .closed: break
        }
    }
}
