import Bytes
import Crypto
import Testing

@testable import WeCom

/// What is sent to a callback's address by those who may, and by those who may not.
@Suite struct CallbackTests {
    static let keys = CallbackVectorTests.official!
    static let key = Base64.decodeKey("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C")!
    static let now = WallTime(seconds: 1_700_000_000)
    let reader = CallbackReader(keys, corpID: "ww1")

    /// Encrypts as WeCom does, with a padding of the test's own where it gives one.
    static func encrypt(_ message: [UInt8], receiver: String = "ww1", length: Int? = nil, padding: [UInt8]? = nil) -> String {
        var plain = Array("0123456789abcdef".utf8)
        let length = length ?? message.count
        plain += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + message + Array(receiver.utf8)
        let pad = 32 - plain.count % 32
        plain += padding ?? Array(repeating: UInt8(pad), count: pad)
        return Base64.encode(AESCBC.encrypt(plain, key: key, vector: Array(key.prefix(16))) ?? [])
    }

    static func query(_ encrypted: String, at time: WallTime = now, nonce: String = "n1") -> String {
        let timestamp = String(time.seconds)
        return "msg_signature=\(keys.signature(timestamp: timestamp, nonce: nonce, encrypted: encrypted))&timestamp=\(timestamp)&nonce=\(nonce)"
    }

    static func envelope(_ encrypted: String) -> [UInt8] { Array("<xml><Encrypt><![CDATA[\(encrypted)]]></Encrypt></xml>".utf8) }

    private func read(_ encrypted: String) throws(CallbackReader.Fault) -> CallbackReader.Notification {
        try reader.notification(query: Self.query(encrypted), body: Self.envelope(encrypted), now: Self.now)
    }

    @Test func messagesOfEveryLengthComeOutAsTheyWentIn() throws {
        for length in 0..<100 {
            let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            #expect(Self.keys.decrypt(Self.encrypt(message), for: "ww1") == message)
        }
    }

    @Test func everythingThatIsNotAsItShouldBeIsTheSameToWhoeverAsks() throws {
        let good = Array("<xml/>".utf8)
        let bad: [String] = [
            Self.encrypt(good, receiver: "ww2"), Self.encrypt(good, receiver: ""), Self.encrypt(good, length: 7), Self.encrypt(good, length: 1 << 31),
            Self.encrypt(good, length: 0xFFFF_FFFF), Self.encrypt(good, padding: [0, 0, 0]), Self.encrypt(good, padding: [1, 2, 3]),
            Self.encrypt(Array(repeating: 1, count: 9), padding: []), Self.encrypt(Array(repeating: 33, count: 9), padding: []),
            String(Self.encrypt(good).dropLast(4)), "AAAA", "====", "not base 64", Base64.encode(Array(repeating: 0, count: 16)),
        ]
        for encrypted in bad {
            #expect(throws: CallbackReader.Fault.cipher) { try read(encrypted) }
        }
        #expect(try read(Self.encrypt(good)).change.isNothing)
    }

    @Test func theSignatureIsLookedAtBeforeTheCipher() {
        let encrypted = Self.encrypt(Array("<xml/>".utf8), receiver: "ww2")
        let wrong = Self.query(encrypted).replacing("nonce=n1", with: "nonce=n2")
        #expect(throws: CallbackReader.Fault.signature) { try reader.notification(query: wrong, body: Self.envelope(encrypted), now: Self.now) }
    }

    @Test(arguments: [
        "", "timestamp=1700000000&nonce=n1", "msg_signature=aa&timestamp=1700000000&nonce=n1", "msg_signature=\(String(repeating: "0", count: 40))&nonce=n1",
        "msg_signature=\(String(repeating: "0", count: 40))&timestamp=-1700000000&nonce=n1", "msg_signature=\(String(repeating: "0", count: 40))&timestamp=1700000000",
        "msg_signature=\(String(repeating: "0", count: 40))&timestamp=1700000000&timestamp=1700000000&nonce=n1",
        "msg_signature=\(String(repeating: "0", count: 40))&timestamp=99999999999999999999&nonce=n1", "msg_signature=%zz&timestamp=1700000000&nonce=n1",
        "msg_signature=\(String(repeating: "0", count: 40))&timestamp=1700000000&nonce=%FF",
    ]) func whatIsNoCallbackIsNotTaken(_ query: String) {
        #expect(throws: CallbackReader.Fault.malformed) { try reader.notification(query: query, body: Self.envelope("AAAA"), now: Self.now) }
        #expect(throws: CallbackReader.Fault.malformed) { try reader.echo(query: query + "&echostr=AAAA", now: Self.now) }
    }

