public import WeCom

/// Who a code stands for, and what the directory tells of a member: one connection's side of WeCom, over the network.
/// Calls may take as long as WeCom's time limits allow; they never throw for a person's sake, only for a call that gave no answer.
public protocol IdentityProvider: Sendable {
    /// Exchanges a code (1–512 bytes, good once).
    func identify(code: String) async throws(WeComError) -> Identity
    /// Looks a member up by user id (1–64 bytes).
    func member(userid: String) async throws(WeComError) -> DirectoryMember
    /// What a member agreed to show, by a code of the scope `snsapi_privateinfo`; nil: nothing.
    func agreed(code: String) async throws(WeComError) -> AgreedDetails?
    /// What pages are signed with for WeCom's JS-SDK; nil: there is nothing of that kind here.
    func pageTickets() async throws(WeComError) -> PageTickets?
    /// What the rules ask of departments and tags; nil: there is nothing of that kind here.
    var groups: Groups? { get }
}

extension Directory: IdentityProvider {}

extension IdentityProvider {
    public var groups: Groups? { nil }
    public func agreed(code: String) async throws(WeComError) -> AgreedDetails? { nil }
    public func pageTickets() async throws(WeComError) -> PageTickets? { nil }

    /// The whole way from the code to a member who may come in; everything else, every doubt included, is a refusal.
    /// - Parameter visibleRangeOnly: whom the app does not see stays out (`visible_range_only`).
    public func logIn(code: String, visibleRangeOnly: Bool) async throws(LoginRefusal) -> DirectoryMember {
        let identity: Identity
        do { identity = try await identify(code: code) } catch { throw LoginRefusal(error) }
        if case .known(let person) = identity { return person }
        return try await admit(user: try Admission.member(identity), visibleRangeOnly: visibleRangeOnly)
    }

    /// The directory's word on whether a member may come in, and what it tells of them; every doubt is a refusal.
    public func admit(user: String, visibleRangeOnly: Bool) async throws(LoginRefusal) -> DirectoryMember {
        let lookup: Result<DirectoryMember, WeComError>
        do { lookup = .success(try await member(userid: user)) } catch { lookup = .failure(error) }
        do throws(LoginRefusal) {
            let member = try Admission.decide(user: user, lookup: lookup, visibleRangeOnly: visibleRangeOnly)
            switch await groups?.place(member) ?? .sure(member) {
            case .sure(let placed): return placed
            case .doubtful(_, let error): throw LoginRefusal(error)
            }
        } catch {
            throw LoginRefusal(error.failure, error: error.error, user: user)
        }
    }
}
