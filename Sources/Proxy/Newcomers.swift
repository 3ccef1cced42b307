/// The connections of a server that are not established yet, in the order in which they came. A list through the connections themselves: one is in it
/// for a few milliseconds of its life, and leaves from anywhere.
struct Newcomers {
    /// A connection's place.
    struct Place {
        fileprivate unowned(unsafe) var previous: ClientConnection?
        fileprivate var next: ClientConnection?
        fileprivate var isTaken = false
    }

    private(set) var oldest: ClientConnection?
    private unowned(unsafe) var newest: ClientConnection?
    private(set) var count = 0

    mutating func add(_ connection: ClientConnection) {
        unsafe connection.place.previous = newest
        connection.place.isTaken = true
        if let newest = unsafe newest { newest.place.next = connection } else { oldest = connection }
        unsafe newest = connection
        count += 1
    }

    /// Does nothing where it is not in the list.
    mutating func remove(_ connection: ClientConnection) {
        guard connection.place.isTaken else { return }
        let previous = unsafe connection.place.previous
        let next = connection.place.next
        if let previous { previous.place.next = next } else { oldest = next }
        if let next { unsafe next.place.previous = previous } else { unsafe newest = previous }
        connection.place = Place()
        count -= 1
    }
}
