/// Every text that pages show, in both languages, in the order in which people meet them.
enum Catalogue {
    // The frame of every page
    static let product = Phrase("门卫", "Menwei")
    static let productNote = Phrase("企业应用的入口", "the company gate")
    static let requestID = Phrase("请求编号", "Request ID")

    // Login
    static let loginTitle = Phrase("登录", "Log in")
    static func loginLead(_ place: String) -> Phrase {
        Phrase("登录后将前往 \(place)。", "You will go on to \(place).")
    }
    static let loginPlain = Phrase("请用企业微信确认身份。", "Please confirm who you are with WeCom.")
    static let loginPlainest = Phrase("请确认你的身份。", "Please confirm who you are.")
    static let panelTitle = Phrase("企业微信登录", "WeCom login")
    static let or = Phrase("或", "or")
    static func loginWith(_ name: Phrase) -> Phrase { Phrase("使用\(name.zh)登录", "Log in with \(name.en)") }
    static let phoneTitle = Phrase("请在企业微信中打开", "Open this address in WeCom")
    static let phoneText = Phrase(
        "在手机上，用企业微信打开下面的地址即可直接进入，无需扫码：复制地址，发送到企业微信的任意聊天中（例如“文件传输助手”），再点开它。",
        "On a phone, open the address below inside WeCom and you are in, with nothing to scan: copy it, send it to any chat in WeCom, and tap it there.")
    static let copy = Phrase("复制地址", "Copy the address")
    static let copied = Phrase("已复制", "Copied")
    static let otherDevice = Phrase("没有企业微信？可以用另一台设备扫码：", "No WeCom on this phone? Scan with another device:")
    static let insideWeChat = Phrase(
        "微信登录需要扫码，在这部手机的微信里无法扫自己的屏幕：请在电脑或另一台设备的浏览器中打开本页，再用这部手机扫码。",
        "WeChat login means scanning a code, and this phone cannot scan its own screen: open this page in a browser on a computer or another device, and scan it with this phone.")
    static let pluginText = Phrase("在微信里关注了企业的微信插件？可以直接进入：", "Do you follow your company’s plug-in in WeChat? Then you can go straight in:")
    static let throughPlugin = Phrase("（微信插件）", " (WeChat plug-in)")
    static let noScript = Phrase("浏览器未启用脚本：页面打开超过十分钟后请刷新，再扫码。", "Scripts are off in this browser: reload this page if it has been open for more than ten minutes.")

    // On the way
    static let hopTitle = Phrase("正在进入…", "Taking you in…")
    static let hopLink = Phrase("如果没有自动跳转，请点这里", "If nothing happens, follow this link")
    static let frameTitle = Phrase("需要登录", "Please log in")
    static let frameText = Phrase("嵌入的页面里不能登录。请在整个窗口中打开登录页。", "You cannot log in inside an embedded page. Please open the login in the whole window.")
    static let frameButton = Phrase("打开登录页", "Open the login page")

    // Who one is, logging out
    static let homeTitle = Phrase("你已登录", "You are logged in")
    static let anonymousTitle = Phrase("你尚未登录", "You are not logged in")
    static let anonymousText = Phrase("打开任何一个应用时都会请你登录，也可以现在登录。", "Any application will ask you to log in when you open it; you can also do it now.")
    static let account = Phrase("账号", "Account")
    static let connection = Phrase("登录方式", "Logged in with")
    static let since = Phrase("登录时间", "Since")
    static let until = Phrase("最晚有效至", "Until, at the latest")
    static let logOut = Phrase("退出登录", "Log out")
    static let logoutTitle = Phrase("要退出登录吗？", "Log out?")
    static let logoutText = Phrase("将在所有应用中退出，正在打开的页面也会断开。", "You will be logged out of all applications, and pages that are open will lose their connection.")
    static let stay = Phrase("不退出，返回", "Stay logged in")
    static let goneTitle = Phrase("你已退出登录", "You are logged out")
    static let goneText = Phrase("你在这个浏览器中的登录已经在所有应用中结束。如果是公用电脑，请同时关闭浏览器窗口。", "The session of this browser has ended in all applications. On a shared computer, close the browser window as well.")
    static let noSessionText = Phrase("这个浏览器在此处没有登录。", "This browser is not logged in here.")
    static let logInAgain = Phrase("重新登录", "Log in again")
    static let logIn = Phrase("登录", "Log in")
    static let everywhere = Phrase("在所有应用中退出", "Log out of everything")

