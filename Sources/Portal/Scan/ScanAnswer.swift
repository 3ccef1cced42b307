internal import Access
internal import Bytes
internal import HTTP
internal import Proxy
internal import WeCom

/// `/.menwei/scan/CODE` on the phone: who is it that asks, and the one answer. A GET never approves anything: previews and scanners of links load addresses too.
extension Portal {
    func showToPhone(_ asked: Asked, _ code: ScanCode, _ scan: Scan, _ stage: Scan.Stage) async throws(Trouble) -> OwnResponse {
        switch stage {
        case .expired: return scanOverPage(asked, .expired)
        case .approved, .refused: return scanOverPage(asked, .answered)
        case .waiting: break
        }
        guard asked.client.isWeCom else { return openScanInWeComPage(asked, code) }
        guard let session = try await authSession(asked), Scan.mayApprove(session, within: Scan.freshnessAtFirst, now: asked.now) else {
            let journey = Journey(
                returnTo: returnAddress("/", on: options.authOrigin, allowPath: false), attempt: Journey.attempt(asked.query.one("try")), own: .scan(code))
            guard journey.attempt < Journey.lastAttempt else { return stuckPage(asked, journey) }
            return try await loginPage(asked, journey)
        }
        return numbersPage(asked, code, scan, session)
    }

    func answerScan(_ asked: Asked, _ code: ScanCode) async throws(Trouble) -> OwnResponse {
        guard BrowserMarks.isSameOrigin(asked.request.fields, asked.origin) else { return refuse(.foreignOrigin, asked) }
        guard let (scan, stage) = try await knownScan(code, asked) else { return scanOverPage(asked, .unknown) }
        guard let session = try await authSession(asked), Scan.mayApprove(session, within: Scan.freshness, now: asked.now) else {
            return refuse(.loginRequired, asked)
        }
        switch stage {
        case .expired: return scanOverPage(asked, .expired)
        case .approved, .refused: return scanOverPage(asked, .answered)
        case .waiting: break
        }
        let answer = scan.answer(Query(bytes: asked.request.body[...]).one("number"), by: session, now: asked.now)
        // Of two answers the first one counts, whatever both say.
        let isFirst = try await Trouble.store { () async throws(StoreFailure) in
            try await store.put(.scan, code.answerKey, answer.encoded, expires: asked.now.advanced(by: Scan.memory), now: asked.now)
        }
        guard isFirst else { return scanOverPage(asked, .answered) }
        records.scan(answer == .refused ? "refused" : "approved", session, asked)
        return answer == .refused ? refusedByPhonePage(asked) : approvedPage(asked, scan)
    }
}
