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

/// New keys come in, and old ones go. Each step is done under the folder's lock and leaves a folder that is whole: whoever breaks off between two of them,
/// or reads the folder in between, finds keys that sign and are published as `KeyRing` says.
extension KeyFolder {
    /// Adds a new key; by `KeyRing` it signs 10 minutes after `now`. Removes those that are of no use any more.
    @discardableResult public func addKey(_ algorithm: SigningAlgorithm = .es256, now: WallTime) throws(KeyFolderFault) -> KeyName {
        try locked { () throws(KeyFolderFault) in try add(algorithm, now: now) }
    }

    /// Adds a new key where one is due by the names that are there, so that of several processes with one folder a single one does. Nil where none is.
    /// - Parameter isChanged: the configuration may have changed: a newest key of another algorithm than `rotation` says makes a new one due. Not
    ///   to be asked again and again, or two machines that do not agree on the algorithm would take turns for ever.
    public func addKeyIfDue(_ rotation: KeyRotation, isChanged: Bool, now: WallTime) throws(KeyFolderFault) -> KeyName? {
        guard rotation.every > .zero else { return nil }
        return try locked { () throws(KeyFolderFault) in
            let names = try keyNames()
            var isDue = KeyRing(names: names, lifetime: .zero).isRotationDue(every: rotation.every, at: now)
            if isChanged, !isDue, let newest = names.last { isDue = try key(newest).map { $0.algorithm != rotation.algorithm } ?? false }
            return isDue ? try add(rotation.algorithm, now: now) : nil
        }
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
        let useless = KeyRing(names: try keyNames(), lifetime: .zero).useless(at: now)
        for name in useless { try Files.remove(path + "/" + name.fileName) }
        guard try keyNames().count < Self.maximumKeys else {
            throw KeyFolderFault(code: .cannotWrite, path: path, message: "\(Self.maximumKeys) keys are there already")
        }
        return try writeKey(algorithm, now: now)
    }

    private func locked<T>(_ body: () throws(KeyFolderFault) -> T) throws(KeyFolderFault) -> T {
        try FileLock.holding(path + "/" + Self.lockName, body)
    }
}
