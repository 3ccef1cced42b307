import Access
import EventLoop
import HTTP
import Telemetry

/// Which upstream serves an exchange, and how often it is tried.
extension Relay {
    func start() {
        if let bound = exchange.client?.clientConnection?.bound, let connection = bound.choice(for: self), let member = connection.binding?.member,
            site.group.enters(member)
        {
            bound.take(connection)
            return placed(at: member, on: connection)
        }
        site.group.place(self, tried: tried)
    }

    /// Goes to `member` and to no other, past all limits: a check.
    func start(at member: UpstreamMember) {
        isCheck = true
        placed(at: member)
    }

    /// The group has no upstream free: the request waits there.
    func waits(at place: UpstreamGroup.Line.Place) {
        self.place = place
        retry.waits(since: loop.now)
        armConnectLimit(retry.left(at: loop.now))
    }

    /// The group cannot take it at all.
    func turnedAway(_ failure: UpstreamFailure) {
        isOver = true
        exchange.upstreamFailed(failure, answerBegun: false)
    }

    /// That upstream is to serve it; `connection`: over that one, which it has taken.
    func placed(at member: UpstreamMember, on connection: UpstreamConnection? = nil) {
        let connection = connection ?? (place == nil ? nil : takeBound(at: member))
        place = nil
        self.member = member
        tried.insert(member.index)
        connects = 0
        exchange.trace.upstream = member.address.text
        retry.began(at: loop.now)
        if let connection { attach(connection) } else { take(fresh: retry.tries > 1) }
    }

    /// Who had to wait for an upstream may have a connection of its own there. Not where a try has failed: then an ordinary one serves.
    private func takeBound(at member: UpstreamMember) -> UpstreamConnection? {
        guard retry.tries == 0, let bound = exchange.client?.clientConnection?.bound, let connection = bound.choice(for: self, at: member) else { return nil }
        bound.take(connection)
        return connection
    }

    /// The connection that serves it logs somebody in (`progress`): from now on it belongs to this client connection and this session. False where it cannot
    /// wait for them, and must end with the exchange.
    func binds(_ stream: any UpstreamStream, _ progress: ConnectionLogin.Progress) -> Bool {
        // Over HTTP/2 such a login is none: the connection is everybody's.
        guard let connection = stream as? UpstreamConnection else { return false }
        if let binding = connection.binding {
            binding.progress = progress
            return true
        }
        // Preflights are asked in nobody's name, and checks by nobody.
        guard let member, exchange.trace.isJudged, let bound = exchange.client?.clientConnection?.bind() else { return false }
        connection.binding = ConnectionBinding(to: bound, at: member, sid: exchange.session?.record.sid, progress)
        return true
    }

    private func take(fresh: Bool) {
        ticket &+= 1
        let ticket = self.ticket
        member?.pool.take(for: self, fresh: fresh)
        // What was decided at once needs no time.
        if awaits(ticket) { armConnectLimit(connectShare) }
    }

    /// Whether it still waits for the connection that it asked for with that ticket.
    func awaits(_ ticket: Int) -> Bool { !isOver && ticket == self.ticket && stream == nil }

    /// A new connection is tried.
    func connecting() {
        connects += 1
        armConnectLimit(connectShare)
    }

    private var untriedMembers: Int { isCheck ? 0 : site.group.members.count - tried.count }
    private var untriedAddresses: Int { max(0, (member?.pool.resolver.choices ?? 0) - connects) }
    /// Nanoseconds that the present try may take to connect.
    var connectShare: UInt64 { retry.share(others: untriedMembers + untriedAddresses, at: loop.now) }

    private func armConnectLimit(_ nanoseconds: UInt64) {
        let timer = connectLimit ?? LoopTimer { [weak self] in self?.connectLimitPassed() }
        connectLimit = timer
        loop.schedule(timer, after: nanoseconds)
    }

    private func connectLimitPassed() {
        if let place {
            site.group.waitedTooLong(place)
            self.place = nil
            turnedAway(.timedOut)
        } else if stream == nil {
            member?.pool.tookTooLong(for: self)
        }
    }

    /// The upstream has no more to do with it: another may have its place there.
    func leave(_ failure: UpstreamFailure? = nil) {
        if let connectLimit { loop.cancel(connectLimit) }
        if let place {
            self.place = nil
            site.group.leave(place)
        }
        guard let member else { return }
        self.member = nil
        if isCheck { return }
        if let failure, isToBlame(for: failure) { site.group.failed(member, failure) }
        site.group.left(member)
    }

    /// Whether a failure says something of the upstream. A kept connection may end at any time; and who has an answer's head does answer.
    private func isToBlame(for failure: UpstreamFailure) -> Bool {
        if headReceived { return false }
        switch failure {
        case .unreachable, .unanswered, .broken: return true
        case .timedOut: return requestEnded
        case .staleConnection, .notExecuted, .outOfMeans: return false
        }
    }

    func upstreamFailed(_ failure: UpstreamFailure) {
        let isUnwritten = (failure == .notExecuted || stream?.hasWritten != true) && bodySent == 0
        stream = nil
        ticket &+= 1
        if isOver { return }
        // Who has no session any more is not tried for again.
        if exchange.isEnding, !headReceived {
            isOver = true
            leave(failure)
            return exchange.endWithSession()
        }
        let attempt = RetryPolicy.Attempt(isUnwritten: isUnwritten, mayRepeat: mayRepeat, others: untriedMembers, addresses: untriedAddresses)
        guard retry.triesAgain(after: failure, attempt, at: loop.now) else {
            isOver = true
            leave(failure)
            return exchange.upstreamFailed(failure, answerBegun: headReceived)
        }
        requestEnded = false
        if !isCheck { member?.counters.retried() }
        if isCheck || failure == .unreachable && attempt.others == 0 {
            // A name may stand for several addresses, and only one of them answer.
            retry.began(at: loop.now)
            return take(fresh: true)
        }
        leave(failure)
        site.group.place(self, tried: tried)
    }

    /// Executing it twice does no harm (RFC 9110 section 9.2.2), we still have all of it, and nothing of an answer has come.
    var mayRepeat: Bool {
        if headReceived || exchange.head.body != .none || exchange.head.isWebSocket { return false }
        switch exchange.head.method {
        case .get, .head, .options, .put, .delete: return true
        default: return false
        }
    }
}
