import Testing

@testable import Proxy

@Suite struct BalancerTests {
    @Test func inTurnEveryoneGetsTheSame() {
        var balancer = Balancer(.roundRobin, upstreams: 3)
        let picked = (0..<9).map { _ in balancer.pick(among: .first(3), limit: 100) }
        #expect(picked == [0, 1, 2, 0, 1, 2, 0, 1, 2])
        #expect(balancer.loads == [3, 3, 3])
    }

    @Test func inTurnWhoIsPassedOverLosesOnlyItsOwnTurn() {
        var balancer = Balancer(.roundRobin, upstreams: 3)
        let picked = (0..<4).map { _ in balancer.pick(among: UpstreamSet(bits: 0b101), limit: 100) }
        #expect(picked == [0, 2, 0, 2])
    }

    @Test func theOneWithTheFewestRequestsIsNext() {
        var balancer = Balancer(.leastRequests, upstreams: 3)
        _ = (0..<6).map { _ in balancer.pick(among: .first(3), limit: 100) }
        balancer.ended(1)
        #expect(balancer.pick(among: .first(3), limit: 100) == 1)
    }

    @Test func amongEqualsEveryoneHasATurn() {
        var balancer = Balancer(.leastRequests, upstreams: 3)
        var picked: [Int?] = []
        for _ in 0..<6 {
            let index = balancer.pick(among: .first(3), limit: 100)
            picked.append(index)
            if let index { balancer.ended(index) }
        }
        #expect(picked == [0, 1, 2, 0, 1, 2])
    }

    @Test func aSlowOneGetsNoMoreThanItsShareOfWhatIsUnderWay() {
        var balancer = Balancer(.leastRequests, upstreams: 2)
        var taken = [0, 0]
        // Upstream 0 never answers, 1 always at once.
        for _ in 0..<100 {
            guard let index = balancer.pick(among: .first(2), limit: 100) else { continue }
            taken[index] += 1
            if index == 1 { balancer.ended(1) }
        }
        #expect(taken == [1, 99])
    }

    @Test(arguments: [SiteOptions.Balance.leastRequests, .roundRobin])
    func whoHasTheMostThatItMayGetsNoMore(_ method: SiteOptions.Balance) {
        var balancer = Balancer(method, upstreams: 2)
        let picked = (0..<5).map { _ in balancer.pick(among: .first(2), limit: 2) }
        #expect(picked == [0, 1, 0, 1, nil])
        balancer.ended(1)
        #expect(balancer.pick(among: UpstreamSet(bits: 1), limit: 2) == nil)
        #expect(balancer.pick(among: .first(2), limit: 2) == 1)
    }

    @Test func workersBeginAtDifferentUpstreams() {
        let first = (0..<3).map { start in
            var balancer = Balancer(.leastRequests, upstreams: 3, start: start)
            return balancer.pick(among: .first(3), limit: 1)
        }
        #expect(first == [0, 1, 2])
    }

    @Test func whatIsLeftWithoutTheDoubtfulIsTakenWhereAnythingIs() {
        #expect(UpstreamSet.first(3).avoiding(UpstreamSet(bits: 0b010)) == UpstreamSet(bits: 0b101))
        #expect(UpstreamSet(bits: 0b010).avoiding(UpstreamSet(bits: 0b010)) == UpstreamSet(bits: 0b010))
        #expect(UpstreamSet.first(64).count == 64)
    }
}
