/// SIGHUP comes whenever it likes: one reload runs at a time, and whatever was asked meanwhile makes one more.
struct ReloadTurns {
    private var hasStarted = false
    /// A reload runs.
    private(set) var isRunning = false
    private var isWanted = false

    /// A reload was asked for; whether it begins now.
    mutating func asked() -> Bool {
        isWanted = true
        return next()
    }

    /// The workers serve; whether a reload that was asked for before begins now.
    mutating func started() -> Bool {
        hasStarted = true
        return next()
    }

    /// The one that ran is over; whether another begins now.
    mutating func ended() -> Bool {
        isRunning = false
        return next()
    }

    private mutating func next() -> Bool {
        guard hasStarted, isWanted, !isRunning else { return false }
        isWanted = false
        isRunning = true
        return true
    }
}
