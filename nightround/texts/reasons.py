"""Why a rule was not judged, or a night did not come to its end, in the language of whoever reads it.

Reasons are made, stored and logged in English, where they arise. Here each has its Chinese. A `{name}` stands
for what changes; what it stands for is put into Chinese as well where it is itself a reason.
"""

from __future__ import annotations

import re
from functools import cache

from nightround.model.language import Language

WITH_MORE = {
    "{why}; not accepted yet": "{why}；该变更尚未确认",
    "{what} (character {place} of its logic)": "{what}（其逻辑的第 {place} 个字符）",
}
"""What is put behind another reason."""

OUTCOMES = {
    "the instrument has no row in this snapshot": "本次快照中该表单没有任何数据行",
    "no row is in the rule's scope": "没有数据行属于该规则的适用范围",
    "in all {rows} rows of its scope a needed field is blank": "适用范围内的全部 {rows} 行均有必需字段为空",
    "there is no column {column}": "没有 {column} 这一列",
    "{error} while the rule was evaluated": "判定该规则时发生程序错误（{error}）",
    "the modifier :{modifier} changes how a value is shown: {column}": "修饰符 :{modifier} 只改变显示方式：{column}",
    "the project has no field for {column}": "项目中没有 {column} 对应的字段",
    "the project has no event {event}": "项目中没有事件 {event}",
    "the project has no instrument {instrument}": "项目中没有表单 {instrument}",
    "nobody is logged in at night, so {name} has no value": "夜间核查时无人登录，{name} 没有值",
    "no page is open at night, so {name} has no value": "夜间核查时没有打开的页面，{name} 没有值",
    "the project has no events, so {name} has no value": "该项目不分事件，{name} 没有值",
    "REDCap's export does not say what {name} is": "REDCap 的导出数据不含 {name} 的值",
}
"""What the judge says of a rule."""

STRUCTURE = {
    "the token's user has {right} on {instrument}": "令牌所属用户对表单 {instrument} {right}",
    "no export right": "没有导出权限",
    "de-identified export only": "仅有去标识导出权限",
    "export without identifiers only": "仅可导出不含标识信息的数据",
    "export level {level}": "的导出权限级别为 {level}",
    "event {name} was removed": "事件 {name} 已被删除",
    "field {name} was removed": "字段 {name} 已被删除",
    "instrument {name} was removed": "表单 {name} 已被删除",
    "field {name}: {what}": "字段 {name}：{what}",
    "data access group {name} was removed": "数据访问组 {name} 已被删除",
    "data access group {name}: {what}": "数据访问组 {name}：{what}",
    "instrument {name} is no longer in event {event}": "表单 {name} 不再属于事件 {event}",
    "instrument {name} repeats in another way in event {event}": "表单 {name} 在事件 {event} 中的重复方式已改变",
    "is no longer in event {event}": "不再属于事件 {event}",
    "repeats in another way in event {event}": "在事件 {event} 中的重复方式已改变",
    "its {attribute} changed from {old} to {new}": "{attribute}由 {old} 变为 {new}",
    "its choice {code} was removed": "选项 {code} 已被删除",
    "its choice {code} was {old} and is {new}": "选项 {code} 由 {old} 变为 {new}",
    "type": "字段类型",
    "instrument": "所属表单",
    "validation": "验证类型",
    "calculation": "计算公式",
    "unique name": "唯一名称",
    "label": "名称",
    "number": "编号",
}
"""What stops a rule because the project's structure, or the user's rights, are others than before."""