    // Binding
    static let bindTitle = Phrase("绑定你的账号", "Connect your account")
    static let bindText = Phrase("身份已经确认。请输入管理员给你的绑定码，以后登录就不用再输入了。", "It is clear who you are. Enter the binding code that the administrator gave you; you will not be asked again.")
    static let bindCode = Phrase("绑定码（10 个字符）", "Binding code (10 characters)")
    static let bindButton = Phrase("绑定并登录", "Connect and log in")
    static func bindOwn(_ name: String) -> Phrase { Phrase("没有绑定码，以 \(name) 登录", "I have no code: log in as \(name)") }
    static func bindWrong(_ left: Int) -> Phrase {
        Phrase("绑定码不正确、已被使用或已过期。还可以再试 \(left) 次。", "This code is wrong, was used, or is too old. You can try \(left) more time\(left == 1 ? "" : "s").")
    }
    static let bindSpent = Phrase("输错的次数太多。请向管理员索取新的绑定码，再重新登录。", "Too many wrong codes. Ask the administrator for a new one, then log in again.")
    static let bindBusy = Phrase("来自你所在网络的错误次数太多，请过十分钟再试。", "There were too many wrong codes from your network. Please try again in ten minutes.")
    static let bindDo = Phrase("没有绑定码？请联系管理员，并提供下方的请求编号。", "No code? Ask the administrator for one, and give the request ID below.")

    // What to do, on many pages
    static let whatToDo = Phrase("怎么办", "What to do")
    static let tryAgain = Phrase("再试一次", "Try again")
    static let goBack = Phrase("回到首页", "Go to the start page")
    static let otherWays = Phrase("用其他方式登录", "Other ways to log in")
    static let openInWeCom = Phrase("（在企业微信中）", " (inside WeCom)")
    static let scanCode = Phrase("（扫码）", " (scan a code)")
    static let tellAdmin = Phrase("请把下方的请求编号告诉管理员，管理员可以凭它查到原因。", "Give the request ID below to your administrator, who can look up the reason with it.")