    @Test(arguments: [
        "", "<", "<xml>", "<xml></xml>", "<xml><Encrypt></Encrypt></xml>", "<xml><Encrypt>A</Encrypt><Encrypt>A</Encrypt></xml>", "{", "[]", "{}",
        #"{"encrypt":["A"]}"#, #"{"encrypt":null}"#, #"{"encrypt":"A","Encrypt":"A"}"#, "null", "\u{FEFF}", "<xml><a><Encrypt>A</Encrypt></a></xml>",
        "<!DOCTYPE xml><xml><Encrypt>A</Encrypt></xml>", "<!DOCTYPE xml [<!ENTITY e 'A'>]><xml><Encrypt>&e;</Encrypt></xml>",
        "<!DOCTYPE xml SYSTEM 'file:///etc/passwd'><xml><Encrypt>A</Encrypt></xml>", "<xml><Encrypt>&e;</Encrypt></xml>",
        "<?xml version='1.0' encoding='UTF-16'?><xml/>", "<xml><Encrypt>A</Encrypt></xml><xml/>",
    ]) func envelopesWithoutOneCiphertextAreNotTaken(_ body: String) {
        #expect(throws: CallbackReader.Fault.malformed) { try reader.notification(query: Self.query("A"), body: Array(body.utf8), now: Self.now) }
    }

    @Test func documentsThatAreTooDeepTooLongOrTooLargeAreRefused() {
        func nested(_ depth: Int) -> [UInt8] { Array((String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)).utf8) }
        #expect(FlatXML.members(of: nested(FlatXML.depthLimit)) != nil)
        #expect(FlatXML.members(of: nested(FlatXML.depthLimit + 1)) == nil)
        func wide(_ count: Int) -> [UInt8] { Array(("<x>" + String(repeating: "<a/>", count: count - 1) + "</x>").utf8) }
        #expect(FlatXML.members(of: wide(FlatXML.elementLimit))?.count == FlatXML.elementLimit - 1)
        #expect(FlatXML.members(of: wide(FlatXML.elementLimit + 1)) == nil)
        func long(_ count: Int) -> [UInt8] { Array(("<x><a>" + String(repeating: "y", count: count - 14) + "</a></x>").utf8) }
        #expect(FlatXML.members(of: long(FlatXML.byteLimit))?.first?.value.utf8.count == FlatXML.byteLimit - 14)
        #expect((FlatXML.members(of: long(FlatXML.byteLimit + 1)) == nil) == true)
    }

    @Test func textOfAnElementIsItsOwnAndKeptWhole() {
        let found = FlatXML.members(of: Array("<?xml version='1.0'?><!-- x --><xml> <A>1<![CDATA[<2>]]>&lt;&#x4e2d;<b>no</b>3</A><B/></xml>".utf8))
        #expect(found == [.init(name: "A", value: "1<2><中3"), .init(name: "B", value: "")])
    }

    @Test func aSignatureIsNewOnceWithinItsWindow() {
        var window = ReplayWindow()
        var answers: [Bool] = []
        for (signature, after) in [("a", 0), ("a", 1_199_999), ("b", 0), ("a", 1_200_000)] {
            answers.append(window.isNew(signature, now: Self.now.advanced(by: .milliseconds(after))))
        }
        #expect(answers == [true, false, true, true])
    }

    @Test func manyNotificationsTakeBoundedMemory() {
        var window = ReplayWindow()
        let capacity = ReplayWindow.capacity
        var fresh = 0
        for number in 0..<capacity * 3 where window.isNew("s\(number)", now: Self.now) { fresh += 1 }
        #expect(fresh == capacity * 3 && window.count <= capacity)
        let recent = [capacity * 3 - 1, capacity * 2 + 1].map { window.isNew("s\($0)", now: Self.now) }
        #expect(recent == [false, false])
        let oldest = window.isNew("s0", now: Self.now)
        #expect(oldest, "the oldest are forgotten")
    }
}
