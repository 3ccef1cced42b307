public import Bytes
import Synchronization
public import WeCom

/// Where departments and tags are read from.
public protocol GroupSource: Sendable {
    func departments() async throws(WeComError) -> DepartmentTree
    func tag(_ id: Int) async throws(WeComError) -> TagHolders
}

extension Directory: GroupSource {}

/// What the rules ask of one connection's departments and tags.
public struct GroupNeeds: Equatable, Sendable {
    /// A rule names a department of the connection.
    public var departments = false
    /// The tags of the connection that any rule names.
    public var tags: Set<Int> = []

    public init(departments: Bool = false, tags: Set<Int> = []) {
        self.departments = departments
        self.tags = tags
    }

    /// A rule cannot be decided without them.
    var areNeeded: Bool { departments || !tags.isEmpty }
}

/// A corp's departments and tags, as one connection's app may see them: read once for all who need them, and again every `sessions.recheck`. One for the
/// whole process.
public final class Groups: Sendable {
    private typealias Outcome = Result<CorpGroups, Trouble>
    private struct Trouble: Error {
        var error: WeComError
        var last: CorpGroups?
    }
    private struct State: Sendable {
        var cache: GroupCache
        var waiters: [CheckedContinuation<Outcome, Never>] = []
        var last: CorpGroups?
        var news: GroupNews?
    }

    let needs: GroupNeeds
    private let source: any GroupSource
    private let now: @Sendable () -> MonotonicTime
    private let state: Mutex<State>

    /// How many tags are read side by side.
    private static let width = 4

    /// - Parameters:
    ///   - maximumAge: how old what is known may get (`sessions.recheck`).
    ///   - grace: how long it stands after that while WeCom cannot be asked (`sessions.recheck_grace`).
    ///   - now: a clock that only goes forward.
    public init(_ needs: GroupNeeds, from source: any GroupSource, maximumAge: Duration, grace: Duration, now: @escaping @Sendable () -> MonotonicTime) {
        self.needs = needs
        self.source = source
        self.now = now
        state = Mutex(State(cache: GroupCache(maximumAge: maximumAge, grace: grace)))
    }

    public func place(_ member: DirectoryMember) async -> Placement {
        switch await current() {
        case .success(let groups): return .sure(groups.placed(member))
        case .failure(let trouble):
            if needs.areNeeded { return .doubtful(trouble.last?.placed(member), trouble.error) }
            return .sure(trouble.last?.placed(member) ?? member)
        }
    }

    /// They are known to have changed.
    public func forget() { state.withLock { $0.cache.forget() } }

    /// Reads them again where that is due.
    public func renew() async { _ = await current() }

    /// They should be read again.
    var isDue: Bool { state.withLock { $0.cache.isDue(at: now()) } }

    /// Something was read that `takeNews` tells of.
    var hasNews: Bool { state.withLock { $0.news != nil } }

    /// What was read since the last call; nil: nothing.
    public func takeNews() -> GroupNews? {
        state.withLock { state in
            defer { state.news = nil }
            return state.news
        }
    }

    private func current() async -> Outcome {
        await withCheckedContinuation { (waiter: CheckedContinuation<Outcome, Never>) in
            let outcome: Outcome? = state.withLock { state in
                switch state.cache.advice(at: now()) {
                case .use(let groups): return .success(groups)
                case .fail(let error, let last): return .failure(Trouble(error: error, last: last))
                case .wait:
                    state.waiters.append(waiter)
                    return nil
                case .read:
                    state.waiters.append(waiter)
                    // Away from the worker's loop: a large corp's departments take a while to be read.
                    Task.detached { await self.read() }
                    return nil
                }
            }
            if let outcome { waiter.resume(returning: outcome) }
        }
    }

    private func read() async {
        let begun = now()
        let answer: Result<CorpGroups, WeComError>
        do { answer = .success(try await readAll()) } catch { answer = .failure(error) }
        let (outcome, waiters) = state.withLock { state in
            defer { state.waiters = [] }
            switch answer {
            case .success(let groups):
                let treeChanged = state.last.map { !groups.tree.holds($0.tree) } ?? false
                state.news = GroupNews(groups: groups, treeChanged: treeChanged || state.news?.treeChanged == true)
                state.last = groups
                state.cache.read(groups, begun: begun)
                return (Outcome.success(groups), state.waiters)
            case .failure(let error):
                let last = state.cache.failed(error, at: now())
                return (.failure(Trouble(error: error, last: last)), state.waiters)
            }
        }
        for waiter in waiters { waiter.resume(returning: outcome) }
    }

    private func readAll() async throws(WeComError) -> CorpGroups {
        var groups = CorpGroups()
        do { groups.tree = try await source.departments() } catch {
            // An app whose range has no department.
            guard error.errcode == ErrorCode.notInVisibleRange else { throw error }
        }
        var rest = needs.tags.sorted()[...]
        while !rest.isEmpty {
            let some = rest.prefix(Self.width)
            rest = rest.dropFirst(Self.width)
            let answers = await withTaskGroup(of: TagAnswer.self) { group in
                for id in some { group.addTask { await self.ask(id) } }
                var answers: [TagAnswer] = []
                for await answer in group { answers.append(answer) }
                return answers
            }
            for answer in answers { groups.tags[answer.id] = try Self.holders(answer.holders) }
        }
        return groups
    }

    private struct TagAnswer: Sendable {
        var id: Int
        var holders: Result<TagHolders, WeComError>
    }

    /// A method of its own: with its typed errors inside of the task's closure, the optimised program (Swift 6.3) lost the number.
    private func ask(_ id: Int) async -> TagAnswer {
        do { return TagAnswer(id: id, holders: .success(try await source.tag(id))) } catch { return TagAnswer(id: id, holders: .failure(error)) }
    }

    /// A tag that is not there, or that the app may not read, is nobody's: a rule that names it lets nobody in by it. It says nothing of other rules.
    private static func holders(_ answer: Result<TagHolders, WeComError>) throws(WeComError) -> TagHolders {
        do { return try answer.get() } catch {
            guard [ErrorCode.badTag, ErrorCode.tagNotAllowed, ErrorCode.notInVisibleRange].contains(error.errcode) else { throw error }
            return TagHolders()
        }
    }
}
