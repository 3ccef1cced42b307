import Testing
import WeCom

/// User-Agents as seen in the field, with what they are.
private struct Sample: Sendable, CustomTestStringConvertible {
    var what: String
    var family: ClientKind.Family
    var isDesktop: Bool
    var isPrivateBuild = false
    var userAgent: String
    var testDescription: String { what }
}

private let samples: [Sample] = [
    Sample(
        what: "1: wecom-mobile (iOS)", family: .weCom, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 wxwork/4.1.39 MicroMessenger/7.0.1 Language/zh ColorScheme/Light wwmver/3.26.38.377"),
    Sample(
        what: "2: wecom-desktop (Windows)", family: .weCom, isDesktop: true,
        userAgent:
            "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.6668.101 Safari/537.36 Language/zh ColorScheme/Light wxwork/4.1.39 (MicroMessenger/6.2) WindowsWechat MailPlugin_Electron WeMail embeddisk wwmver/3.26.39.639 noMediaCs/false"),
    Sample(
        what: "3: wecom-desktop (Windows, v5)", family: .weCom, isDesktop: true,
        userAgent:
            "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.6668.101 Safari/537.36 Language/zh ColorScheme/Light wxwork/5.0.3 (MicroMessenger/6.2) WindowsWechat MailPlugin_Electron WeMail embeddisk wwmver/3.26.503.665 noMediaCs/false"),
    Sample(
        what: "4: wecom-desktop (Windows)", family: .weCom, isDesktop: true,
        userAgent:
            "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/107.0.5304.110 Safari/537.36 Language/zh wxwork/4.1.10 (MicroMessenger/6.2) WindowsWechat  MailPlugin_Electron WeMail embeddisk"),
    Sample(
        what: "5: wecom-desktop (Windows, old)", family: .weCom, isDesktop: true,
        userAgent:
            "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/49.0.2623.110 Safari/537.36 wxwork/2.1.3 (MicroMessenger/6.2) WindowsWechat QBCore/3.43.644.400 QQBrowser/9.0.2524.400"),
    Sample(
        what: "6: wecom-desktop (macOS, old)", family: .weCom, isDesktop: true,
        userAgent:
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_12_6) AppleWebKit/603.3.8 (KHTML, like Gecko) wxwork/2.2.0 (MicroMessenger/6.2) WeChat/2.0.4"),
    Sample(
        what: "7: wecom-desktop (macOS)", family: .weCom, isDesktop: true,
        userAgent:
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) wxwork/3.1.18 (MicroMessenger/6.2) WeChat/2.0.4"),
    Sample(
        what: "8: wecom-desktop (macOS v5, mini-program shell)", family: .weCom, isDesktop: true,
        userAgent:
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) wxwork/5.0.8 MicroMessenger/7.0.0(0x17000000) MacWechat/5.0.8(0x15000800) MiniProgramEnv/Mac MiniProgram/"),
    Sample(
        what: "9: wecom-mobile (Android)", family: .weCom, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (Linux; Android 12; 22041211AC Build/SP1A.210812.016; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/103.0.5060.129 Mobile Safari/537.36 wxwork/4.0.6 ColorScheme/Dark MicroMessenger/7.0.1 NetType/WIFI Language/zh Lang/zh"),
    Sample(
        what: "10: wecom-mobile (Android 15)", family: .weCom, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (Linux; Android 15; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.6723.86 Mobile Safari/537.36 wxwork/4.1.36 MicroMessenger/7.0.1 NetType/4G Language/zh Lang/zh ColorScheme/Dark wwmver/3.26.36.632"),
    Sample(
        what: "11: wecom-mobile (Android, X5 core)", family: .weCom, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (Linux; Android 7.1.2; g3ds Build/NJH47F; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/53.0.2785.49 Mobile MQQBrowser/6.2 TBS/043508 Safari/537.36 wxwork/2.2.0 MicroMessenger/6.3.22 NetType/WIFI Language/zh"),
    Sample(
        what: "12: wecom-mobile (Android, no MicroMessenger)", family: .weCom, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (Linux; Android 7.0; MI 5s Build/NRD90M; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/64.0.3282.137 Mobile Safari/537.36 wxwork/2.4.16  NetType/WIFI Language/zh"),
    Sample(
        what: "13: wecom-mobile (iOS, two spaces before Mobile)", family: .weCom, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (iPhone; CPU iPhone OS 15_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)  Mobile/15E148 wxwork/4.0.19 MicroMessenger/7.0.1 Language/zh ColorScheme/Light"),
    Sample(
        what: "14: wecom-mobile (iOS mini-program)", family: .weCom, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (iPhone; CPU iPhone OS 14_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 wxwork/3.0.36 MicroMessenger/7.0.11(0x17000b21) NetType/4G Language/en"),
    Sample(
        what: "15: wecom-mobile, private build", family: .weCom, isDesktop: false, isPrivateBuild: true,
        userAgent:
            "Mozilla/5.0 (Linux; Android 13; 2210132C Build/TKQ1.220905.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/110.0.5481.29 Mobile Safari/537.36 wxworklocal/2.6.760000 wwlocal/2.6.760000 wxwork/3.0.0 appname/wxworklocal MicroMessenger/7.0.1 appScheme/wxworklocaluniform"),
    Sample(
        what: "16: wecom-mobile, private build (2025)", family: .weCom, isDesktop: false, isPrivateBuild: true,
        userAgent:
            "Mozilla/5.0 (Linux; Android 16; 24031PN0DC Build/BP2A.250605.031.A3; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/138.0.7204.180 Mobile Safari/537.36 XWEB/1380275 MMWEBSDK/20230806 MMWEBID/4102 wxworklocal/3.2.200 wwlocal/3.2.200 wxwork/4.0.0 appname/wxworklocal-customized wxworklocal-device-code/195ef5586d7d3c2808fcbea32d77c0d4 MicroMessenger/7.0.1 appScheme/wxworklocalcustomized Language/zh_CN ColorScheme/Light"),
    Sample(
        what: "17: wecom-mobile, private build (old, order differs)", family: .weCom, isDesktop: false, isPrivateBuild: true,
        userAgent:
            "Mozilla/5.0 (Linux; Android 6.0; VIE-AL10 Build/HUAWEIVIE-AL10; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/66.0.3359.126 MQQBrowser/6.2 TBS/044504 Mobile Safari/537.36 wxwork/1.3.2 wwlocal/1.3.2 wxworklocal/1.3.2 MicroMessenger/6.3.22"),
    Sample(
        what: "18: wechat (iOS)", family: .weChat, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (iPhone; CPU iPhone OS 13_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.17(0x18001122) NetType/4G Language/zh_CN"),
    Sample(
        what: "19: wechat (Android)", family: .weChat, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (Linux; Android 11; SM-N9860 Build/RP1A.200720.012; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/86.0.4240.99 XWEB/3171 MMWEBSDK/20211202 Mobile Safari/537.36 MMWEBID/8157 MicroMessenger/8.0.18.2060(0x28001237) Process/toolsmp WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64"),
    Sample(
        what: "20: wechat (HarmonyOS NEXT)", family: .weChat, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (Phone; OpenHarmony 5.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.9.39(0xf3100927) Weixin NetType/WIFI Language/zh_CN MMWEBID/2777 MMWEBSDK/202507060011 XWEB/1140307"),
    Sample(
        what: "21: wechat (Windows)", family: .weChat, isDesktop: true,
        userAgent:
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090a13) UnifiedPCWindowsWechat(0xf2541510) XWEB/17071"),
    Sample(
        what: "22: wechat (macOS)", family: .weChat, isDesktop: true,
        userAgent:
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/107.0.0.0 Safari/537.36 NetType/WIFI MicroMessenger/6.8.0(0x16080000) MacWechat/3.8.7(0x13080710) XWEB/1191"),
    Sample(
        what: "23: wechat (Android mini-program web-view)", family: .weChat, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (Linux; Android 7.1.1; MI 6 Build/NMF26X; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/57.0.2987.132 MQQBrowser/6.2 TBS/043807 Mobile Safari/537.36 MicroMessenger/6.6.1.1220(0x26060135) NetType/4G Language/zh_CN MicroMessenger/6.6.1.1220(0x26060135) NetType/4G Language/zh_CN miniProgram"),
    Sample(
        what: "24: wechat (Windows mini-program)", family: .weChat, isDesktop: true,
        userAgent:
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090b19)XWEB/11581"),
    Sample(
        what: "25: other (DingTalk)", family: .otherApp, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (Linux; U; Android 10; zh-CN; BLM-00 Build/HUAWEIBLM-00) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/69.0.3497.100 UWS/3.22.1.228 Mobile Safari/537.36 AliApp(DingTalk/6.5.30) com.alibaba.android.rimet/25293052 Channel/227200 language/zh-CN abi/64 Pad/APad Hmos/1 UT4Aplus/0.2.25 colorScheme/light"),
    Sample(
        what: "26: other (DingTalk iPad)", family: .otherApp, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (iPad; CPU OS 11_2_6 like Mac OS X) AppleWebKit/604.5.6 (KHTML, like Gecko) Mobile/15D100 AliApp(DingTalk/5.1.12) com.laiwang.DingTalk/13441885 Channel/201200 Pad/iPad language/zh-Hans-CN UT4Aplus/0.0.6 WK"),
    Sample(
        what: "27: other (Lark)", family: .otherApp, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (iPhone; CPU iPhone OS 16_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.3.1 Mobile/15E148 Safari/604.1 Lark/5.29.6 LarkLocale/en_US ChannelName/Lark"),
    Sample(
        what: "28: other (plain WebKit on Windows Phone WeChat, no marker)", family: .other, isDesktop: false,
        userAgent:
            "Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; Touch; NOKIA; Lumia 1520)"),
]

@Suite struct ClientKindTests {
    @Test("a User-Agent tells which client it is", arguments: samples)
    fileprivate func classify(_ sample: Sample) {
        let kind = ClientKind(userAgent: sample.userAgent)
        #expect(kind.family == sample.family)
        #expect(kind.isDesktop == sample.isDesktop)
        #expect(kind.isPrivateBuild == sample.isPrivateBuild)
        #expect(kind.isWeCom == (sample.family == .weCom))
        #expect(kind.isWeChat == (sample.family == .weChat))
    }

    @Test("case does not matter", arguments: samples)
    fileprivate func foldCase(_ sample: Sample) {
        #expect(ClientKind(userAgent: sample.userAgent.uppercased()) == ClientKind(userAgent: sample.userAgent))
    }

    @Test func `an ordinary browser is none of them`() {
        let desktop = ClientKind(userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
        #expect(desktop.family == .other)
        #expect(desktop.isDesktop)
        let phone = ClientKind(userAgent: "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36")
        #expect(phone.family == .other)
        #expect(phone.isMobile)
    }

    @Test func `an empty one is a desktop browser`() {
        #expect(ClientKind(userAgent: "").family == .other)
        #expect(ClientKind(userAgent: "").isDesktop)
    }

    @Test func `only the first kilobyte is looked at`() {
        let padding = String(repeating: "x", count: ClientKind.limit)
        #expect(ClientKind(userAgent: padding + "wxwork/4.0").family == .other)
        #expect(ClientKind(userAgent: padding.dropLast(6) + "wxwork").family == .weCom)
    }

    @Test func `bytes that are no text are harmless`() {
        #expect(ClientKind(userAgent: [0xFF, 0x00, 0xC3] + Array("WxWork".utf8) + [0xFE]).isWeCom)
    }
}
