extension Assets {
    /// The one style sheet: colours and sizes as variables first, then the few parts that pages are made of.
    static let style = #"""
    :root {
      color-scheme: light dark;
      --ground: #f3f5f4; --card: #ffffff; --ink: #17211e; --soft: #56635e; --line: #dde3e0; --well: #f3f6f5;
      --accent: #0d6b57; --accent-strong: #095244; --on-accent: #ffffff; --tint: #e6f1ee;
      --warn: #8a5200; --warn-tint: #fdf3e1; --stop: #a32a22; --stop-tint: #fbecea; --focus: #1b6fd0;
      --shadow: 0 1px 2px rgba(16, 32, 27, .06), 0 12px 32px -12px rgba(16, 32, 27, .16);
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #101513; --card: #19201d; --ink: #e9efec; --soft: #a3b0ab; --line: #2d3733; --well: #121816;
        --accent: #5cc9ad; --accent-strong: #86dcc6; --on-accent: #06231c; --tint: #17312a;
        --warn: #f0b45c; --warn-tint: #33280f; --stop: #ff9a90; --stop-tint: #3a1c19; --focus: #7db6ff;
        --shadow: 0 1px 2px rgba(0, 0, 0, .4), 0 16px 40px -16px rgba(0, 0, 0, .6);
      }
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
    body {
      margin: 0; min-height: 100vh; min-height: 100dvh; display: flex; flex-direction: column; align-items: center;
      background: var(--ground); color: var(--ink);
      font: 16px/1.65 system-ui, -apple-system, "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif;
      overflow-wrap: break-word;
    }
    .bar, main, .foot { width: 100%; max-width: 37rem; padding-inline: 1rem; }
    .bar { display: flex; align-items: center; gap: .6rem; padding-block: 2.25rem 1.1rem; font-weight: 600; letter-spacing: .01em; }
    .bar img { width: 32px; height: 32px; display: block; }
    .bar span { color: var(--soft); font-weight: 400; }
    .card { background: var(--card); border: 1px solid var(--line); border-radius: 16px; box-shadow: var(--shadow); padding: 2rem; }
    .card > :first-child { margin-top: 0; }
    .card > :last-child { margin-bottom: 0; }
    h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 .6rem; font-weight: 650; letter-spacing: -.005em; text-wrap: balance; }
    h2 { font-size: 1rem; line-height: 1.4; margin: 1.75rem 0 .5rem; font-weight: 650; }
    p { margin: 0 0 .9rem; text-wrap: pretty; }
    .lead { color: var(--soft); }
    .kind { display: inline-block; margin: 0 0 .9rem; padding: .1rem .65rem; border-radius: 999px; background: var(--tint); color: var(--accent); font-size: .8125rem; font-weight: 600; }
    .kind.warn { background: var(--warn-tint); color: var(--warn); }
    .kind.stop { background: var(--stop-tint); color: var(--stop); }
    a { color: var(--accent); text-underline-offset: .18em; text-decoration-thickness: 1px; }
    a:hover { color: var(--accent-strong); }
    .actions { display: flex; flex-direction: column; gap: .65rem; margin: 1.5rem 0 0; padding: 0; list-style: none; }
    .actions form { margin: 0; display: contents; }
    .button {
      display: flex; align-items: center; justify-content: center; width: 100%; min-height: 2.875rem; padding: .55rem 1.1rem; margin: 0;
      border: 1px solid var(--line); border-radius: 10px; background: transparent; color: var(--ink);
      font: inherit; font-weight: 600; line-height: 1.35; text-align: center; text-decoration: none; cursor: pointer;
    }
    .button:hover { border-color: var(--accent); color: var(--accent); }
    .button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
    .button.main:hover { background: var(--accent-strong); border-color: var(--accent-strong); color: var(--on-accent); }
    .button[hidden] { display: none; }
    :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 6px; }
    .button:focus-visible { border-radius: 10px; }
    .field { margin: 1.25rem 0 0; }
    .field label { display: block; margin: 0 0 .35rem; font-weight: 600; }
    .field input {
      width: 100%; min-height: 2.875rem; padding: .5rem .9rem; margin: 0 0 .65rem; border: 1px solid var(--soft); border-radius: 10px;
      background: var(--card); color: var(--ink); font-size: 1.125rem; letter-spacing: .12em;
    }
    .alert { margin: 0 0 .9rem; padding: .75rem 1rem; border-radius: 10px; background: var(--stop-tint); color: var(--stop); }
    .facts { margin: 1.25rem 0 0; padding: .25rem 1rem; background: var(--well); border: 1px solid var(--line); border-radius: 10px; font-size: .9375rem; }
    .facts div { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .55rem 0; }
    .facts div + div { border-top: 1px solid var(--line); }
    .facts dt { flex: 0 0 6.5rem; color: var(--soft); }
    .facts dd { flex: 1 1 12rem; min-width: 0; margin: 0; overflow-wrap: anywhere; }
    code, .mono { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Noto Sans Mono CJK SC", monospace; font-size: .9em; }
    .note { margin: 0 0 1.25rem; padding: 1rem 1.1rem; border-radius: 10px; background: var(--tint); }
    .note.warn { background: var(--warn-tint); }
    .note h2 { margin: 0 0 .35rem; }
    .note p { margin: 0 0 .75rem; }
    .note > :last-child { margin-bottom: 0; }
    .note .button { background: var(--card); }
    .address { display: block; margin: 0 0 .75rem; padding: .6rem .75rem; border-radius: 8px; background: var(--card); border: 1px solid var(--line); overflow-wrap: anywhere; user-select: all; -webkit-user-select: all; }
    .panel { margin: 1.25rem 0 0; min-height: 416px; display: flex; justify-content: center; overflow: hidden; }
    .panel iframe { display: block; width: 480px; height: 416px; max-width: 100%; border: 0; border-radius: 10px; background: #fff; color-scheme: light; }
    .panel iframe:not([src]) { display: none; }
    .panel.small { min-height: 380px; }
    .panel.small iframe { width: 320px; height: 380px; }
    noscript .lead { margin: .9rem 0 0; }
    .or { display: flex; align-items: center; gap: .9rem; margin: 1.25rem 0 0; color: var(--soft); font-size: .875rem; }
    .or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
    .or + .actions { margin-top: 1.1rem; }
    .scan { display: flex; flex-wrap: wrap; align-items: center; justify-content: center; gap: 1.5rem 2rem; margin: 1.5rem 0 1.25rem; }
    .scan .code { flex: none; width: 15rem; max-width: 100%; height: auto; border-radius: 12px; border: 1px solid var(--line); }
    .choose { flex: 1 1 11rem; text-align: center; }
    .choose p { margin: 0; }
    .number { font-size: 4rem; line-height: 1.25; font-weight: 650; letter-spacing: .04em; font-variant-numeric: tabular-nums; color: var(--accent); }
    .choose .lead, .link { font-size: .875rem; }
    .link { color: var(--soft); text-align: center; overflow-wrap: anywhere; }
    .numbers { margin: 0; }
    .choices { display: grid; grid-template-columns: repeat(3, 1fr); gap: .65rem; }
    .choices .button { min-height: 4.5rem; font-size: 1.875rem; font-variant-numeric: tabular-nums; border-color: var(--accent); color: var(--accent); }
    .choices .button:hover { background: var(--tint); }
    .warning { margin: 1.1rem 0; padding: .8rem 1rem; border-radius: 10px; background: var(--warn-tint); color: var(--warn); font-size: .9375rem; }
    .sessions { margin: 1.25rem 0 0; padding: 0; list-style: none; border: 1px solid var(--line); border-radius: 10px; }
    .sessions li { display: flex; align-items: center; gap: .75rem 1rem; padding: .9rem 1rem; }
    .sessions li + li { border-top: 1px solid var(--line); }
    .sessions li > div { flex: 1 1 12rem; min-width: 0; }
    .sessions h2 { display: inline; margin: 0 .5rem 0 0; }
    .sessions .kind { margin: 0 .25rem 0 0; }
    .sessions p:not(.kind) { margin: .15rem 0 0; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
    .sessions form { flex: none; margin: 0; }
    .sessions .button { min-height: 2.5rem; padding: .35rem .9rem; }
    .person { display: flex; align-items: center; gap: 1rem; margin: 0 0 1rem; }
    .person .seal { flex: none; width: 3.25rem; height: 3.25rem; border-radius: 50%; background: var(--tint); color: var(--accent); display: grid; place-items: center; font-size: 1.35rem; font-weight: 650; }
    .person p { margin: 0; }
    .person h1 { margin: 0; }
    .steps { margin: 0 0 .9rem; padding-inline-start: 1.35rem; }
    .steps li { margin: 0 0 .35rem; }
    .foot { padding-block: 1.1rem 2.5rem; color: var(--soft); font-size: .8125rem; }
    .foot p { margin: 0; }
    .bare main { padding-top: 1rem; }
    .hop { text-align: center; padding-block: 3rem; animation: appear .3s .7s both; }
    .hop img { width: 48px; height: 48px; }
    main:has(.hop) + .foot { text-align: center; animation: appear .3s .7s both; }
    @keyframes appear { from { opacity: 0; } }
    @media (prefers-reduced-motion: reduce) { .hop, main:has(.hop) + .foot { animation: none; } }
    @media (max-width: 36rem) {
      .bar { padding-block: 1.1rem .9rem; }
      .card { padding: 1.35rem 1.15rem; border-radius: 14px; }
      h1 { font-size: 1.375rem; }
      .sessions li { flex-wrap: wrap; justify-content: flex-end; }
      .sessions li > div { flex-basis: 100%; }
      .panel { margin-inline: -.6rem; min-height: 380px; }
      .panel iframe { width: 320px; height: 380px; }
    }
    @media (min-height: 52rem) and (min-width: 36rem) { .bar { padding-top: 6vh; } }
    @media (forced-colors: active) { .button, .card { border: 1px solid; } }
    """#
}
