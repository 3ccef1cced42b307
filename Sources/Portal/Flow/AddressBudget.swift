internal import Bytes
internal import EventLoop

/// How often an address may do what costs others something, or come with what turns out to mean nothing.
struct AddressBudget {
    /// Codes that WeCom refused. Each costs a call to WeCom, and WeCom counts them (only calls with a good code are free): without a bound, a stranger
    /// with a script could use up the company's allowance and with it everybody's login. Honest people come with one from history, now and then; an
    /// office shares an address.
    static let codes = AddressBudget(allowance: 30, window: .seconds(600))
    /// QR codes of ours that were asked for. Each is drawn.
    static let scans = AddressBudget(allowance: 300, window: .seconds(120))
    /// Callbacks that WeCom did not sign. They cost little each; beyond this they cost nothing.
    static let callbacks = AddressBudget(allowance: 300, window: .seconds(60))

    /// Addresses remembered; beyond that the oldest windows are forgotten first.
    static let capacity = 10_000

    /// Per address and window.
    let allowance: Int
    let window: Duration
    private var spent: [[UInt8]: (count: Int, since: WallTime)] = [:]

    init(allowance: Int, window: Duration) {
        self.allowance = allowance
        self.window = window
    }

    func allows(_ client: String, now: WallTime) -> Bool {
        guard let known = spent[Self.key(client)], now < known.since.advanced(by: window) else { return true }
        return known.count < allowance
    }

    /// It was done once more, from `client`.
    mutating func spend(_ client: String, now: WallTime) {
        let key = Self.key(client)
        if let known = spent[key], now < known.since.advanced(by: window) {
            spent[key] = (known.count + 1, known.since)
            return
        }
        if spent.count >= Self.capacity { makeRoom(now) }
        spent[key] = (1, now)
    }

    private mutating func makeRoom(_ now: WallTime) {
        spent = spent.filter { now < $0.value.since.advanced(by: window) }
        guard spent.count >= Self.capacity else { return }
        let oldest = spent.sorted { $0.value.since < $1.value.since }.prefix(Self.capacity / 4)
        for (key, _) in oldest { spent[key] = nil }
    }

    /// The address, as one for whom the store keeps something.
    static func owner(_ client: String) -> String { "address " + key(client).map { String($0, radix: 16) }.joined(separator: ".") }

    /// An IPv6 network hands its people as many addresses as they like: its first 64 bits count as one.
    static func key(_ client: String) -> [UInt8] {
        guard let address = SocketAddress(literal: client, port: 0) else { return Array(client.utf8) }
        return Array(address.bytes.prefix(address.isIPv6 ? 8 : 4))
    }
}
