internal import Access

/// Why a rule keeps somebody out. Who may enter no page tells.
extension Catalogue {
    static let reason = Phrase("原因", "Why")

    static func why(_ reason: DenyReason) -> Phrase {
        switch reason {
        case .user: Phrase("只对名单上的成员开放", "Open to listed members only")
        case .department: Phrase("只对部分部门开放", "Open to some departments only")
        case .tag: Phrase("只对部分标签的成员开放", "Open to members with certain tags only")
        case .connection: Phrase("只对用其他方式登录的成员开放", "Open to members who log in another way only")
        case .network: Phrase("不能从你现在的网络访问", "Not open from the network that you are in")
        case .hours: Phrase("现在不在开放时间内", "Not open at this time")
        }
    }
}
