/// Which of a site's upstreams serves the next request. It counts what each has under way.
struct Balancer {
    let method: SiteOptions.Balance
    /// Requests that each has under way.
    private(set) var loads: [Int]
    /// Where the next look begins, so that among equals everyone has a turn.
    private var next: Int

    /// `start`: the upstream whose turn is first; workers that begin at different ones spread what little comes.
    init(_ method: SiteOptions.Balance, upstreams count: Int, start: Int = 0) {
        self.method = method
        loads = Array(repeating: 0, count: count)
        next = start % count
    }

    /// One of `set` with fewer than `limit` requests under way, which from now on has one more; nil where there is none.
    mutating func pick(among set: UpstreamSet, limit: Int) -> Int? {
        var best = -1
        var at = next
        for _ in loads.indices {
            if set.contains(at), loads[at] < limit, best < 0 || loads[at] < loads[best] {
                best = at
                if method == .roundRobin { break }
            }
            at = at + 1 == loads.count ? 0 : at + 1
        }
        if best < 0 { return nil }
        loads[best] += 1
        next = best + 1 == loads.count ? 0 : best + 1
        return best
    }

    /// Gives that upstream a request without a choice; false where it has `limit` under way.
    mutating func take(_ index: Int, limit: Int) -> Bool {
        if loads[index] >= limit { return false }
        loads[index] += 1
        return true
    }

    /// A request that had been given to that upstream is through.
    mutating func ended(_ index: Int) { loads[index] -= 1 }
}
