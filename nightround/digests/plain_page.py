"""A mail of plain lines, for what must not need a template: that a round failed, that a list was read."""

from __future__ import annotations

import html
from collections.abc import Iterable

from nightround.model.language import Language

FONT = "font-family:Arial,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;"
TABLE = 'role="presentation" cellpadding="0" cellspacing="0" border="0" width="100%"'
ALARM, CALM = "#7d1d20", "#14375a"
"""Colours of the head: something is wrong, or nothing is; the second is that of a digest."""
PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{title}</title>
<style>
@media (prefers-color-scheme: dark) {{
.page {{ background-color: #12161c !important; }}
.card {{ background-color: #1b2129 !important; }}
.text {{ color: #e6eaf0 !important; }}
}}
</style>
</head>
<body class="page" style="margin:0;padding:0;background-color:#eef1f5;">
<table class="page" {table} bgcolor="#eef1f5"><tr><td align="center" style="padding:16px 8px;">
<!--[if mso]><table role="presentation" cellpadding="0" cellspacing="0" border="0" width="640"><tr><td><![endif]-->
<table class="card" {table} bgcolor="#ffffff" style="max-width:640px;background-color:#ffffff;text-align:left;">
<tr><td bgcolor="{head}" style="{font}padding:22px 24px 20px 24px;background-color:{head};">
<div style="font-size:13px;line-height:20px;color:#e6eaf0;">{title}</div>
<div style="font-size:22px;line-height:30px;font-weight:bold;color:#ffffff;padding-top:4px;">{headline}</div>
</td></tr>
{paragraphs}
<tr><td style="padding:0 0 24px 0;font-size:1px;line-height:1px;">&nbsp;</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr></table>
</body>
</html>
"""
PARAGRAPH = (
    f'<tr><td class="text" style="{FONT}padding:14px 24px 0 24px;font-size:14px;line-height:22px;color:#1a2330;">'
    "{line}</td></tr>"
)


def plain_page(language: Language, title: str, headline: str, lines: Iterable[str], *, alarm: bool) -> str:
    """The page of some lines under a headline, in the layout of the digests; its head is red where it is an alarm."""
    return PAGE.format(
        language="zh-CN" if language == "zh" else "en",
        title=html.escape(title),
        headline=html.escape(headline),
        paragraphs="\n".join(PARAGRAPH.format(line=html.escape(line)) for line in lines),
        font=FONT,
        head=ALARM if alarm else CALM,
        table=TABLE,
    )
