public import Bytes

/// How a folder's keys are renewed.
public struct KeyRotation: Equatable, Sendable {
    /// Zero: another does it.
    public var every: Duration
    /// Of new keys.
    public var algorithm: SigningAlgorithm

    public init(every: Duration, algorithm: SigningAlgorithm) {
        self.every = every
        self.algorithm = algorithm
    }
}

extension KeyFolderContents {
    /// Whether a new key is due: by age, or, where the configuration may have changed, because the newest is for another algorithm. The latter is not to
    /// be asked again and again, or two machines that do not agree on the algorithm would take turns for ever.
    public func isRotationDue(_ rotation: KeyRotation, isChanged: Bool, at now: WallTime) -> Bool {
        KeyFolder.isRotationDue(ring, rotation, newest: isChanged ? ring.names.last.flatMap { keys[$0.kid]?.algorithm } : nil, at: now)
    }
}

/// New keys come in, and old ones go. Each step is done under the folder's lock and leaves a folder that is whole: whoever breaks off between two of them,
/// or reads the folder in between, finds keys that sign and are published as `KeyRing` says.
extension KeyFolder {
    /// Adds a new key; by `KeyRing` it signs 10 minutes after `now`. Removes those that are of no use any more.
    @discardableResult public func addKey(_ algorithm: SigningAlgorithm = .es256, now: WallTime) throws(KeyFolderFault) -> KeyName {
        try locked { () throws(KeyFolderFault) in try add(algorithm, now: now) }
    }

    /// Adds a new key where one is due by the names that are there, so that of several processes with one folder a single one does. Nil where none is.
    /// - Parameter isChanged: as in `KeyFolderContents.isRotationDue`.
    public func addKeyIfDue(_ rotation: KeyRotation, isChanged: Bool, now: WallTime) throws(KeyFolderFault) -> KeyName? {
        try locked { () throws(KeyFolderFault) in
            let ring = KeyRing(names: try keyNames(), lifetime: .zero)
            var newest: SigningAlgorithm?
            if isChanged, let name = ring.names.last { newest = try key(name)?.algorithm }
            return Self.isRotationDue(ring, rotation, newest: newest, at: now) ? try add(rotation.algorithm, now: now) : nil
        }
    }

    fileprivate static func isRotationDue(_ ring: KeyRing, _ rotation: KeyRotation, newest: SigningAlgorithm?, at now: WallTime) -> Bool {
        if rotation.every == .zero { return false }
        if let newest, newest != rotation.algorithm { return true }
        return ring.isRotationDue(every: rotation.every, at: now)
    }

    /// Makes a new key the only one, as after a theft: it signs at once, and what the others signed holds no longer. They go oldest first, so that on the
    /// way none that was retired becomes the first, which signs.
    public func replaceKeys(_ algorithm: SigningAlgorithm, now: WallTime) throws(KeyFolderFault) -> (made: KeyName, withdrawn: [KeyName]) {
        try locked { () throws(KeyFolderFault) in
            let names = try keyNames()
            let made = try writeKey(algorithm, now: now)
            for name in names { try Files.remove(path + "/" + name.fileName) }
            return (made, names)
        }
    }

    private func add(_ algorithm: SigningAlgorithm, now: WallTime) throws(KeyFolderFault) -> KeyName {
        let ring = KeyRing(names: try keyNames(), lifetime: .zero)
        for name in ring.useless(at: now) { try Files.remove(path + "/" + name.fileName) }
        guard try keyNames().count < Self.maximumKeys else {
            throw KeyFolderFault(code: .cannotWrite, path: path, message: "\(Self.maximumKeys) keys are there already")
        }
        // It comes after the others, whose maker's clock may have been a little ahead.
        let after = ring.newest(at: now)?.created.advanced(by: .seconds(1)) ?? now
        return try writeKey(algorithm, now: max(now, after))
    }

    private func locked<T>(_ body: () throws(KeyFolderFault) -> T) throws(KeyFolderFault) -> T {
        try FileLock.holding(path + "/" + Self.lockName, body)
    }
}
