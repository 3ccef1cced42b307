import Bytes

/// How many requests for the gateway's own paths a worker answers at the same time, in all and for one client (its addresses taken together as
/// `IPAddress.neighbourhood` says): each may wait for the store or for WeCom, and whoever asks must not pile up work before the others.
final class OwnCrowd {
    static let total = 8192
    /// An office behind one address may log in all at once.
    static let ofOne = 2048

    /// Where a request was counted.
    struct Place {
        fileprivate var client: IPAddress?
    }

    private var count = 0
    private var census: [IPAddress?: Int] = [:]

    /// Nil: there is no room.
    func enter(_ client: String) -> Place? {
        let client = IPAddress(client)?.neighbourhood
        guard count < Self.total, census[client, default: 0] < Self.ofOne else { return nil }
        count += 1
        census[client, default: 0] += 1
        return Place(client: client)
    }

    func leave(_ place: Place) {
        count -= 1
        let left = census[place.client, default: 1] - 1
        census[place.client] = left > 0 ? left : nil
    }
}