LOGIC = {
    "The project has no {kind} {name}.": "项目中没有{kind} {name}。",
    "field": "字段",
    "event": "事件",
    "The bound is no field.": "界值不是字段。",
    "The bound is no {kind}.": "界值不是{kind}。",
    "number": "数值",
    "date": "日期",
    "time": "时间",
    "It refers to no field of the project.": "该规则没有引用项目中的任何字段。",
    "A rule of whole rows has no instrument, so {name} has no value.": (
        "针对整行的规则不属于任何表单，{name} 没有值。"
    ),
    "The column {name} is missing.": "缺少列 {name}。",
    "The logic is empty.": "逻辑为空。",
    "The logic cannot be read.": "逻辑无法解析。",
    "The stored logic cannot be read.": "已保存的逻辑无法解析。",
    "The logic ends too early.": "逻辑不完整。",
    "The logic is nested more than {depth} levels deep.": "逻辑嵌套超过 {depth} 层。",
    "The number is too large.": "数字过大。",
    "The modifier :{modifier} cannot be used inside a function.": "函数内不能使用修饰符 :{modifier}。",
    "{word} without quotes means nothing to {function}().": "函数 {function}() 不能使用不加引号的 {word}。",
    "calcdate() is no function.": "calcdate() 不是函数。",
    "The function {function}() is not known.": "没有名为 {function}() 的函数。",
    "{function}() has {count} argument.": "函数 {function}() 的参数个数（{count}）不对。",
    "{function}() has {count} arguments.": "函数 {function}() 的参数个数（{count}）不对。",
    "The action tag cannot be read.": "操作标签无法解析。",
    "A parenthesis behind an action tag is not closed.": "操作标签后的括号没有闭合。",
    "@{tag} cannot be read.": "@{tag} 无法解析。",
    "[new-instance] has no value.": "[new-instance] 没有值。",
    "Too many brackets in a row.": "连续的方括号过多。",
    "[{name}] is not an event.": "[{name}] 不是事件。",
    "[{name}] is not a field name.": "[{name}] 不是字段名。",
    "[{name}] is no smart variable that can be evaluated.": "[{name}] 不是可以求值的智能变量。",
    "[{name}] cannot be combined with other brackets here.": "[{name}] 在此处不能与其他方括号连用。",
    "[{name}] cannot be read.": "[{name}] 无法解析。",
    "A text with both kinds of quotes cannot be written.": "同时含有单引号和双引号的文本无法写出。",
    "A text is not closed.": "文本的引号没有闭合。",
    "A bracket is not closed.": "方括号没有闭合。",
    "A bracket closes that was never opened.": "方括号没有对应的左括号。",
    "& is no operator.": "& 不是运算符。",
    "| is no operator.": "| 不是运算符。",
    "! is no operator.": "! 不是运算符。",
    "% is no operator.": "% 不是运算符。",
    "{operator} is no operator.": "{operator} 不是运算符。",
    "; does not separate arguments.": "分号不能分隔参数。",
    "The sign {sign} is not part of logic.": "逻辑中不能使用符号 {sign}。",
    "The character {sign} is not part of logic.": "逻辑中不能使用字符 {sign}。",
    "An HTML entity stands here.": "此处是 HTML 实体。",
    "A curly quotation mark stands here.": "此处是弯引号。",
    "The full-width {sign} stands here.": "此处是全角字符 {sign}。",
    "{word} stands without quotes.": "{word} 没有加引号。",
    "{word} stands without brackets or quotes.": "{word} 既没有加方括号也没有加引号。",
    "A parenthesis is not closed.": "圆括号没有闭合。",
    "A parenthesis closes that was never opened.": "圆括号没有对应的左括号。",
    "Something is missing in front of the parenthesis.": "圆括号之前缺少内容。",
    "A comma stands outside a function.": "逗号出现在函数之外。",
    "An argument is missing.": "缺少参数。",
    "An operator is missing.": "缺少运算符。",
    "Comparisons cannot be chained.": "比较不能连写。",
    "Powers cannot be chained.": "乘方不能连写。",
    "Something is missing in front of {sign}.": "{sign} 之前缺少内容。",
    "{word} cannot stand here.": "{word} 不能出现在此处。",
}
"""What is wrong with a piece of logic."""

