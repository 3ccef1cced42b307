import Bytes
import Crypto
import Testing

@testable import WeCom

/// The published samples of the protocol: what they say must come out byte for byte.
@Suite struct CallbackVectorTests {
    static let official = CallbackKeys(token: "QDG6eK", aesKey: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C")
    static let wechatpy = CallbackKeys(token: "123456", aesKey: "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR")
    static let message = "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="

    @Test func theOfficialCheckOfTheAddress() throws {
        let reader = CallbackReader(try #require(Self.official), corpID: "wx5823bf96d3bd56c7")
        let query = "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780&echostr="
            + "P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D"
        let now = WallTime(seconds: 1_409_659_589)
        #expect(try reader.echo(query: query, now: now) == Array("1616140317555161061".utf8))
        let kept = query.split(separator: "%2B").joined(separator: "+")
        #expect(try reader.echo(query: kept, now: now) == Array("1616140317555161061".utf8), "a plus is no blank")
        for late in [601, -601, 400_000_000] {
            #expect(throws: CallbackReader.Fault.time) { try reader.echo(query: query, now: WallTime(seconds: 1_409_659_589 + Int64(late))) }
        }
        #expect(try reader.echo(query: query, now: WallTime(seconds: 1_409_659_589 - 600)).count == 19)
    }

    @Test func theOfficialMessage() throws {
        let keys = try #require(Self.official)
        #expect(keys.signature(timestamp: "1409659813", nonce: "1372623149", encrypted: Self.message) == "477715d11cdb4164915debcba66cb864d751f3e6")
        let plain = try #require(keys.decrypt(Self.message, for: "wx5823bf96d3bd56c7"))
        #expect(plain.count == 284)
        #expect(String(decoding: plain, as: UTF8.self) == """
            <xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>
            <FromUserName><![CDATA[mycreate]]></FromUserName>
            <CreateTime>1409659813</CreateTime>
            <MsgType><![CDATA[text]]></MsgType>
            <Content><![CDATA[hello]]></Content>
            <MsgId>4561255354251345929</MsgId>
            <AgentID>218</AgentID>
            </xml>
            """)
        for other in ["wx5823bf96d3bd56c8", "wx5823bf96d3bd56c", "", "WX5823BF96D3BD56C7"] {
            #expect(keys.decrypt(Self.message, for: other) == nil, "another's receiver id: \(other)")
        }
        #expect(try #require(Self.wechatpy).decrypt(Self.message, for: "wx5823bf96d3bd56c7") == nil, "another's key")
    }

    @Test(arguments: [
        "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName><Encrypt><![CDATA[\(Self.message)]]></Encrypt><AgentID><![CDATA[218]]></AgentID></xml>",
        "<xml>\n <Encrypt>\n\(Self.message)\n</Encrypt>\n</xml>\n",
        #"{"tousername":"wx5823bf96d3bd56c7","encrypt":"\#(Self.message)","agentid":218}"#,
        #" { "ToUserName" : "x", "Encrypt" : "\#(Self.message)" }"#,
    ]) func theOfficialMessageInBothEnvelopes(_ envelope: String) throws {
        let reader = CallbackReader(try #require(Self.official), corpID: "wx5823bf96d3bd56c7")
        let query = "msg_signature=477715d11cdb4164915debcba66cb864d751f3e6&timestamp=1409659813&nonce=1372623149"
        let read = try reader.notification(query: query, body: Array(envelope.utf8), now: WallTime(seconds: 1_409_660_000))
        #expect(read.change.isNothing, "a text message concerns nobody")
    }

    @Test func aSecondCheckOfTheAddressAndItsNegative() throws {
        let reader = CallbackReader(try #require(Self.wechatpy), corpID: "wx49f0ab532d5d035a")
        func query(_ nonce: String) -> String {
            "msg_signature=dd6b9c95b495b3f7e2901bfbc76c664930ffdb96&timestamp=1411443780&nonce=\(nonce)"
                + "&echostr=4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q=="
        }
        let now = WallTime(seconds: 1_411_443_780)
        #expect(try reader.echo(query: query("437374425"), now: now) == Array("5927782489442352469".utf8))
        #expect(throws: CallbackReader.Fault.signature) { try reader.echo(query: query("437374424"), now: now) }
        let other = CallbackReader(try #require(Self.wechatpy), corpID: "wx49f0ab532d5d035b")
        #expect(throws: CallbackReader.Fault.cipher) { try other.echo(query: query("437374425"), now: now) }
    }

    @Test func aMessageThatAnotherProgramEncrypted() throws {
        let keys = try #require(Self.wechatpy)
        let encrypted = "9s4gMv99m88kKTh/H8IdkOiMg6bisoy3ypwy9H4hvSPe9nsGaqyw5hhSjdYbcrKk+j3nba4HMOTzHrluLBYqxgNcBqGsL8GqxlhZgURnAtObvesEl5nZ+uBE8bviY0LWke8Zy9V/QYKxNV2FqllNXcfmstttyIkMKCCmVbCFM2JTF5wY0nFhHZSjPUL2Q1qvSUCUld+/WIXrx0oyKQmpB6o8NRrrNrsDf03oxI1p9FxUgMnwKKZeOA/uu+2IEvEBtb7muXsVbwbgX05UPPJvFurDXafG0RQyPR+mf1nDnAtQmmNOuiR5MIkdQ39xn1vWwi1O5oazPoQJz0nTYjxxEE8kv3kFxtAGVRe3ypD3WeK2XeFYFMNMpatF9XiKzHo3"
        #expect(keys.signature(timestamp: "1411525903", nonce: "461056294", encrypted: encrypted) == "407518b7649e86ef23978113f92d27afa9296533")
        let plain = try #require(keys.decrypt(encrypted, for: "wx49f0ab532d5d035a"))
        #expect(plain.count == 247)
        #expect(FlatMessage(plain)?.text("content") == "test")
        #expect(FlatMessage(plain)?.text("agentid") == "1")
    }

    @Test func theKeysOfTheSamplesAreNotCanonicalAndTaken() {
        #expect(Base64.decode("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C=") == nil)
        #expect(Base64.decodeKey("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C")?.count == 32)
        #expect(Base64.decodeKey("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2-") == nil)
    }

    @Test(arguments: [("", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"), ("a_b", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"),
                      ("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2"), ("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C="),
                      ("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B+C"), (String(repeating: "a", count: 33), "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C")])
    func aPairThatWeComWouldNotTakeIsNone(_ token: String, _ key: String) {
        #expect(CallbackKeys(token: token, aesKey: key) == nil)
    }

    @Test func thePairIsShownNowhere() throws {
        let keys = try #require(Self.official)
        #expect("\(keys) \(String(reflecting: keys))" == "CallbackKeys CallbackKeys")
        #expect(Mirror(reflecting: keys).children.isEmpty)
    }
}
