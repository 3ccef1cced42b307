internal import Bytes
internal import EventLoop

/// How many codes that mean nothing an address may have looked up. Each costs a call to WeCom, and WeCom counts them (only calls with a good code
/// are free): without a bound, a stranger with a script could use up the company's allowance and with it everybody's login.
struct CodeBudget {
    /// Codes that WeCom refused, per address and window. Honest people come with one from history, now and then; an office shares an address.
    static let allowance = 30
    static let window = Duration.seconds(600)
    /// Addresses remembered; beyond that the oldest windows are forgotten first.
    static let capacity = 10_000

    private var refused: [[UInt8]: (count: Int, since: WallTime)] = [:]

    func allows(_ client: String, now: WallTime) -> Bool {
        guard let known = refused[Self.key(client)], now < known.since.advanced(by: Self.window) else { return true }
        return known.count < Self.allowance
    }

    /// WeCom did not know a code that came from `client`.
    mutating func spend(_ client: String, now: WallTime) {
        let key = Self.key(client)
        if let known = refused[key], now < known.since.advanced(by: Self.window) {
            refused[key] = (known.count + 1, known.since)
            return
        }
        if refused.count >= Self.capacity { makeRoom(now) }
        refused[key] = (1, now)
    }

    private mutating func makeRoom(_ now: WallTime) {
        refused = refused.filter { now < $0.value.since.advanced(by: Self.window) }
        guard refused.count >= Self.capacity else { return }
        let oldest = refused.sorted { $0.value.since < $1.value.since }.prefix(Self.capacity / 4)
        for (key, _) in oldest { refused[key] = nil }
    }

    /// An IPv6 network hands its people as many addresses as they like: its first 64 bits count as one.
    private static func key(_ client: String) -> [UInt8] {
        guard let address = SocketAddress(literal: client, port: 0) else { return Array(client.utf8) }
        return Array(address.bytes.prefix(address.isIPv6 ? 8 : 4))
    }
}
