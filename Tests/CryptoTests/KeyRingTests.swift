@testable import Crypto
import Bytes
import Foundation
import Testing

private func kid(_ letter: Character) -> String { String(repeating: letter, count: 42) + "A" }
private func name(_ seconds: Int64, _ letter: Character) -> KeyName { KeyName(created: WallTime(seconds: seconds), kid: kid(letter)) }

@Suite struct KeyNameTests {
    @Test("names are read and written the same", arguments: [
        (0, "19700101T000000Z"), (951_782_400, "20000229T000000Z"), (1_767_323_045, "20260102T030405Z"), (4_102_444_799, "20991231T235959Z"),
        (2_147_483_648, "20380119T031408Z"), (253_402_300_799, "99991231T235959Z"),
    ] as [(Int64, String)])
    func names(seconds: Int64, text: String) {
        let key = name(seconds, "x")
        #expect(key.fileName == "\(text)-\(kid("x")).pem")
        #expect(KeyName(fileName: key.fileName) == key)
    }

    @Test("other names are none", arguments: [
        "", "sealing.key", ".lock", "20260102T030405Z.pem", "20260102T030405Z-short.pem", "20260230T030405Z-\(kid("x")).pem",
        "20261302T030405Z-\(kid("x")).pem", "20260102T250405Z-\(kid("x")).pem", "20260102T030405Z-\(kid("x")).pem.tmp-1234",
        "20260102T030405Z-\(kid("/")).pem", "2026010-T030405Z-\(kid("x")).pem", "20260102T030405Z-\(kid("x")).key",
    ])
    func others(text: String) { #expect(KeyName(fileName: text) == nil) }
}

@Suite struct KeyRingTests {
    let life = Duration.seconds(120)

    @Test("the only key signs at once, whatever the clock says")
    func first() {
        let ring = KeyRing(names: [name(1000, "a")], lifetime: life)
        for now in [0, 999, 1000, 9999] as [Int64] {
            #expect(ring.signing(at: WallTime(seconds: now))?.kid == kid("a"))
            #expect(ring.published(at: WallTime(seconds: now)).map(\.kid) == [kid("a")])
        }
        #expect(ring.nextChange(after: WallTime(seconds: 0)) == nil)
        #expect(KeyRing(names: [], lifetime: life).signing(at: WallTime(seconds: 0)) == nil)
    }

    @Test("a later key is published at once, signs after ten minutes, and its forerunner stays for a life and ten minutes", arguments: [
        (9_999, "a", "ab"), (10_599, "a", "ab"), (10_600, "b", "ab"), (11_319, "b", "ab"), (11_320, "b", "b"), (99_999, "b", "b"),
    ] as [(Int64, Character, String)])
    func rotation(now: Int64, signs: Character, published: String) {
        let ring = KeyRing(names: [name(10_000, "b"), name(1000, "a")], lifetime: life)
        #expect(ring.signing(at: WallTime(seconds: now))?.kid == kid(signs))
        #expect(ring.published(at: WallTime(seconds: now)).map(\.kid) == published.map(kid))
    }

    @Test("changes are announced one by one")
    func changes() {
        let ring = KeyRing(names: [name(1000, "a"), name(10_000, "b")], lifetime: life)
        #expect(ring.nextChange(after: WallTime(seconds: 0)) == WallTime(seconds: 10_600))
        #expect(ring.nextChange(after: WallTime(seconds: 10_600)) == WallTime(seconds: 11_320))
        #expect(ring.nextChange(after: WallTime(seconds: 11_320)) == nil)
    }

    @Test("two keys of one second have one order")
    func sameSecond() {
        let names = [name(1000, "b"), name(1000, "a")]
        #expect(KeyRing(names: names, lifetime: life) == KeyRing(names: names.reversed(), lifetime: life))
        #expect(KeyRing(names: names, lifetime: life).signing(at: WallTime(seconds: 1100))?.kid == kid("a"))
    }

