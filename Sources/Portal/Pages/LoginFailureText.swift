internal import WeCom

/// What a person is told about a login that failed: a title, what happened, what to do about it.
struct LoginFailureText {
    var status: Int
    var title: Phrase
    var what: Phrase
    var advice: Phrase

    /// - Parameter connection: whose login it was: what WeChat says is told as WeChat's.
    init(_ failure: LoginFailure, _ connection: ConnectionOptions) {
        (status, title, what, advice) = Self.parts(failure)
        guard connection.wecom == nil, let text = Self.weChats(failure) else { return }
        (title, what, advice) = text
    }

    private static func parts(_ failure: LoginFailure) -> (Int, Phrase, Phrase, Phrase) {
        switch failure {
        case .busy:
            (503, Phrase("企业微信正忙", "WeCom is busy"),
             Phrase("企业微信暂时处理不过来，没能确认你的身份。", "WeCom has too much to do at the moment and could not confirm who you are."),
             Phrase("请过一两分钟再试。", "Please try again in a minute or two."))
        case .misconfigured:
            (502, Phrase("登录设置有误", "The login is set up wrongly"),
             Phrase("企业微信拒绝了门卫的请求，原因在应用的设置，与你的账号无关。", "WeCom refused the gateway’s request because of how the app is set up. It is not about your account."),
             Catalogue.tellAdmin)
        case .codeSpent:
            (400, Phrase("这次登录已经失效", "This login is no longer good"),
             Phrase("登录凭据只能使用一次，而且几分钟后就会过期。", "What WeCom hands out for a login works once, and for a few minutes only."),
             Phrase("请重新登录一次。", "Please log in once more."))
        case .notAMember:
            (403, Phrase("你不是本企业的成员", "You are not a member of this company"),
             Phrase("企业微信没有在本企业中找到你的账号。", "WeCom does not know you as a member of this company."),
             Phrase("如果你有多个企业，请在企业微信里切换到本企业后再登录；如果刚刚入职，请联系管理员将你加入企业。",
                    "If you belong to several companies, switch to this one in WeCom and log in again; if you are new, ask the administrator to add you."))
        case .outOfVisibleRange:
            (403, Phrase("你不在应用的可见范围内", "The app is not open to you yet"),
             Phrase("你是本企业的成员，但管理员没有把这个登录应用开放给你。", "You are a member of this company, but the administrator has not opened this login app to you."),
             Phrase("请联系管理员，把你加入该应用的可见范围。", "Ask the administrator to add you to the app’s visible range."))
        case .memberGone:
            (403, Phrase("账号已不存在", "This account no longer exists"),
             Phrase("企业通讯录中已经没有这个账号。", "The company’s directory no longer has this account."),
             Phrase("如果这不对，请联系管理员。", "If that is wrong, talk to your administrator."))
        case .memberDisabled:
            (403, Phrase("账号未启用", "This account is not active"),
             Phrase("你的企业微信账号已被禁用，或者还没有激活。", "Your WeCom account is disabled, or was never activated."),
             Phrase("如果刚收到邀请，请先在企业微信中激活账号；否则请联系管理员。", "If you were invited just now, activate the account in WeCom first; otherwise talk to your administrator."))
        case .linkedCorp:
            (403, Phrase("互联企业的成员不能登录", "Members of linked companies cannot log in"),
             Phrase("你的账号属于与本企业互联的另一家企业，而这里只接受本企业的成员。", "Your account belongs to a company that is linked to this one. Only members of this company may enter."),
             Phrase("如果你在本企业也有账号，请切换后再登录。", "If you have an account in this company too, switch to it and log in again."))
        case .declined:
            (403, Phrase("登录已取消", "The login was cancelled"),
             Phrase("你在企业微信中取消了登录，或者拒绝了授权。", "You cancelled the login in WeCom, or did not agree to it."),
             Phrase("可以随时重新登录。", "You can log in again whenever you like."))
        case .appDisabled:
            (502, Phrase("登录应用已停用", "The login app is switched off"),
             Phrase("用于登录的应用在企业微信管理后台被停用了。", "The app that is used for logging in was switched off in WeCom’s console."),
             Catalogue.tellAdmin)
        case .unknownAccount:
            (403, Phrase("你在这里还没有账号", "You have no account here yet"),
             Phrase("身份已经确认，但管理员还没有为你登记账号。", "It is clear who you are, but the administrator has not entered an account for you."),
             Phrase("请联系管理员，并提供下方的请求编号。", "Ask the administrator for an account, and give the request ID below."))
        case .ambiguousAccount:
            (403, Phrase("无法确定哪个账号是你的", "It is not clear which account is yours"),
             Phrase("账号表中有不止一个账号与你相符，所以没有让你登录。", "More than one account matches you, so you were not logged in to any."),
             Phrase("请联系管理员为你绑定账号，并提供下方的请求编号。", "Ask the administrator to bind your account, and give the request ID below."))
        case .accountTaken:
            (403, Phrase("这个账号属于别人", "That account is somebody else’s"),
             Phrase("与你的用户名同名的账号已在账号表中，但没有绑定给你。", "The account table has an account of your user id’s name, and it is not bound to you."),
             Phrase("如果它是你的，请联系管理员为你绑定，并提供下方的请求编号。", "If it is yours, ask the administrator to bind it to you, and give the request ID below."))
        case .unreachable:
            (502, Phrase("连接不上企业微信", "WeCom cannot be reached"),
             Phrase("门卫没有得到企业微信的回答，无法确认你的身份。", "The gateway got no answer from WeCom and cannot confirm who you are."),
             Phrase("请稍候再试。如果一直如此，请把下方的请求编号告诉管理员。", "Please try again in a moment. If it stays like this, give the request ID below to your administrator."))
        case .fault:
            (502, Phrase("登录时出错了", "Something went wrong"),
             Phrase("企业微信的回答无法识别，所以没有让你登录。", "WeCom’s answer could not be understood, so you were not logged in."),
             Phrase("请再试一次。如果仍然如此，请把下方的请求编号告诉管理员。", "Please try again. If it happens again, give the request ID below to your administrator."))
        }
    }
}