    // Refusals
    static let kindDenied = Phrase("没有权限", "Not allowed")
    static let deniedTitle = Phrase("你没有访问这里的权限", "You may not enter here")
    static let deniedText = Phrase("你的登录是有效的，但这个地址只对部分人开放。", "You are logged in, but this address is open to some people only.")
    static let you = Phrase("你的身份", "You are")
    static let rule = Phrase("对应规则", "The rule")
    static let anyPath = Phrase("整个应用", "the whole application")
    static let deniedDo = Phrase(
        "如果工作需要，请联系这个应用的管理员开通权限，并提供下方的请求编号。如果这不是你的账号，请退出后重新登录。",
        "If you need it for your work, ask the administrator of this application for access and give the request ID below. If this is not your account, log out and log in again.")
    static let hoursText = Phrase("你的登录是有效的，但这个地址只在规定的时间内开放。", "You are logged in, but this address is open at certain times only.")
    static let hoursDo = Phrase("请在开放时间内再来。如果工作需要，请联系这个应用的管理员。", "Please come back in opening hours. If you need it for your work, ask the administrator of this application.")
    static let networkText = Phrase("你的登录是有效的，但这个地址只能从指定的网络访问。", "You are logged in, but this address is open from certain networks only.")
    static let networkDo = Phrase(
        "请连接公司的网络或 VPN 后重试。如果工作需要，请联系这个应用的管理员，并提供下方的请求编号。",
        "Please connect to the company's network or VPN and try again. If you need it for your work, ask the administrator of this application and give the request ID below.")
    static let foreignTitle = Phrase("来自其他网站的连接被拒绝", "A connection from another site was refused")
    static let foreignText = Phrase("为了安全，这个应用只接受来自它自己页面的连接。", "For safety, this application accepts connections from its own pages only.")
    static let kindNotFound = Phrase("未找到", "Not found")
    static let notFoundTitle = Phrase("这里没有内容", "There is nothing here")
    static let notFoundText = Phrase("这个地址不属于任何应用。请检查地址是否完整、有没有拼写错误。", "This address belongs to no application. Please check that it is complete and spelled right.")
    static let methodTitle = Phrase("这个地址不接受这种请求", "This address does not take that kind of request")
    static let methodText = Phrase("请从正常的页面链接进入。", "Please come here by an ordinary link.")
    static let unknownHostTitle = Phrase("没有这个网站", "No such site here")
    static let unknownHostText = Phrase("这台服务器不提供你输入的域名。请检查地址，或联系管理员。", "This server does not serve the host name that was asked for. Please check the address, or ask your administrator.")
    static let kindNotSent = Phrase("尚未提交", "Not sent")
    static let notSentTitle = Phrase("内容没有提交", "It was not sent")
    static let notSentText = Phrase("你的登录已经过期，所以刚才提交的内容没有送达应用。", "Your session is over, so what you just submitted did not reach the application.")
    static let notSentDo = Phrase(
        "先在新的标签页中登录，再回到原来的页面重新提交，填写的内容一般还在。",
        "Log in in a new tab, then go back to the page you came from and submit again: what you typed is usually still there.")
    static let logInNewTab = Phrase("在新标签页中登录", "Log in in a new tab")
    static func formTooLargeText(_ limit: String) -> Phrase {
        Phrase("你的登录已经过期，而你提交的内容超过 \(limit)，无法替你保留到登录之后，所以没有送达应用。",
               "Your session is over, and what you submitted is larger than \(limit), too large to be kept until you have logged in. It did not reach the application.")
    }
    static let stillKeptDo = Phrase("内容还为你保留着：登录后会自动提交。", "It is still kept for you, and will be sent once you have logged in.")
    static let formKeptTitle = Phrase("你填写的内容已保留", "What you filled in is safe")
    static let formKeptText = Phrase("你的登录已经过期。请在十分钟内登录，登录后会自动提交，不用重新填写。", "Your session is over. Log in within ten minutes and it will be sent by itself: there is nothing to fill in again.")
    static let sendTitle = Phrase("正在提交你填写的内容…", "Sending what you filled in…")
    static let sendButton = Phrase("提交", "Send it")
    static let formGoneTitle = Phrase("没有再次提交", "It was not sent again")
    static let formGoneText = Phrase("这份内容已经提交过，或者保留的时间已过。", "It was sent already, or was kept too long.")
    static let formGoneDo = Phrase("请打开应用查看结果；如果没有，请重新填写。", "Look at the application for the result; if there is none, please fill it in again.")
    static let formLostText = Phrase("你填写的内容只保留十分钟，现在已经没有了，没有送达应用。", "What you filled in was kept for ten minutes. It is gone now, and did not reach the application.")
    static let formForeignText = Phrase(
        "保留的内容是用另一个账号或在另一个浏览器里填写的，没有送达应用。", "What was kept was filled in by another account or in another browser. It did not reach the application.")
    static let goOn = Phrase("继续", "Go on")
    static let kindTrouble = Phrase("暂时无法访问", "Temporarily unavailable")
    static let downTitle = Phrase("应用暂时没有响应", "The application is not answering")
    static let downText = Phrase("你的登录没有问题，是应用本身连接不上。", "Nothing is wrong with your login: the application itself cannot be reached.")
    static let timeoutTitle = Phrase("应用响应太慢", "The application took too long")
    static let timeoutText = Phrase("请求已经送达应用，但在规定时间内没有得到回答。它可能已经在处理。", "Your request reached the application, but no answer came in time. It may have been carried out.")
    static let brokenTitle = Phrase("应用的回答有误", "The application’s answer was broken")
    static let brokenText = Phrase("应用返回了无法识别的内容。", "The application sent something that cannot be understood.")
    static let loopTitle = Phrase("请求绕回了原处", "This request goes round in a circle")
    static let loopText = Phrase("这个应用的地址指向了网关自己。", "The address set for this application leads back to the gateway.")
    static let loopDo = Phrase("请联系这个应用的管理员，并提供下方的请求编号。", "Tell the administrator of this application and give the request ID below.")
    static let waitDo = Phrase("请稍候再试。如果一直如此，请联系这个应用的管理员，并提供下方的请求编号。", "Please try again in a moment. If it stays like this, tell the administrator of this application and give the request ID below.")
    static let storeTitle = Phrase("登录系统暂时无法使用", "The login system is not available")
    static let storeText = Phrase("现在无法确认登录状态，为了安全，请求没有放行。你不需要重新登录。", "Sessions cannot be checked at the moment, so to be safe nothing is let through. You do not have to log in again.")
    static let kindBadRequest = Phrase("请求有误", "Bad request")
    static let malformedTitle = Phrase("无法理解这个请求", "This request makes no sense")
    static let malformedText = Phrase("请求的格式不正确，没有送达应用。", "The request is not well-formed and did not reach the application.")
    static let malformedDo = Phrase("请检查地址中是否有多余的字符；如果是点击链接进来的，请把请求编号告诉管理员。", "Check the address for stray characters; if a link brought you here, tell your administrator the request ID.")
    static let tooLargeTitle = Phrase("内容太大", "Too large")
    static func tooLargeText(_ limit: String) -> Phrase {
        Phrase("这个应用一次最多接收 \(limit)，你提交的内容超过了它，没有送达。", "This application takes at most \(limit) at a time. What you sent is larger and was not delivered.")
    }
    static let tooLargeDo = Phrase("请减小文件，或分几次提交。", "Please make the file smaller, or send it in parts.")

