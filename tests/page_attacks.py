"""What a student may write to do something in the browser of whoever reads it."""

import base64
from typing import Any

from nbformat import NotebookNode, v4

__all__ = ["attachments", "hostile_markdown", "hostile_outputs", "png"]

RUN = "document.title='pwned',window.pwned=1"


def png() -> str:
    """Return a picture of 8 × 8 pixels, in base64."""
    return (
        "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGM8ISfHgA0wYRUdtBIA0MoBFD5jqJkAAA"
        "AASUVORK5CYII="
    )


def _svg(url: str) -> str:
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" onload="{RUN}"><script>{RUN}</script>'
        f'<image href="{url}/svg"/></svg>'
    )
    return base64.b64encode(picture.encode()).decode()


def attachments(url: str) -> dict[str, Any]:
    """Return a picture and what only has the names of pictures."""
    return {
        "a b.png": {"image/png": png()},
        "evil.svg": {"image/svg+xml": _svg(url)},
        "broken.png": {"image/png": f'"><img src=x onerror={RUN}>'},
        "text.png": {"image/png": base64.b64encode(b"<script>").decode()},
        "page.html": {"text/html": base64.b64encode(f"<script>{RUN}</script>".encode()).decode()},
    }


def hostile_markdown(url: str) -> list[str]:
    """Return texts of all kinds of attack; `url` counts requests."""
    error = f'<img src=x onerror="{RUN}">'
    return [
        # Scripts and events.
        f"<script>{RUN}</script>",
        f"<script src={url}/script></script>",
        f"<ScRiPt/x>{RUN}</sCrIpT >",
        f"<<script>{RUN}//<</script>",
        f"<svg/onload={RUN}>",
        f"<body onload={RUN}><p onmouseover={RUN}>x",
        f"<details open ontoggle={RUN}>x</details>",
        f"<input autofocus onfocus={RUN}><select autofocus onfocus={RUN}><option>x</select>",
        f"<video src={url}/video onerror={RUN}></video><audio src={url}/audio onerror={RUN}>",
        f"<marquee onstart={RUN}>x</marquee>",
        f"<style>@keyframes k{{}}</style><p style='animation:k 1s' onanimationstart={RUN}>x</p>",
        f"{error}\n\n{error}",
        f"# <b {error}>x</b>",
        # Links.
        f"[x](javascript:{RUN}) <a href='javascript:{RUN}'>x</a> <javascript:{RUN}>",
        f"<a href='jav&#x09;ascript:{RUN}'>x</a> <a href=' &#1;javascript:{RUN}'>x</a>",
        f"[x][r]\n\n[r]: javascript:{RUN}",
        f"[x](data:text/html,<script>{RUN}</script>) [x](vbscript:x) [x](blob:x) [x](file:///etc)",
        "[x](/formgrader/gradebook) [x](evil.html) [x](//evil.example) [x](http:evil.html)",
        "[x](https:/\\evil) [x](http:///evil) [x](\\\\evil) <a href='http:\\\\evil'>x</a>",
        f'[x](https://a.example/"onmouseover="{RUN})',
        f'[x](https://b.example "t\\"onclick=\\"{RUN}")',
        f"<a href=https://c.example ping={url}/ping download onclick={RUN}>x</a>",
        f"<form action={url}/form><button formaction=javascript:{RUN}>x</button></form>",
        f"<map name=m><area href=javascript:{RUN} shape=default></map><img usemap=#m src=x>",
        f'<a data-toggle="modal" data-target="<img src=x onerror={RUN}>">x</a>',
        # SVG and MathML.
        f"<svg><script>{RUN}</script><image href={url}/image></image></svg>",
        f"<svg><use href='data:image/svg+xml;base64,{_svg(url)}#x'></use></svg>",
        f"<svg><animate onbegin={RUN} attributeName=x dur=1s></svg>",
        f"<svg><a xlink:href='javascript:{RUN}'><text y=9>x</text></a></svg>",
        f"<svg><foreignObject><iframe src={url}/foreign></iframe></foreignObject></svg>",
        f"<math><mi xlink:href='javascript:{RUN}'>x</mi><maction>x</maction></math>",
        # Pictures and other files.
        f"![x]({url}/markdown.png) <img src={url}/a.png srcset={url}/b.png>",
        f"![x](data:image/svg+xml;base64,{_svg(url)}) ![x](attachment:evil.svg)",
        f"<img src=\"data:image/svg+xml,<svg onload='{RUN}'></svg>\">",
        "![x](attachment:broken.png) ![x](attachment:text.png) ![x](attachment:page.html)",
        f'![" onerror="{RUN}](<attachment:a b.png>)',
        f'![$"onerror={RUN}$](<attachment:a b.png>)',
        f"<picture><source srcset={url}/source></picture><input type=image src={url}/input>",
        f"<table background={url}/table><tr><td background={url}/td>x</table><image src={url}/i>",
        f"<video poster={url}/poster></video><object data={url}/object></object>",
        f"<embed src={url}/embed><iframe src={url}/iframe></iframe><frameset><frame src={url}/f>",
        f'<iframe srcdoc="<script>parent.window.pwned=1</script><img src={url}/srcdoc>"></iframe>',
        f"<link rel=stylesheet href={url}/css><link rel=prefetch href={url}/prefetch>",
        f"<style>@import '{url}/import'; * {{ background: url({url}/background) }}</style>",
        f"<style>@font-face{{font-family:f;src:url({url}/font)}} *{{font-family:f}}</style>",
        f"<p style='background:url({url}/style)'>x</p>",
        f"<base href={url}/><meta http-equiv=refresh content='0;url={url}/refresh'>",
        # What covers, hides or passes for the page.
        "<div style='position:fixed;inset:0;background:red;z-index:9'>x</div>",
        "<p style='margin-top:-9999px;position:absolute;width:9999px;height:9999px'>x</p>",
        "<style>body { display: none }</style>",
        '<div class="modal-backdrop in">x</div><div class="navbar-fixed-top">x</div>',
        "<div class=nbgrader_cell><input class=score id=metrics></div><p id=metrics>x</p>",
        "# metrics\n\n<a name=formgrader id=base_url></a><form id=MathJax><input name=Hub></form>",
        "</div></div></div></div></body></html><p>outside</p>",
        # What parsers read differently.
        f'<noscript><p title="</noscript>{error}">x</noscript>',
        f'<title><a title="</title>{error}"></title>',
        f'<textarea><a title="</textarea>{error}"></textarea>',
        f'<svg></p><style><a id="</style>{error}">',
        f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;{error}">',
        f"<form><math><mtext></form><form><mglyph><style></math>{error}",
        f"<![CDATA[>{error}]]> <!--> {error} --> <!-- x --!> {error}",
        f"<!--[if IE]>{error}<![endif]--> <?x {error} ?> <!x {error}>",
        f"<xmp>{error}</xmp><noembed>{error}</noembed><template>{error}</template>",
        f"<b>x</i {error}></b> <a href='https://d.example' {error}",
        f"<table><a href=https://e.example><tr><td>{error}<a>x",
        f"&lt;script&gt;{RUN}&lt;/script&gt; &amp;lt;script&amp;gt;",
        f"&#xe000;0&#xe001; {chr(0xE000)}0{chr(0xE001)}",
        f'```mermaid\n</pre>{error}\n```\n\n```"><script>{RUN}</script>\nx\n```',
        f"    </code></pre>{error}",
        f"`</code>{error}` ``{error}``",
        f"| a | b |\n|:-:|---|\n| {error} | `{error}` |",
        f"- [x] {error}\n\nterm\n: {error}",
        f"<plaintext>{error}",
        # Formulas.
        rf"$\href{{javascript:{RUN}}}{{x}}$ $\href{{{url}/href}}{{x}}$",
        r"$\unicode{x3c}script\unicode{x3e}$ $\char`<$",
        r"$\require{html}\style{position:fixed;inset:0;background:red}{x}\class{score}{y}$",
        r"$\cssId{metrics}{x}$ $\def\a{\a\a}\a$ $\newcommand{\b}{\b\b}\b$ $\let\c\c \c$",
        f"$\\text{{{error}}}$ ${error}$ $$</math>{error}$$",
        f"\\begin{{align}}</mtd>{error}\\end{{align}}",
        f"\\begin{{x}}<script>{RUN}</script>\\end{{x}}",
        r"$\rule{999em}{999em}$ $\hspace{-999em}\text{cover}$ $$\kern-9em\kern-9em\kern-9em x$$",
        f"\\\\({error}\\\\) \\\\[{error}\\\\] $\\includegraphics{{{url}/graphics}}$",
        r"$\mathchoice{a}{b}{c}{d}$ $\color{url(x)}{x}$ $\data{x=y}{z}$",
        "$" + "{" * 900 + "$ $" + r"\sqrt{" * 300 + "$ $" + "x^{" * 300 + "}" * 300 + "$",
        # Too much.
        "[" * 9000,
        "> " * 9000,
        "<div>" * 1900,
        "x" * 20_000 + error,
    ]


