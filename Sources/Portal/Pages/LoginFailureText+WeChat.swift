internal import WeCom

extension LoginFailureText {
    /// What is different where somebody logged in with WeChat; nil: nothing.
    static func weChats(_ failure: LoginFailure) -> (title: Phrase, what: Phrase, advice: Phrase)? {
        switch failure {
        case .busy:
            (Phrase("微信正忙", "WeChat is busy"),
             Phrase("微信暂时处理不过来，没能确认你的身份。", "WeChat has too much to do at the moment and could not confirm who you are."),
             Phrase("请过一两分钟再试。", "Please try again in a minute or two."))
        case .misconfigured, .appDisabled:
            (Phrase("登录设置有误", "The login is set up wrongly"),
             Phrase("微信拒绝了门卫的请求，原因在应用的设置，与你的账号无关。", "WeChat refused the gateway’s request because of how the app is set up. It is not about your account."),
             Catalogue.tellAdmin)
        case .codeSpent:
            (Phrase("这次登录已经失效", "This login is no longer good"),
             Phrase("登录凭据只能使用一次，而且几分钟后就会过期。", "What WeChat hands out for a login works once, and for a few minutes only."),
             Phrase("请重新登录一次。", "Please log in once more."))
        case .notAMember:
            (Phrase("这个微信还没有账号", "There is no account for this WeChat"),
             Phrase("微信确认了你的身份，但这里没有与它绑定的账号。", "WeChat says who you are, but no account here is bound to it."),
             Phrase("请用企业微信登录，或者请管理员为你绑定账号。", "Log in with WeCom, or ask the administrator to bind an account to it."))
        case .memberDisabled:
            (Phrase("这个微信账号受到限制", "This WeChat account is restricted"),
             Phrase("微信不允许这个账号登录其他网站。", "WeChat does not let this account log in to other sites."),
             Phrase("请在微信中查看原因，或者用其他方式登录。", "See in WeChat why, or log in another way."))
        case .declined:
            (Phrase("登录已取消", "The login was cancelled"),
             Phrase("你在微信中取消了登录，或者拒绝了授权。", "You cancelled the login in WeChat, or did not agree to it."),
             Phrase("可以随时重新登录。", "You can log in again whenever you like."))
        case .unreachable:
            (Phrase("连接不上微信", "WeChat cannot be reached"),
             Phrase("门卫没有得到微信的回答，无法确认你的身份。", "The gateway got no answer from WeChat and cannot confirm who you are."),
             Phrase("请稍候再试。如果一直如此，请把下方的请求编号告诉管理员。", "Please try again in a moment. If it stays like this, give the request ID below to your administrator."))
        case .fault:
            (Phrase("登录时出错了", "Something went wrong"),
             Phrase("微信的回答无法识别，所以没有让你登录。", "WeChat’s answer could not be understood, so you were not logged in."),
             Phrase("请再试一次。如果仍然如此，请把下方的请求编号告诉管理员。", "Please try again. If it happens again, give the request ID below to your administrator."))
        default: nil
        }
    }
}
