/// How much of all answers of one worker waits for clients to take it, in bytes.
struct HeldAnswers {
    let limit: Int
    private(set) var bytes = 0

    init(limit: Int) { self.limit = limit }

    /// There is more than there should be: answers get less room each.
    var isCrowded: Bool { bytes > limit }

    /// A connection that held `before` holds `now`.
    mutating func changed(from before: Int, to now: Int) { bytes += now - before }
}
