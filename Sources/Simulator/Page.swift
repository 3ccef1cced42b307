internal import Proxy

/// A whole page of the simulator or of the sample application: no script, no external asset, one style sheet in the page, allowed by a nonce.
struct Page {
    var title: String
    var language: Language
    var body: Markup
    /// Whose pages may frame this one (CSP `frame-ancestors`): the web login page is made to be framed, nothing else is.
    var framable = false
    /// Forms may be sent: to the page's own origin, and on to wherever a login leads from there (browsers apply CSP `form-action` to redirects too).
    var forms = false

    func response(status: Int = 200, nonce: String, fields: [(name: String, value: String)] = []) -> OwnResponse {
        let policy = "default-src 'none'; style-src 'nonce-\(nonce)'; base-uri 'none'; form-action \(forms ? "'self' https:" : "'none'")"
            + (framable ? "" : "; frame-ancestors 'none'")
        let html: Markup = """
            <!doctype html>
            <html lang="\(language == .zh ? "zh-CN" : "en")">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title)</title>
            <style nonce="\(nonce)">\(Self.style)</style>
            </head>
            <body\(framable ? " class=\"tight\"" : "" as Markup)>
            \(body)
            </body>
            </html>

            """
        return OwnResponse(
            status: status,
            fields: [
                ("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"), ("Content-Security-Policy", policy),
                ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
            ] + fields,
            body: Array(html.text.utf8))
    }

    static let style: Markup = """
        :root{color-scheme:light dark;--ink:#1d2430;--soft:#5d6878;--line:#dfe4ea;--back:#f5f7f9;--card:#fff;--mark:#0a6fd6;--good:#12804a;--bad:#b3261e}
        @media(prefers-color-scheme:dark){:root{--ink:#e7ebf0;--soft:#9aa5b4;--line:#323a45;--back:#14181d;--card:#1d2229;--mark:#6cb2ff;--good:#5fd39a;--bad:#ff8a80}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--back);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
        main{max-width:46rem;margin:0 auto;padding:1.25rem 1rem}
        h1{font-size:1.15rem;margin:0 0 .25rem}h2{font-size:1rem;margin:1.5rem 0 .5rem}p{margin:.25rem 0 .75rem}
        a{color:var(--mark)}code,pre,td{font-family:ui-monospace,"SF Mono",Consolas,monospace;font-size:.86rem}
        .soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}
        .card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem}
        .people{display:grid;grid-template-columns:repeat(auto-fill,minmax(6.3rem,1fr));gap:.4rem;list-style:none;margin:.5rem 0;padding:0}
        .people a{display:block;padding:.25rem .5rem;overflow:hidden;white-space:nowrap;text-overflow:ellipsis;border:1px solid var(--line);border-radius:8px;background:var(--card);color:inherit;text-decoration:none}
        .people a:hover,.people a:focus-visible{border-color:var(--mark);outline:none}
        .people small{display:block;color:var(--soft);overflow:hidden;text-overflow:ellipsis}
        table{border-collapse:collapse;width:100%}td{border-top:1px solid var(--line);padding:.35rem .5rem .35rem 0;vertical-align:top;overflow-wrap:anywhere}
        tr:first-child td{border-top:0}td:first-child{width:30%;color:var(--soft)}.card>:last-child{margin-bottom:0}pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
        .tight main{padding:.75rem 1rem}.row{display:flex;gap:.75rem;flex-wrap:wrap;align-items:center}
        button,.button{font:inherit;padding:.4rem .9rem;border:1px solid var(--mark);border-radius:8px;background:var(--mark);color:#fff;text-decoration:none;cursor:pointer}
        @media(prefers-color-scheme:dark){button,.button{color:#10151b}}
        .plain{background:transparent;color:var(--mark)}
        input{font:inherit;padding:.4rem .6rem;border:1px solid var(--line);border-radius:8px;background:var(--card);color:inherit;min-width:0;flex:1}
        """
}