    @Test("a rotation is due when the newest key is old and signs, never with zero", arguments: [
        (700, 1699, false), (700, 1700, true), (100, 1599, false), (100, 1600, true), (0, 999_999, false),
    ] as [(Int64, Int64, Bool)])
    func due(every: Int64, now: Int64, expected: Bool) {
        let ring = KeyRing(names: [name(500, "b"), name(1000, "a")], lifetime: life)
        #expect(ring.isRotationDue(every: .seconds(every), at: WallTime(seconds: now)) == expected)
        #expect(KeyRing(names: [], lifetime: life).isRotationDue(every: .seconds(every), at: WallTime(seconds: now)) == (every > 0))
    }

    @Test("a key of the far future puts off no rotation, one of a clock that is a little ahead does")
    func future() {
        let every = Duration.seconds(86400)
        let ring = KeyRing(names: [name(0, "a"), name(9_999_999, "b")], lifetime: life)
        #expect(ring.isRotationDue(every: every, at: WallTime(seconds: 86400)))
        #expect(!KeyRing(names: [name(0, "a"), name(86_500, "b")], lifetime: life).isRotationDue(every: every, at: WallTime(seconds: 86400)))
        #expect(!KeyRing(names: [name(9_999_999, "b")], lifetime: life).isRotationDue(every: every, at: WallTime(seconds: 86400)))
    }

    @Test("a key is useless once nothing can be live of it, whatever the lifetime", arguments: [(10_000 + 600 + 86_400 + 600, "a"), (10_000 + 600 + 86_400 + 599, "")] as [(Int64, String)])
    func useless(now: Int64, expected: String) {
        let ring = KeyRing(names: [name(10_000, "b"), name(1000, "a")], lifetime: life)
        #expect(ring.useless(at: WallTime(seconds: now)).map(\.kid) == expected.map(kid))
    }
}

@Suite struct KeyFolderTests {
    private func temporary() -> String { NSTemporaryDirectory() + "/menwei-keys-" + UUID().uuidString }
    private func mode(_ path: String) throws -> Int {
        (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }
    let now = WallTime(seconds: 1_767_323_045)

    @Test("the first run makes the folder, a key and the sealing key, for nobody else to read; the second finds the same")
    func firstRun() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = KeyFolder(path: path)
        #expect(try folder.readIfComplete(lifetime: .seconds(120)) == nil)
        let made = try folder.openOrCreate(lifetime: .seconds(120), now: now)
        #expect(made.ring.names.count == 1 && made.keys.count == 1 && made.warnings.isEmpty)
        #expect(made.ring.names[0].created == now)
        #expect(try mode(path) == 0o700)
        for file in [KeyFolder.sealingName, made.ring.names[0].fileName] { #expect(try mode(path + "/" + file) == 0o600) }
        let again = try folder.openOrCreate(lifetime: .seconds(120), now: now.advanced(by: .seconds(5)))
        #expect(again.ring == made.ring)
        #expect(again.sealing.open(try made.sealing.seal([1], context: "x"), context: "x") == [1])
        let added = try folder.addKey(now: now.advanced(by: .seconds(60)))
        #expect(try folder.readIfComplete(lifetime: .seconds(120))?.ring.names.last == added)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.contains("tmp") }.isEmpty)
    }

    @Test("many first runs at once agree on one key")
    func together() async throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let now = now
        let rings = try await withThrowingTaskGroup(of: KeyRing.self) { group in
            for _ in 0..<8 { group.addTask { try KeyFolder(path: path).openOrCreate(lifetime: .seconds(120), now: now).ring } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(rings.count == 8 && Set(rings.map(\.names)).count == 1 && rings[0].names.count == 1)
    }

    @Test("a file that others may read is used, with a warning")
    func mode() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let made = try KeyFolder(path: path).openOrCreate(lifetime: .seconds(120), now: now)
        let file = path + "/" + made.ring.names[0].fileName
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        #expect(try KeyFolder(path: path).readIfComplete(lifetime: .seconds(120))?.warnings.map(\.path) == [file])
    }

    @Test("files that are no keys are faults that name the file")
    func faults() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = KeyFolder(path: path)
        let made = try folder.openOrCreate(lifetime: .seconds(120), now: now)
        let good = try String(contentsOfFile: path + "/" + made.ring.names[0].fileName, encoding: .utf8)
        let other = KeyName(created: now, kid: "8TPHibRov9tCcwxcgerEHcsalJwktszZsiVEsbTX11g").fileName
        for (text, word) in [("junk", "PKCS#8"), (good, "another key"), (p384PEM, "EdDSA"), (String(repeating: "x", count: 20_000), "not a key file")] {
            try text.write(toFile: path + "/" + other, atomically: true, encoding: .utf8)
            #expect { try folder.readIfComplete(lifetime: .seconds(120)) } throws: { error in
                guard let fault = error as? KeyFolderFault else { return false }
                return fault.code == .notAKey && fault.path == path + "/" + other && fault.message.contains(word)
            }
        }
        try FileManager.default.removeItem(atPath: path + "/" + other)
        try "short\n".write(toFile: path + "/sealing.key", atomically: true, encoding: .utf8)
        #expect(throws: KeyFolderFault.self) { try folder.openOrCreate(lifetime: .seconds(120), now: now) }
        #expect(throws: KeyFolderFault.self) { try KeyFolder(path: "/proc/nothing/keys").openOrCreate(lifetime: .seconds(120), now: now) }
    }