NIGHT = {
    "REDCap answered with an empty body.": "REDCap 返回了空内容。",
    "REDCap's answer is no complete JSON or CSV document.": "REDCap 返回的不是完整的 JSON 或 CSV。",
    "REDCap did not answer at {url} ({error}).": "REDCap 没有应答：{url}（{error}）。",
    "REDCap did not answer.": "REDCap 没有应答。",
    "REDCap answered with status {status}.": "REDCap 返回状态 {status}。",
    "REDCap's address sent us on to another page.": "REDCap 的地址转到了另一个页面。",
    "A web page came in place of data (status {status}).": "收到的是网页而不是数据（状态 {status}）。",
    "There is no REDCap API at this address (status {status}).": "该地址没有 REDCap API（状态 {status}）。",
    "REDCap did not accept the call (status {status}): {message}": "REDCap 没有接受请求（状态 {status}）：{message}",
    "REDCap ran out of memory for this call.": "REDCap 处理该请求时内存不足。",
    "A web page with status {status} came in place of data.": "收到的是网页而不是数据（状态 {status}）。",
    "REDCap refused the call: {message}": "REDCap 拒绝了请求：{message}",
    "REDCap did not take the import: {places}": "REDCap 没有接受导入：{places}",
    "The address of the REDCap API does not end in /api/.": "REDCap API 地址没有以 /api/ 结尾。",
    "REDCap did not say how many records it took.": "REDCap 没有说明接受了多少条记录。",
    "REDCap answered with something that is not a list of rows.": "REDCap 返回的不是数据行。",
    "REDCap gave rows without a record id.": "REDCap 返回的数据行没有记录编号。",
    "REDCap was asked for {asked} records and gave {others} others.": (
        "向 REDCap 请求 {asked} 条记录，却返回了另外 {others} 条。"
    ),
    "{count} records were still changing at the last look.": "最后一次检查时仍有 {count} 条记录在变化。",
    "REDCap was asked for {there} records and gave {given}; {missing} are missing.": (
        "向 REDCap 请求 {there} 条记录，返回 {given} 条，缺少 {missing} 条。"
    ),
    "The project's structure or the user's rights changed while the pull ran.": (
        "下载期间项目结构或用户权限发生了变化。"
    ),
    "REDCap shows {found} records; the last good snapshot has {before}.": (
        "REDCap 现有 {found} 条记录，而最近一次有效快照有 {before} 条。"
    ),
    "The export lacks {count} columns, the first of them {name}.": "导出数据缺少 {count} 列，其中第一列为 {name}。",
    "The export has {count} columns that the data dictionary lacks, the first of them {name}.": (
        "导出数据有 {count} 列不在数据字典中，其中第一列为 {name}。"
    ),
    "REDCap gave the same row of a record twice.": "REDCap 把同一条记录的同一行返回了两次。",
    "The project's structure does not hang together: nothing is known of {name}.": (
        "项目结构前后不一致：没有关于 {name} 的任何信息。"
    ),
    "The export lacks the column of data access groups.": "导出数据缺少数据访问组一列。",
    "The export has a column of data access groups where none was due.": "导出数据含有本不应出现的数据访问组一列。",
    "The export names a data access group that the project does not have.": "导出数据中有项目所没有的数据访问组。",
    "The server's log cannot be relied on: its clock went back or lines were removed while the pull ran.": (
        "服务器日志不可靠：下载期间其时钟回拨，或有日志被删除。"
    ),
    "There is no API token.": "没有 API 令牌。",
    "The system's keyring cannot be read ({trouble}).": "无法读取系统密钥环（{trouble}）。",
    "The token file {file} cannot be read ({error}).": "无法读取令牌文件 {file}（{error}）。",
    "The API token has {count} characters, not {length}.": "API 令牌有 {count} 个字符，应为 {length} 个。",
    "REDCap gave a data dictionary without a single field.": "REDCap 返回的数据字典没有任何字段。",
    "A file of the snapshots cannot be written ({error}).": "快照文件无法写入（{error}）。",
    "The key of the snapshots cannot be used.": "快照的密钥无法使用。",
    "A file of the snapshots cannot be opened.": "快照文件无法打开。",
    "The snapshot {name} is not what its name says.": "快照 {name} 的内容与其名称不符。",
    "There is no one snapshot {name}.": "没有唯一对应 {name} 的快照。",
    "The snapshot file {name} cannot be read ({error}).": "无法读取快照文件 {name}（{error}）。",
    "There is no address of a REDCap API.": "没有设置 REDCap API 地址。",
    "Another run of this study is under way in {folder}.": "本研究的另一次运行正在进行（{folder}）。",
    "The disk takes nothing more ({name}).": "磁盘无法继续写入（{name}）。",
    "There is no snapshot of this study yet.": "本研究还没有快照。",
    "The study has no analysis plan, so there is no report.": "本研究没有统计分析计划，因此没有报告。",
    "The report is not made: {count} of its variables cannot be reported; the first: {why}.": (
        "未生成报告：有 {count} 个变量无法报告，其中第一个：{why}。"
    ),
    "Records of the last snapshot are gone, and REDCap's log tells of no deletion: {records}.": (
        "上一快照中有 {records} 条记录已不在项目中，而 REDCap 日志中没有相应的删除记录。"
    ),
}
"""Why a night did not come to its end."""

