internal import Access
internal import Bytes
internal import WeCom

/// What a corp's directory says of departments and tags is read again in time, and whom a change concerns is looked up again.
extension MemberCheck {
    /// Reads departments and tags again where that is due. While nobody is logged in nobody needs them.
    func renewGroups(_ now: WallTime) async {
        let due = providers.compactMap { id, provider in provider.groups.map { (id, $0) } }.filter { $0.1.isDue || $0.1.hasNews }
        guard !due.isEmpty, let count = try? await store.count(now: now), count > 0 else { return }
        for (connection, groups) in due {
            await groups.renew()
            await take(groups, of: connection)
        }
    }

    private func take(_ groups: Groups, of connection: String) async {
        // In this order: with a store that does not answer the news waits.
        guard groups.hasNews, let sessions = try? await store.list(account: nil, now: options.now()), let news = groups.takeNews() else { return }
        // Which departments of a member are their own, and which lie above, the session does not tell.
        if news.treeChanged { return suspicions.note(everybodyOf: connection, now: options.now()) }
        let members = sessions.map(\.member).filter {
            $0.connection == connection && !news.groups.fits(user: $0.user, departments: $0.departments, tags: $0.tags)
        }
        suspicions.note(members.map { MemberKey(connection: connection, user: $0.user) }, now: options.now())
    }
}
