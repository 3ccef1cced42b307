"""Bar charts as SVG, by hand: no library, readable on light and on dark pages."""
from xml.sax.saxutils import escape

WIDTH, LABEL, BAR, GAP, GROUP = 860, 270, 15, 3, 12
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px } .small { font-size: 12px; fill: #57606a } .ours { font-weight: 600 }
  .a { fill: #8c959f } .b { fill: #c4cbd3 } .ours-a { fill: #0969da } .ours-b { fill: #76b3f5 } line { stroke: #d0d7de }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .a { fill: #7d8590 } .b { fill: #4a525c } .ours-a { fill: #4493f8 } .ours-b { fill: #1f5aa8 } line { stroke: #3d444d }
  }
"""


def bars(title, note, series, rows, digits=1, ours="Menwei"):
    """`rows`: a label and a value for each of the one or two series; None is left out. Rows whose label begins with `ours` stand out."""
    values = [value for _, row in rows for value in row if value is not None]
    longest = max(values, default=1) or 1
    scale = (WIDTH - LABEL - 90) / longest
    height = len(series) * (BAR + GAP) - GAP
    y = 62 if len(series) > 1 else 52
    body = [f'<text class="title" x="0" y="16">{escape(title)}</text>', f'<text class="small" x="0" y="34">{escape(note)}</text>']
    if len(series) > 1:
        body += legend(series)
    top = y
    for label, row in rows:
        mine = label.startswith(ours)
        body.append(f'<text x="{LABEL - 12}" y="{y + height / 2 + 4.5:.1f}" text-anchor="end"{" class=" + chr(34) + "ours" + chr(34) if mine else ""}>{escape(label)}</text>')
        for index, value in enumerate(row):
            at = y + index * (BAR + GAP)
            if value is None:
                body.append(f'<text class="small" x="{LABEL + 6}" y="{at + BAR - 3}">–</text>')
                continue
            long = max(value * scale, 1)
            body.append(f'<rect class="{"ours-" if mine else ""}{"ab"[index]}" x="{LABEL}" y="{at}" width="{long:.1f}" height="{BAR}" rx="2"/>')
            body.append(f'<text class="small" x="{LABEL + long + 6:.1f}" y="{at + BAR - 3}">{value:,.{digits}f}</text>')
        y += height + GROUP
    body.append(f'<line x1="{LABEL - 0.5}" x2="{LABEL - 0.5}" y1="{top - 4}" y2="{y - GROUP + 4}"/>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" role="img">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n" + "\n".join(body) + "\n</svg>\n")


def legend(series):
    parts, x = [], LABEL
    for index, name in enumerate(series):
        parts.append(f'<rect class="{"ab"[index]}" x="{x}" y="42" width="11" height="11" rx="2"/>')
        parts.append(f'<text class="small" x="{x + 16}" y="52">{escape(name)}</text>')
        x += 30 + 7 * len(name)
    return parts