    // A login that does not come to its end
    static let kindLogin = Phrase("登录未完成", "Not logged in")
    static let stuckTitle = Phrase("登录没能完成", "The login did not come to its end")
    static let stuckText = Phrase("已经自动重试过两次，但回来的登录不是这个浏览器刚才开始的那一次，或者已经用过、过期。", "It was tried twice more by itself, but what came back was not the login that this browser had begun, or was used or too old.")
    static let blockedTitle = Phrase("浏览器阻止了 Cookie", "This browser blocks cookies")
    static let blockedText = Phrase("没有 Cookie 就无法登录：已经自动重试过两次，浏览器每次都没有保存。", "Without cookies nobody can be logged in: it was tried twice more by itself, and the browser kept none.")
    static let clockDo = Phrase("它与服务器的时间相差超过五分钟：请把日期和时间设为自动，然后重新登录。", "It is more than five minutes off: set date and time to automatic, then log in again.")
    static let clockTitle = Phrase("这台设备的时间不对", "The clock of this device is wrong")
    static let stuckCauses = Phrase("常见原因", "The usual causes")
    static let stuckCookies = Phrase("请允许此网站使用 Cookie，或退出无痕模式，然后重新登录。", "Allow cookies for this site, or leave private mode; then log in again.")
    static let stuckClock = Phrase("电脑或手机的时间不对：请把日期和时间设为自动。", "The clock of this device is wrong: set date and time to automatic.")
    static let stuckOther = Phrase("登录是在另一个浏览器里开始的，或者打开了别人发来的登录链接：请从应用的地址重新进入。", "The login was begun in another browser, or somebody sent you the link: start again from the application’s own address.")
    static let startAgain = Phrase("从头登录", "Start again")

    // One's own sessions
    static let sessionsTitle = Phrase("我的登录", "My sessions")
    static func sessionsLead(_ who: String) -> Phrase {
        Phrase("以 \(who) 的身份登录的所有浏览器。有不认识的，就结束它。", "Every browser that is logged in as \(who). End whatever you do not recognise.")
    }
    static let thisBrowser = Phrase("当前浏览器", "This browser")
    static let byScan = Phrase("扫码登录", "By QR code")
    static let lastSeen = Phrase("最近使用", "Last used")
    static let endSession = Phrase("结束", "End")
    static let endOthers = Phrase("结束其他所有登录", "End all others")
    static let endAll = Phrase("全部结束，包括当前浏览器", "End all, this one too")
    static func moreSessions(_ count: Int) -> Phrase { Phrase("另有 \(count) 个较早的登录没有列出。", "\(count) more, used longer ago, are not shown.") }

