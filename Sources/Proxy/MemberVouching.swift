public import Access

/// Keeps what the directory says of members current. The gateway asks it only for sessions whose last answer is too old to stand any more.
public protocol MemberVouching: Sendable {
    /// How old an answer may get before nobody passes on it (`sessions.recheck` and `recheck_grace` together).
    var answersStandFor: Duration { get }
    /// Whether the connections, as they are configured now, could name somebody so. A session from before a restart opens nothing where they
    /// could not: its account may be another person's by now.
    func knows(_ member: Member) -> Bool
    /// Asks about the member of a session, and writes the answer to the store.
    func renew(_ record: SessionRecord) async -> MemberStanding
}

/// What the directory means for a session.
public enum MemberStanding: Equatable, Sendable {
    case stands
    /// The member is gone; their sessions have ended.
    case ended
    /// The directory cannot be asked, and its last answer is too old: 503.
    case unavailable
}