def hostile_outputs(url: str) -> list[NotebookNode]:
    """Return outputs of all kinds, as an executed notebook could hold them."""
    error = f'<img src={url}/output onerror="{RUN}">'
    script = f"<script>{RUN}</script>"
    forms = {
        "text/html": error,
        "application/javascript": RUN,
        "image/svg+xml": base64.b64decode(_svg(url)).decode(),
        "text/latex": rf"$\href{{javascript:{RUN}}}{{x}}$",
        "text/markdown": error,
        "text/vnd.mermaid": f"</pre>{error}",
        "application/pdf": "x",
        "image/png": f'"><script>{RUN}</script>',
        "image/jpeg": _svg(url),
        "application/vnd.jupyter.widget-view+json": {"model_id": "x"},
    }
    outputs = [v4.new_output("display_data", data={kind: data}) for kind, data in forms.items()]
    shown = v4.new_output("display_data", data={"image/png": png(), "text/plain": error})
    shown.metadata = {
        "image/png": {"alt": f'"{error}', "width": f'1 onload="{RUN}"'},
        "filenames": {"image/png": f"{url}/filename"},
    }
    return [
        *outputs,
        shown,
        v4.new_output("execute_result", data={"text/plain": script}, metadata={"isolated": True}),
        v4.new_output("stream", name="stdout", text=f"{error}\x1b]8;;{url}/osc\x07{script}"),
        v4.new_output("error", ename=script, evalue=error, traceback=[script, f"\x1b[31m{error}"]),
    ]
