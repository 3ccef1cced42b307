import Testing

@testable import WeCom

@Suite struct DirectoryChangeTests {
    private func change(_ members: String, event: String = "change_contact") -> DirectoryChange {
        DirectoryChange(message: Array("""
            <xml><ToUserName><![CDATA[ww1]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName><CreateTime>1403610513</CreateTime>
            <MsgType><![CDATA[event]]></MsgType><Event><![CDATA[\(event)]]></Event>\(members)</xml>
            """.utf8))
    }

    private func users(_ users: [String]) -> DirectoryChange {
        var change = DirectoryChange()
        change.users = users
        return change
    }

    @Test(arguments: ["create_user", "update_user", "delete_user"]) func memberEventsNameTheMember(_ type: String) {
        let found = change("<ChangeType><![CDATA[\(type)]]></ChangeType><UserID><![CDATA[ZhangSan]]></UserID><Status>2</Status><Department><![CDATA[1,2]]></Department><ExtAttr><Item><Name><![CDATA[UserID]]></Name><Text><Value>lisi</Value></Text></Item></ExtAttr>")
        #expect(found == users(["ZhangSan"]))
    }

    @Test func aChangedIdConcernsTheOldOneAndTheNewOne() {
        #expect(change("<ChangeType>update_user</ChangeType><UserID>zs</UserID><NewUserID>zhangsan</NewUserID>") == users(["zs", "zhangsan"]))
    }

    @Test func departmentEvents() {
        var tree = DirectoryChange()
        tree.departments = true
        #expect(change("<ChangeType>create_party</ChangeType><Id>2</Id><ParentId>1</ParentId>") == tree)
        tree.concernsEverybody = true
        #expect(change("<ChangeType>update_party</ChangeType><Id>2</Id>") == tree)
        #expect(change("<ChangeType>delete_party</ChangeType><Id>2</Id>") == tree)
    }

    @Test func tagEventsConcernThoseWhoAreNamedAndWithDepartmentsEverybody() {
        var tag = users(["a", "b", "c"])
        tag.tags = true
        #expect(change("<ChangeType>update_tag</ChangeType><TagId>1</TagId><AddUserItems>a,b</AddUserItems><DelUserItems><![CDATA[c,a]]></DelUserItems>") == tag)
        tag.users = []
        tag.concernsEverybody = true
        #expect(change("<ChangeType>update_tag</ChangeType><TagId>1</TagId><AddPartyItems>1,2</AddPartyItems>") == tag)
        #expect(change("<ChangeType>update_tag</ChangeType><TagId>1</TagId><DelPartyItems>3</DelPartyItems><AddUserItems></AddUserItems>") == tag)
        #expect(change("<ChangeType>update_tag</ChangeType><TagId>1</TagId>") == tag, "a change that says nothing may be any")
    }

    @Test(arguments: ["subscribe", "unsubscribe"]) func comingIntoTheVisibleRangeAndLeavingItNamesTheMember(_ event: String) {
        let message = #"{"ToUserName":"ww1","FromUserName":"lisi","CreateTime":1403610513,"MsgType":"event","Event":"\#(event)","AgentID":1}"#
        #expect(DirectoryChange(message: Array(message.utf8)) == users(["lisi"]))
    }

    @Test func anIdThatCannotBeReadMayBeAnybodys() {
        for id in ["<UserID>张三</UserID>", "", "<UserID></UserID>", "<UserID>a</UserID><UserID>b</UserID>", "<UserID>\(String(repeating: "a", count: 65))</UserID>"] {
            #expect(change("<ChangeType>delete_user</ChangeType>" + id).concernsEverybody, "\(id)")
        }
        let many = (0...DirectoryChange.userLimit).map { "u\($0)" }.joined(separator: ",")
        let crowd = change("<ChangeType>update_tag</ChangeType><AddUserItems>\(many)</AddUserItems>")
        #expect(crowd.concernsEverybody && crowd.users.isEmpty)
    }

    @Test(arguments: ["enter_agent", "LOCATION", "batch_job_result", "change_external_contact", ""]) func otherEventsConcernNobody(_ event: String) {
        #expect(change("<ChangeType>delete_user</ChangeType><UserID>a</UserID><FromUserName2>b</FromUserName2>", event: event).isNothing)
    }

    @Test func whatIsNoEventConcernsNobody() {
        for message in ["", "hello", "<xml/>", "{}", "<xml><MsgType>text</MsgType><Event>change_contact</Event><ChangeType>delete_user</ChangeType><UserID>a</UserID></xml>"] {
            #expect(DirectoryChange(message: Array(message.utf8)).isNothing)
        }
        #expect(change("<ChangeType>something_new</ChangeType><UserID>a</UserID>").isNothing)
    }
}
