extension SimulatedWorld {
    /// The world of the demo and of the tests: the corp `ww0123456789abcdef` with the app 1000002 (secret `simulator-secret`) and an older, smaller
    /// app 1000003 (`simulator-secret-old`), and a second corp `wwfedcba9876543210` (app 1000002, `second-secret`) in which `zhangsan` is somebody else.
    /// WeChat has the website app `wx0123456789abcdef` (`wechat-secret`).
    ///
    /// `trustedDomains`: the authorities (`auth.localhost:8443`) to which all apps may send people back.
    public static func standard(trustedDomains: [String] = ["auth.localhost:8443"]) -> SimulatedWorld {
        SimulatedWorld(
            corps: [.standard(trustedDomains), .second(trustedDomains)],
            wechat: .standard(callbackDomains: trustedDomains.map(SimulatedWorld.host)))
    }
}

extension SimulatedCorp {
    fileprivate static func standard(_ domains: [String]) -> SimulatedCorp {
        var corp = SimulatedCorp(id: "ww0123456789abcdef", name: "示例科技")
        let range = VisibleRange(users: ["chenzong"], departments: [2, 5, 6], tags: [2])
        var old = SimulatedApp(agentID: 1_000_003, name: "旧应用", secret: "simulator-secret-old", trustedDomains: domains,
                               visible: VisibleRange(departments: [2]), trustedIPs: nil)
        old.readsPrivateFields = true
        corp.apps = [
            SimulatedApp(agentID: 1_000_002, name: "门卫", secret: "simulator-secret", trustedDomains: domains, webCallbackDomains: domains,
                         visible: range, trustedIPs: ["127.0.0.1", "::1"]),
            old,
        ]
        corp.departments = [
            SimulatedDepartment(1, "示例科技", parent: 0, leaders: ["chenzong"]), SimulatedDepartment(2, "研发部", parent: 1, leaders: ["zhangsan"]),
            SimulatedDepartment(3, "后端组", parent: 2), SimulatedDepartment(4, "前端组", parent: 2), SimulatedDepartment(5, "市场部", parent: 1),
            SimulatedDepartment(6, "财务部", parent: 1), SimulatedDepartment(7, "外部合作", parent: 1),
        ]
        corp.members = [
            member("zhangsan", "张三", [3, 2], "工程师", "13800000001"), member("lisi", "李四", [5], "市场经理", "13800000002"),
            member("wangwu", "王五", [6], "会计", "13800000003"), member("ZhaoLiu", "赵六", [4], "前端工程师", "13800000004"),
            member("sunqi", "孙七", [3], "工程师", "13800000005"), member("zhouba", "周八", [4], "设计师", "13800000006"),
            member("wujiu", "吴九", [5], "文案", "13800000007"), member("zhengshi", "郑十", [6], "出纳", "13800000008"),
            member("chenzong", "陈总", [1], "总经理", "13800000009"), member("ouyang.nana", "欧阳娜娜", [5, 6], "运营", "13800000010"),
            member("liudaibiao", "刘代表", [7], "顾问", "13800000011"),
            SimulatedMember("fengting", "冯停", in: [2], position: "已停用", status: 2),
            SimulatedMember("chuwai", "褚外", in: [7], position: "外部合作"),
        ]
        corp.tags = [
            SimulatedTag(1, "管理员", users: ["zhangsan", "chenzong"]), SimulatedTag(2, "顾问", users: ["liudaibiao"]),
            SimulatedTag(3, "全体研发", departments: [2]),
        ]
        corp.guests = [
            .linked(id: "wwlinkedcorp000001/wangxiaoming", name: "王小明"),
            .outsider(openID: "oOutsider000000000000000001", externalUserID: nil, name: "路人"),
            .outsider(openID: "oCustomer000000000000000001", externalUserID: "wmCustomer000000000000000001", name: "客户"),
        ]
        return corp
    }

    fileprivate static func second(_ domains: [String]) -> SimulatedCorp {
        var corp = SimulatedCorp(id: "wwfedcba9876543210", name: "第二公司")
        corp.apps = [
            SimulatedApp(agentID: 1_000_002, name: "门卫", secret: "second-secret", trustedDomains: domains, webCallbackDomains: domains,
                         visible: VisibleRange(departments: [1]), trustedIPs: ["127.0.0.1", "::1"])
        ]
        corp.departments = [SimulatedDepartment(1, "第二公司", parent: 0), SimulatedDepartment(2, "生产部", parent: 1)]
        corp.members = [member("zhangsan", "章三", [2], "班长", "13900000001"), member("helen", "Helen Wu", [1], "Director", "13900000002")]
        return corp
    }

    private static func member(_ id: String, _ name: String, _ departments: [Int], _ position: String, _ mobile: String) -> SimulatedMember {
        SimulatedMember(id, name, in: departments, position: position, mobile: mobile, email: "\(id.lowercased())@mail.example",
                        bizMail: "\(id.lowercased())@corp.example")
    }
}
