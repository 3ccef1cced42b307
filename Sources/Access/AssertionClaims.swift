import Bytes

/// The claims of an assertion as JSON. What the directory does not tell (`name`, `email`, `mobile`) is left out, not sent empty: an
/// application must not find a member by an empty address.
struct AssertionClaims {
    var session: SessionRecord
    var issuer: String
    var audience: String
    var jti: String
    var now: WallTime
    var lifetime: Duration

    /// Longer names are cut, in Unicode scalars; WeCom's have at most 64.
    static let nameLimit = 128

    /// Appends the claims, at most `room` bytes: lists are cut from their ends, with `truncated`. False where the texts alone are more.
    func append(to out: inout [UInt8], room: Int) -> Bool {
        let member = session.member
        let start = out.count
        texts(to: &out)
        let departments = member.departments
        let tags = member.tags
        let frame = ",\"departments\":[],\"tags\":[]}".utf8.count
        let mark = ",\"truncated\":true".utf8.count
        let spare = room - (out.count - start) - frame
        guard spare >= mark else { return false }
        var departmentCount = departments.count
        var tagCount = tags.count
        let needed = Self.length(departments[...]) + Self.length(tags[...])
        let truncated = needed > spare
        if truncated {
            // Each list may have half, and what the other leaves of its half.
            let half = (spare - mark) / 2
            tagCount = Self.fitting(tags, max(half, spare - mark - Self.length(departments[...])))
            departmentCount = Self.fitting(departments, spare - mark - Self.length(tags[..<tagCount]))
        }
        Self.append("departments", departments[..<departmentCount], to: &out)
        Self.append("tags", tags[..<tagCount], to: &out)
        if truncated { out.append(contentsOf: ",\"truncated\":true".utf8) }
        out.append(0x7D)
        return true
    }

    private func texts(to out: inout [UInt8]) {
        let member = session.member
        let issued = now.seconds
        out.append(contentsOf: "{\"iss\":".utf8)
        JSONText.append(issuer, to: &out)
        func text(_ key: StaticString, _ value: String) {
            Self.appendKey(key, to: &out)
            JSONText.append(value, to: &out)
        }
        func number(_ key: StaticString, _ value: Int64) {
            Self.appendKey(key, to: &out)
            JSONText.append(value, to: &out)
        }
        text("aud", audience)
        text("sub", member.account)
        number("iat", issued)
        number("nbf", issued)
        number("exp", issued + lifetime.milliseconds / 1000)
        text("jti", jti)
        text("sid", session.sid)
        number("auth_time", session.authTime.seconds)
        Self.appendKey("amr", to: &out)
        out.append(0x5B)
        for (i, method) in session.amr.enumerated() {
            if i > 0 { out.append(0x2C) }
            JSONText.append(method, to: &out)
        }
        out.append(0x5D)
        text("connection", member.connection)
        text("corp", member.corp)
        text("user", member.user)
        if !member.name.isEmpty { text("name", Self.cut(member.name)) }
        if !member.email.isEmpty { text("email", member.email) }
        if !member.mobile.isEmpty { text("mobile", member.mobile) }
    }

    /// A name of at most `nameLimit` scalars.
    static func cut(_ name: String) -> String {
        name.utf8.count <= nameLimit ? name : String(String.UnicodeScalarView(name.unicodeScalars.prefix(nameLimit)))
    }

    private static func appendKey(_ key: StaticString, to out: inout [UInt8]) {
        out.append(0x2C)
        out.append(0x22)
        key.withUTF8Buffer { unsafe out.append(contentsOf: $0) }
        out.append(0x22)
        out.append(0x3A)
    }

    /// Characters of `number` in decimal.
    private static func digits(_ number: Int) -> Int {
        var count = number < 0 ? 2 : 1
        var rest = number.magnitude
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }

    /// Bytes of the items with commas between them.
    private static func length(_ items: ArraySlice<Int>) -> Int { items.reduce(max(0, items.count - 1)) { $0 + digits($1) } }

    /// How many of the first items fit into `room` bytes.
    private static func fitting(_ items: [Int], _ room: Int) -> Int {
        var used = 0
        for (i, item) in items.enumerated() {
            used += digits(item) + (i > 0 ? 1 : 0)
            if used > room { return i }
        }
        return items.count
    }

    private static func append(_ key: StaticString, _ items: ArraySlice<Int>, to out: inout [UInt8]) {
        appendKey(key, to: &out)
        out.append(0x5B)
        for (i, item) in items.enumerated() {
            if i > 0 { out.append(0x2C) }
            JSONText.append(Int64(item), to: &out)
        }
        out.append(0x5D)
    }
}