    @Test("a folder that is read again gives new keys, keeps those whose file is there, and never ends with none")
    func refresh() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = KeyFolder(path: path)
        let first = try folder.openOrCreate(lifetime: .seconds(120), now: now)
        var (contents, problems) = folder.refresh(first)
        #expect(contents.ring == first.ring && problems.isEmpty)
        let added = try folder.addKey(now: now.advanced(by: .seconds(60)))
        (contents, problems) = folder.refresh(first)
        #expect(contents.ring.names == [first.ring.names[0], added] && contents.keys[added.kid] != nil && problems.isEmpty)
        // What is known stays, whatever becomes of its text; what is not known has to be good.
        let other = KeyName(created: now.advanced(by: .seconds(90)), kid: kid("x"))
        for name in [added.fileName, other.fileName] { try "nonsense".write(toFile: path + "/" + name, atomically: false, encoding: .utf8) }
        (contents, problems) = folder.refresh(contents)
        #expect(contents.ring.names == [first.ring.names[0], added] && problems.map(\.path) == [path + "/" + other.fileName])
        try FileManager.default.removeItem(atPath: path + "/" + first.ring.names[0].fileName)
        (contents, problems) = folder.refresh(contents)
        #expect(contents.ring.names == [added] && contents.keys.count == 1)
        try FileManager.default.removeItem(atPath: path)
        (contents, problems) = folder.refresh(contents)
        #expect(contents.ring.names == [added] && contents.keys.count == 1 && problems.count == 1)
    }

    @Test("one of several processes makes the key that is due")
    func dueOnce() async throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try KeyFolder(path: path).openOrCreate(lifetime: .seconds(120), now: now)
        let rotation = KeyRotation(every: .seconds(86400), algorithm: .es256)
        #expect(try KeyFolder(path: path).addKeyIfDue(rotation, isChanged: true, now: now.advanced(by: .seconds(86399))) == nil)
        let later = now.advanced(by: .seconds(86400))
        let made = try await withThrowingTaskGroup(of: KeyName?.self) { group in
            for _ in 0..<8 { group.addTask { try KeyFolder(path: path).addKeyIfDue(rotation, isChanged: false, now: later) } }
            return try await group.reduce(into: [KeyName]()) { if let name = $1 { $0.append(name) } }
        }
        #expect(made.count == 1 && made[0].created == later)
        #expect(try KeyFolder(path: path).list().map(\.name) == first.ring.names + made)
    }

    @Test("a key comes after the others, though the clock be a little behind")
    func after() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = KeyFolder(path: path)
        _ = try folder.openOrCreate(lifetime: .seconds(120), now: now)
        let second = try folder.addKey(now: now.advanced(by: .seconds(-300)))
        let third = try folder.addKey(now: now.advanced(by: .seconds(-300)))
        #expect(second.created == now.advanced(by: .seconds(1)) && third.created == now.advanced(by: .seconds(2)))
    }

    @Test("another algorithm makes a key that follows the overlap, where it is asked for anew; with zero another does it")
    func anotherAlgorithm() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = KeyFolder(path: path)
        let first = try folder.openOrCreate(lifetime: .seconds(120), now: now)
        let later = now.advanced(by: .seconds(60))
        let rotation = KeyRotation(every: .seconds(86400), algorithm: .edDSA)
        #expect(try folder.addKeyIfDue(KeyRotation(every: .zero, algorithm: .edDSA), isChanged: true, now: later) == nil)
        #expect(try folder.addKeyIfDue(rotation, isChanged: false, now: later) == nil)
        #expect(first.isRotationDue(rotation, isChanged: true, at: later) && !first.isRotationDue(rotation, isChanged: false, at: later))
        let made = try #require(try folder.addKeyIfDue(rotation, isChanged: true, now: later))
        #expect(try folder.addKeyIfDue(rotation, isChanged: true, now: later) == nil)
        let (contents, problems) = folder.refresh(first)
        #expect(problems.isEmpty && contents.keys[made.kid]?.algorithm == .edDSA)
        #expect(contents.ring.signing(at: later.advanced(by: .seconds(599)))?.kid == first.ring.names[0].kid)
        #expect(contents.ring.signing(at: later.advanced(by: .seconds(600))) == made)
    }

    @Test("a key that takes the place of all others signs at once, and no step on the way lets a retired one sign")
    func replaced() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = KeyFolder(path: path)
        _ = try folder.openOrCreate(lifetime: .seconds(120), now: now)
        for day in 1...3 { _ = try folder.addKey(now: now.advanced(by: .seconds(Int64(day) * 80_000))) }
        let before = try folder.list().map(\.name)
        let later = now.advanced(by: .seconds(3 * 80_000 + 60))
        let (made, withdrawn) = try folder.replaceKeys(.rs256, now: later)
        #expect(withdrawn == before && before.count >= 3)
        let left = try folder.list()
        #expect(left.map(\.name) == [made] && left[0].key.algorithm == .rs256)
        #expect(KeyRing(names: [made], lifetime: .seconds(120)).signing(at: later) == made)
        // Broken off after any step: what is left is the new key and the last of the old ones.
        let signer = KeyRing(names: before, lifetime: .seconds(120)).signing(at: later)
        for removed in 0..<before.count - 1 {
            let ring = KeyRing(names: before.dropFirst(removed) + [made], lifetime: .seconds(120))
            if let signer, before.dropFirst(removed).contains(signer) { #expect(ring.signing(at: later) == signer) }
        }
    }

    @Test("keys of which nothing is live go with a rotation")
    func pruned() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = KeyFolder(path: path)
        _ = try folder.openOrCreate(lifetime: .seconds(120), now: now)
        for hour in 1...60 { _ = try folder.addKey(now: now.advanced(by: .seconds(Int64(hour) * 3600))) }
        let names = try folder.list().map(\.name)
        #expect(names.count < 30 && names.last?.created == now.advanced(by: .seconds(60 * 3600)))
    }

    @Test("a key that comes to a running process and that others may read is used, with a warning")
    func exposed() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = KeyFolder(path: path)
        let first = try folder.openOrCreate(lifetime: .seconds(120), now: now)
        let added = try folder.addKey(.edDSA, now: now.advanced(by: .seconds(60)))
        let file = path + "/" + added.fileName
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        let (contents, problems) = folder.refresh(first)
        #expect(contents.keys[added.kid] != nil && problems.isEmpty && contents.warnings.map(\.path) == [file])
        #expect(folder.refresh(contents).contents.warnings.isEmpty)
    }
}
