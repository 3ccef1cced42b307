import Bytes

/// How many connections each client has, its addresses taken together as `IPAddress.neighbourhood` says.
struct ConnectionCensus {
    private var counts: [IPAddress: Int] = [:]

    func count(of address: IPAddress) -> Int { counts[address.neighbourhood] ?? 0 }

    mutating func add(_ address: IPAddress) { counts[address.neighbourhood, default: 0] += 1 }

    mutating func remove(_ address: IPAddress) {
        let key = address.neighbourhood
        guard let count = counts[key] else { return }
        // Whoever has left takes no memory.
        counts[key] = count > 1 ? count - 1 : nil
    }
}