    // Login by our own QR code: the browser that asks
    static let scanTitle = Phrase("用企业微信扫码登录", "Scan with WeCom to log in")
    static let scanPicture = Phrase("二维码", "QR code")
    static let scanNumber = Phrase("扫码后，在手机上选这个数字", "After scanning, pick this number on the phone")
    static let scanLife = Phrase("二维码两分钟内有效。", "The code is good for two minutes.")
    static let scanLink = Phrase("也可以在企业微信中打开：", "Or open this in WeCom:")
    static let scanButton = Phrase("用手机扫码登录（本机无需联网）", "Scan a code with your phone (this computer needs no internet)")
    static let scanAgain = Phrase("换一个二维码", "Get a new code")
    static let scanRefusedTitle = Phrase("手机上拒绝了这次登录", "The login was refused on the phone")
    static let scanRefusedText = Phrase("选择的数字与这里显示的不一致，或者对方选择了“不是我”。这个二维码已经作废。", "A number other than the one shown here was picked, or “This is not me”. The code is void.")
    static let scanExpiredTitle = Phrase("二维码已过期", "The code has expired")
    static let scanExpiredText = Phrase("两分钟内没有人在手机上确认，没有人登录。", "Nobody confirmed on a phone in time, and nobody was logged in.")
    static let scanTooManyTitle = Phrase("请求二维码过于频繁", "Too many codes were asked for")
    static let scanTooManyText = Phrase("你所在的网络地址在短时间内请求了太多二维码。请两分钟后再试。", "Your network address has asked for too many codes in a short time. Please try again in two minutes.")

    // And the phone
    static let approveTitle = Phrase("要让这台电脑登录吗？", "Log this computer in?")
    static let approveLead = Phrase("它将以你的身份登录。请先核对是不是你面前的那一台。", "It will be logged in as you. Check first that it is the one in front of you.")
    static let scanBrowser = Phrase("浏览器", "Browser")
    static let scanAddress = Phrase("网络地址", "Address")
    static let scanTime = Phrase("请求时间", "Asked at")
    static let scanPlace = Phrase("前往", "On its way to")
    static let approveQuestion = Phrase("电脑上显示的是哪个数字？", "Which number does the computer show?")
    static let approveWarning = Phrase(
        "只在你自己打开了那个页面时才选。有人发来二维码、或在电话里告诉你数字，就是在骗取你的身份。",
        "Pick one only if you opened that page yourself. Whoever sends you a code, or tells you a number, wants to log in as you.")
    static let approveNotMe = Phrase("不是我，拒绝登录", "This is not me: refuse")
    static let kindDone = Phrase("已确认", "Confirmed")
    static let kindRefused = Phrase("已拒绝", "Refused")
    static let approvedTitle = Phrase("电脑正在登录", "The computer is being logged in")
    static let approvedText = Phrase("请看电脑，这个页面可以关闭。以后可以在“我的登录”中随时结束它。", "Look at the computer; you can close this page. You can end that session at any time under “My sessions”.")
    static let refusedTitle = Phrase("没有让电脑登录", "The computer was not logged in")
    static let refusedText = Phrase(
        "二维码已经作废。如果只是选错了数字，请在电脑上换一个二维码再扫；如果不是你在登录，请告诉管理员。",
        "The code is void. If you merely picked a wrong number, get a new code on the computer. If it was not you who wanted to log in, tell your administrator.")
    static let codeOverTitle = Phrase("这个二维码已经失效", "This code is not good any more")
    static let codeOverText = Phrase("二维码两分钟内有效，而且只能用一次。请在电脑上换一个再扫。", "A code is good for two minutes, and once. Get a new one on the computer and scan that.")
    static let codeAnsweredTitle = Phrase("这个二维码已经用过", "This code was answered already")
    static let codeAnsweredText = Phrase("每个二维码只能回答一次。如果电脑没有登录，请在电脑上换一个再扫。", "Each code is answered once. If the computer was not logged in, get a new code there and scan that.")
    static let openScanText = Phrase(
        "只有在企业微信中才能确认电脑登录：请用企业微信的“扫一扫”扫描电脑上的二维码，或者复制下面的地址，发送到企业微信的任意聊天中再点开它。",
        "A computer’s login can be confirmed inside WeCom only: scan the code on the computer with WeCom’s own scanner, or copy the address below, send it to any chat in WeCom, and tap it there.")
}
