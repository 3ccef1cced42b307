public import Bytes

/// What a key folder holds: which keys there are, and the key that seals what the store keeps.
public struct KeyFolderContents: Sendable {
    public var ring: KeyRing
    /// By `kid`.
    public var keys: [String: SigningKey]
    public var sealing: SealingKey
    /// For the administrator: files that others may read, and the like. `(path, message)`.
    public var warnings: [(path: String, message: String)]
}

/// Why a key folder cannot be used.
public struct KeyFolderFault: Error, Equatable, Sendable {
    public enum Code: String, Sendable { case unreadable, notAKey, cannotWrite, crypto }
    public var code: Code
    public var path: String
    /// Fit for a person to read; never holds key material.
    public var message: String
}

/// The folder `signing.keys`: one PKCS#8 PEM per key, and `sealing.key` beside them (43 characters base64url of 32 bytes). All files 0600, the
/// folder 0700. Several processes, also of several machines, may share it: a file appears whole or not at all, and the first key is made under
/// a lock.
public struct KeyFolder: Sendable {
    public let path: String
    public static let sealingName = "sealing.key"
    static let lockName = ".lock"
    /// More keys than this are a fault. Keys are not made as fast: one in ten minutes, and those that are of no use go with the next rotation.
    static let maximumKeys = 200

    public init(path: String) { self.path = path }

    /// Reads the folder; on the first run makes it, one signing key and the sealing key.
    /// - Parameter algorithm: of the key that is made; those that are there may be of any.
    public func openOrCreate(_ algorithm: SigningAlgorithm = .es256, lifetime: Duration, now: WallTime) throws(KeyFolderFault) -> KeyFolderContents {
        if let contents = try readIfComplete(lifetime: lifetime) { return contents }
        try Files.makeFolder(path)
        try FileLock.holding(path + "/" + Self.lockName) { () throws(KeyFolderFault) in
            // Another process may have been faster while we waited for the lock.
            if try keyNames().isEmpty { _ = try writeKey(algorithm, now: now) }
            if try Files.read(path + "/" + Self.sealingName, limit: 4096) == nil {
                let key = try crypto { () throws(CryptoFailure) in try SealingKey.generate() }
                try Files.writeNew(path + "/" + Self.sealingName, Array((Base64URL.encode(key.bytes) + "\n").utf8))
            }
        }
        guard let contents = try readIfComplete(lifetime: lifetime) else {
            throw KeyFolderFault(code: .unreadable, path: path, message: "keys vanished while they were read")
        }
        return contents
    }

    /// Reads the folder without changing anything; nil where there is no signing key or no sealing key yet.
    public func readIfComplete(lifetime: Duration) throws(KeyFolderFault) -> KeyFolderContents? {
        let names = try keyNames()
        guard !names.isEmpty else { return nil }
        var warnings: [(path: String, message: String)] = []
        var keys: [String: SigningKey] = [:]
        // A key that was withdrawn while we read: the next look will show why.
        for name in names { keys[name.kid] = try readKey(name, &warnings) }
        let file = path + "/" + Self.sealingName
        guard let read = try Files.read(file, limit: 4096) else { return nil }
        if read.othersMayRead { warnings.append((file, "others may read this key; make it mode 0600")) }
        var text = read.bytes[...]
        while let last = text.last, last == 0x0A || last == 0x0D || last == 0x20 { text = text.dropLast() }
        guard let bytes = Base64URL.decode(String(decoding: text, as: UTF8.self)), let sealing = SealingKey(bytes: bytes) else {
            throw KeyFolderFault(code: .notAKey, path: file, message: "not a sealing key: 43 characters of base64url are expected")
        }
        return KeyFolderContents(ring: KeyRing(names: names.filter { keys[$0.kid] != nil }, lifetime: lifetime), keys: keys, sealing: sealing,
                                 warnings: warnings)
    }

    /// The names of the key files that are there.
    public func fileNames() throws(KeyFolderFault) -> [String] { try keyNames().map(\.fileName) }