REMEDIES = {
    "make room for the data folder, then run again; findings and the last good snapshot still stand": (
        "请为数据文件夹腾出空间后重新运行；已有问题和最近一次有效快照不受影响。"
    ),
    "make room, or give the folder to the user who runs Nightround; the last good snapshot still stands": (
        "请腾出磁盘空间，或将该文件夹的权限交给运行 Nightround 的用户；最近一次有效快照不受影响。"
    ),
    "run again; if it stays, compare the project's Codebook with an export of all fields": (
        "请重新运行；若仍如此，请将项目的 Codebook 与全部字段的导出数据相比较。"
    ),
    "run again; if it stays, look at the record with the most instances in REDCap's own export": (
        "请重新运行；若仍如此，请在 REDCap 自己的导出数据中查看重复次数最多的记录。"
    ),
    "run again; if it stays, open the project's Codebook and its events in REDCap with the same user": (
        "请重新运行；若仍如此，请用同一用户在 REDCap 中打开项目的 Codebook 和事件。"
    ),
    "run again; if it stays, set a smaller batch_records in study.toml": (
        "请重新运行；若仍如此，请在 study.toml 中减小 batch_records。"
    ),
    "open the address in a browser on this machine; check REDCAP_URL, the proxy and timeout_seconds": (
        "请在本机浏览器中打开该地址，并检查 REDCAP_URL、代理与 timeout_seconds。"
    ),
    "nothing was lost; the run tries again, else start it later": "数据没有丢失；程序会重试，否则请稍后再运行。",
    "check that REDCAP_URL ends in /api/ and that the API is exempt from single sign-on": (
        "请确认 REDCAP_URL 以 /api/ 结尾，且 API 不需要单点登录。"
    ),
    "compare the project's Codebook with the study folder, then run again": (
        "请对照项目的 Codebook 与研究文件夹，然后重新运行。"
    ),
    "set a smaller batch_records in study.toml": "请在 study.toml 中减小 batch_records。",
    "set a smaller batch_records in study.toml, then run again": (
        "请在 study.toml 中减小 batch_records，然后重新运行。"
    ),
    "ask the REDCap administrator to lift the ban or open the API; lower requests_per_minute": (
        "请联系 REDCap 管理员解除封禁或开放 API，并调低 requests_per_minute。"
    ),
    "check the token and the user's API, export and logging rights in REDCap's User Rights": (
        "请在 REDCap 的用户权限中检查令牌及该用户的 API、导出与日志权限。"
    ),
    "nothing was written; mend the values and import again": "没有写入任何数据；请更正后重新导入。",
    "give the address shown on the project's API Playground, such as {url}": (
        "请填写项目 API Playground 页面显示的地址，例如 {url}"
    ),
    "look at the project's Logging page for what was written before trying again": (
        "重试之前，请在项目的 Logging 页面查看已写入的内容。"
    ),
    "open the address in a browser and check REDCAP_URL": "请在浏览器中打开该地址，并检查 REDCAP_URL。",
    "give the user full export rights on the first instrument, then run again": (
        "请授予该用户首个表单的完整导出权限，然后重新运行。"
    ),
    "run again at a quieter hour": "请在录入较少的时段重新运行。",
    "run again when the change is finished": "请在变更完成后重新运行。",
    "if the records were really deleted, raise largest_loss_percent in study.toml for one run": (
        "若记录确已删除，请在 study.toml 中为一次运行调高 largest_loss_percent。"
    ),
    "give the user full export rights on every instrument in REDCap's User Rights; then run again": (
        "请在 REDCap 的用户权限中授予该用户所有表单的完整导出权限，然后重新运行。"
    ),
    "run again; if it stays, compare the project's Data Access Groups page with what the user may see": (
        "请重新运行；若仍如此，请将项目的数据访问组页面与该用户可见的内容相比较。"
    ),
    "run again; if it stays, ask the REDCap administrator about the server's clock": (
        "请重新运行；若仍如此，请向 REDCap 管理员询问服务器时钟。"
    ),
    "write the token, and nothing else, to a file of your own: chmod 600 {file}": (
        "请将令牌（且只有令牌）写入您自己的文件，并执行 chmod 600 {file}"
    ),
    "set {variable}, or write the token to a file only you can read and name it in study.toml": (
        "请设置 {variable}，或将令牌写入仅本人可读的文件并在 study.toml 中指明。"
    ),
    "give the token in the environment or in a file instead": "请改用环境变量或文件提供令牌。",
    "copy the token again from the project's API page in REDCap": "请从 REDCap 项目的 API 页面重新复制令牌。",
    "open the project's Codebook in REDCap with the same user; if it shows fields, run again": (
        "请以同一用户在 REDCap 中打开项目的 Codebook；若能看到字段，请重新运行。"
    ),
    "make one with: {command}": "可用此命令生成：{command}",
    "give the key it was sealed with, restore the folder from a backup, or pull again into a new folder": (
        "请提供加密时所用的密钥，或从备份恢复该文件夹，或下载到新的文件夹。"
    ),
    "restore the folder from a backup, or pull again": "请从备份恢复该文件夹，或重新下载。",
    "see which there are: {command}": "可用此命令查看现有快照：{command}",
    "set {variable} to the address on the project's API page; it ends in /api/": (
        "请将 {variable} 设为项目 API 页面上的地址，该地址以 /api/ 结尾。"
    ),
    "wait for it to end; its progress stands in the log": "请等待其结束；进度见日志。",
    "pull first: {command}": "请先下载数据：{command}",
    "write one; {file} shows the form": "请编写一份，格式见 {file}。",
    "give the right in REDCap, or accept the change: {command}": "请在 REDCap 中授予权限，或确认该变更：{command}",
    "If they were deleted on purpose, nothing is to be done: the next night closes what was found in them.": (
        "若确系有意删除，则无需处理：下一夜将关闭这些记录中的问题。"
    ),
    "mend the logic at the caret": "请更正所标出位置的逻辑。",
}
"""What to do about it."""

_NEXT_PART = re.compile(r", (?=its |is no longer in |repeats in another way )")


def reason_in(reason: str, language: Language) -> str:
    """A reason in one language; what is not known, such as a message of the server, stays as it is."""
    return _in_chinese(reason) if language == "zh" else reason


@cache
def _in_chinese(reason: str) -> str:
    parts = _NEXT_PART.split(reason)
    if len(parts) > 1:
        return "，".join(map(_in_chinese, parts))
    for pattern, chinese in _patterns():
        found = pattern.fullmatch(reason)
        if found:
            return chinese.format(**{name: _in_chinese(text) for name, text in found.groupdict().items()})
    return reason


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    every = {**OUTCOMES, **STRUCTURE, **LOGIC, **NIGHT, **REMEDIES}
    # The more is said plainly, the surer the pattern is meant.
    surest = sorted(every.items(), key=lambda pair: len(re.sub(r"\{\w+\}", "", pair[0])), reverse=True)
    pairs = (*WITH_MORE.items(), *surest)
    return tuple((re.compile(_as_pattern(english), re.DOTALL), chinese) for english, chinese in pairs)


def _as_pattern(english: str) -> str:
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(english))
