import Bytes

/// The connections of a server that are not established yet, in the order in which they came. A list through the connections themselves: one is in it
/// for a few milliseconds of its life, and leaves from anywhere.
struct Newcomers {
    /// A connection's place.
    struct Place {
        fileprivate unowned(unsafe) var previous: ClientConnection?
        fileprivate var next: ClientConnection?
        fileprivate var isTaken = false
        /// For whom it counts; nil: a balancer's, behind which anybody may be.
        fileprivate var address: IPAddress?
    }

    private(set) var oldest: ClientConnection?
    private unowned(unsafe) var newest: ClientConnection?
    private(set) var count = 0
    private var census = ConnectionCensus()

    /// - Parameter address: whose it is; nil: a balancer's.
    mutating func add(_ connection: ClientConnection, from address: IPAddress?) {
        unsafe connection.place.previous = newest
        connection.place.isTaken = true
        connection.place.address = address
        if let address { census.add(address) }
        if let newest = unsafe newest { newest.place.next = connection } else { oldest = connection }
        unsafe newest = connection
        count += 1
    }

    /// How many are of that client.
    func count(of address: IPAddress) -> Int { census.count(of: address) }

    /// The oldest of a client who has more than `share` of them.
    func oldest(ofCrowdAbove share: Int) -> ClientConnection? {
        var next = oldest
        while let connection = next {
            if let address = connection.place.address, census.count(of: address) > share { return connection }
            next = connection.place.next
        }
        return nil
    }

    /// Does nothing where it is not in the list.
    mutating func remove(_ connection: ClientConnection) {
        guard connection.place.isTaken else { return }
        if let address = connection.place.address { census.remove(address) }
        let previous = unsafe connection.place.previous
        let next = connection.place.next
        if let previous { previous.place.next = next } else { oldest = next }
        if let next { unsafe next.place.previous = previous } else { unsafe newest = previous }
        connection.place = Place()
        count -= 1
    }
}