    /// The keys that are there, oldest first, whether the folder is complete or not.
    public func list() throws(KeyFolderFault) -> [(name: KeyName, key: SigningKey)] {
        var found: [(name: KeyName, key: SigningKey)] = []
        for name in try keyNames() {
            if let key = try key(name) { found.append((name, key)) }
        }
        return found
    }

    /// What the folder holds by now, for a process that runs: whatever is wrong with it takes no key away that is known and whose file is still there, and
    /// where none is left those that are known serve on. `problems` say what was not taken; the contents' warnings are of new keys. The sealing key
    /// stays as it is.
    public func refresh(_ known: KeyFolderContents) -> (contents: KeyFolderContents, problems: [KeyFolderFault]) {
        var problems: [KeyFolderFault] = []
        var contents = known
        contents.warnings = []
        do throws(KeyFolderFault) {
            let names = try keyNames()
            contents.keys = [:]
            for name in names {
                do throws(KeyFolderFault) {
                    if let key = known.keys[name.kid] { contents.keys[name.kid] = key } else { contents.keys[name.kid] = try readKey(name, &contents.warnings) }
                } catch { problems.append(error) }
            }
            contents.ring = KeyRing(names: names.filter { contents.keys[$0.kid] != nil }, lifetime: known.ring.lifetime)
            if contents.ring.names.isEmpty {
                problems.append(KeyFolderFault(code: .unreadable, path: path, message: "holds no key any more; those in memory serve on"))
                contents = known
            }
        } catch {
            problems.append(error)
        }
        return (contents, problems)
    }

    /// One key; nil where its file is gone.
    func key(_ name: KeyName) throws(KeyFolderFault) -> SigningKey? {
        var warnings: [(path: String, message: String)] = []
        return try readKey(name, &warnings)
    }

    private func readKey(_ name: KeyName, _ warnings: inout [(path: String, message: String)]) throws(KeyFolderFault) -> SigningKey? {
        let file = path + "/" + name.fileName
        guard let read = try Files.read(file, limit: 16384) else { return nil }
        let key = try signingKey(file, read.bytes, kid: name.kid)
        if read.othersMayRead { warnings.append((file, "others may read this private key; make it mode 0600")) }
        return key
    }

    func keyNames() throws(KeyFolderFault) -> [KeyName] {
        let names = try Files.list(path).compactMap(KeyName.init(fileName:)).sorted()
        guard names.count <= Self.maximumKeys else {
            throw KeyFolderFault(code: .unreadable, path: path, message: "more than \(Self.maximumKeys) keys")
        }
        return names
    }

    func writeKey(_ algorithm: SigningAlgorithm, now: WallTime) throws(KeyFolderFault) -> KeyName {
        let key = try crypto { () throws(CryptoFailure) in try SigningKey.generate(algorithm) }
        let name = KeyName(created: now, kid: key.kid)
        try Files.writeNew(path + "/" + name.fileName, Array(key.pem.utf8))
        return name
    }

    private func signingKey(_ file: String, _ bytes: [UInt8], kid: String) throws(KeyFolderFault) -> SigningKey {
        let key: SigningKey
        do throws(SigningKey.Fault) {
            key = try SigningKey(pem: String(decoding: bytes, as: UTF8.self))
        } catch {
            let message =
                switch error {
                case .notAKey: "not a private key: unencrypted PKCS#8 PEM is expected"
                case .otherAlgorithm: "not a key for ES256 (P-256), EdDSA (Ed25519) or RS256 (RSA, 2048 to 4096 bits)"
                case .broken: "a damaged key"
                }
            throw KeyFolderFault(code: .notAKey, path: file, message: message)
        }
        guard key.kid == kid else {
            throw KeyFolderFault(code: .notAKey, path: file, message: "the name says another key than the file holds (\(key.kid))")
        }
        return key
    }

    private func crypto<T>(_ body: () throws(CryptoFailure) -> T) throws(KeyFolderFault) -> T {
        do { return try body() } catch { throw KeyFolderFault(code: .crypto, path: path, message: "cannot make a key: \(error.what)") }
    }
}
