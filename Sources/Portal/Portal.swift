public import Access
internal import Crypto
public import Proxy
internal import Bytes
internal import HTTP
internal import WeCom

/// Everything under `/.menwei/`, the ownership files, the auth origin's `/`, and the answers to whatever is refused. One per worker, only ever used on
/// that worker's loop; what workers share lies behind `SessionStore` and the identity providers.
public final class Portal: Responder, RefusalRenderer {
    let options: PortalOptions
    let store: any SessionStore
    /// Nil: members have the accounts that their user ids give.
    let accounts: (any AccountStore)?
    /// By connection id.
    let providers: [String: any IdentityProvider]
    let records: PortalRecords
    let suspicions: Suspicions
    /// The JWK set, as it is now.
    let publicKeys: () -> [UInt8]
    let assets = Assets.shared
    /// One a worker: what an address may ask of WeCom is then that many times as much, which does not matter.
    var codeBudget = AddressBudget.codes
    var callbackBudget = AddressBudget.callbacks
    /// When a refused callback was logged last, by connection and fault.
    var refusedCallbacks: [String: WallTime] = [:]
    var scanBudget = AddressBudget.scans
    /// Browsers that wait for a phone. Nil: they have to ask again and again.
    let scans: ScanWaits?

    public init(options: PortalOptions, store: any SessionStore, accounts: (any AccountStore)? = nil, providers: [String: any IdentityProvider],
                records: PortalRecords, suspicions: Suspicions, scans: ScanWaits? = nil, publicKeys: @escaping () -> [UInt8]) {
        self.options = options
        self.store = store
        self.accounts = accounts
        self.providers = providers
        self.records = records
        self.suspicions = suspicions
        self.scans = scans
        self.publicKeys = publicKeys
    }

    public func respond(to request: OwnRequest) async -> OwnResponse {
        if let file = ownershipFile(request) { return file }
        guard let origin = request.origin else { return answer(.unknownHost, to: request, audience: Audience.classify(request.head)) }
        let asked = Asked(request, origin: origin, options: options)
        do {
            return try await route(asked)
        } catch let trouble {
            records.trouble(trouble, asked)
            return refuse(.storeDown, asked)
        }
    }

    /// One row per path: where it is, which methods it has, who answers.
    private func route(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        let path = asked.request.path
        if path == "/", asked.isAuth { return try await get(asked) { () async throws(Trouble) in try await whoAmI(asked) } }
        guard path.hasPrefix("/.menwei/") else { return refuse(.noSuchSite, asked) }
        let name = path.dropFirst("/.menwei/".count)
        switch name {
        case "login":
            return try await get(asked) { () async throws(Trouble) in try await login(asked) }
        case "logout":
            return try await logout(asked)
        case "me":
            return try await get(asked) { () async throws(Trouble) in try await me(asked) }
        case "jwks.json":
            return try await get(asked) { () async throws(Trouble) in keySet() }
        case "home" where asked.isSite:
            return try await get(asked) { () async throws(Trouble) in home(asked) }
        case "jssdk" where asked.isSite:
            return try await get(asked) { () async throws(Trouble) in try await jssdk(asked) }
        case "finish" where asked.isSite:
            return try await get(asked, head: false) { () async throws(Trouble) in try await finish(asked) }
        default:
            break
        }
        if name.hasPrefix("assets/"), let file = assets.file(named: name.dropFirst("assets/".count)) {
            return try await get(asked) { () async throws(Trouble) in asset(file) }
        }
        guard asked.isAuth else { return refuse(.noSuchOwnPath, asked) }
        if name == "bind", options.asksForCode { return try await bind(asked) }
        if name.hasPrefix("start/"), let connection = options.connection(name.dropFirst("start/".count)) {
            return try await get(asked, head: false) { () async throws(Trouble) in try await start(asked, connection) }
        }
        if name.hasPrefix("callback/"), let connection = options.connection(name.dropFirst("callback/".count)) {
            return try await get(asked, head: false) { () async throws(Trouble) in try await callback(asked, connection) }
        }
        if name.hasPrefix("events/"), let connection = options.connection(name.dropFirst("events/".count)), let app = connection.wecom,
           let keys = app.events {
            return events(asked, connection, CallbackReader(keys, corpID: app.corpID))
        }
        if name == "sessions" { return try await sessions(asked) }
        if name == "scan" || name.hasPrefix("scan/"), options.isScanningOn { return try await scan(asked, name.dropFirst("scan".count)) }
        return refuse(.noSuchOwnPath, asked)
    }

    /// Answers GET, and HEAD where nothing is spent by it; 405 to the rest.
    func get(_ asked: Asked, head: Bool = true, _ body: () async throws(Trouble) -> OwnResponse) async throws(Trouble) -> OwnResponse {
        guard asked.request.method == "GET" || head && asked.request.method == "HEAD" else {
            return refuse(.methodNotAllowed(allow: head ? "GET, HEAD" : "GET"), asked)
        }
        return try await body()
    }

    func refuse(_ refusal: Refusal, _ asked: Asked) -> OwnResponse {
        answer(refusal, to: asked.request, audience: asked.audience)
    }

    /// A new value of 256 bits, base64url.
    func token() throws(Trouble) -> String {
        do { return Base64URL.encode(try options.random(32)) } catch { throw .random }
    }
}

/// Why the portal cannot go on: never the person's doing, and always answered with 503.
enum Trouble: Error, Equatable {
    case store(StoreFailure)
    case random
    /// The account table was changed while somebody logged in.
    case accountChanged

    /// What `body` gives, its failure of the store as trouble of the portal.
    static func store<Value>(_ body: () async throws(StoreFailure) -> Value) async throws(Trouble) -> Value {
        do { return try await body() } catch { throw .store(error) }
    }
}
