"""What the demo says to people, in English and in Chinese.

Owns: the words, dates, durations and numbers. Deliberately lacks: layout (screen.py), and the sentences that say why a
line is late: the order service writes those.
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator

Code = Literal["en", "zh"]
CODES: Final = ("en", "zh")


def _said(given: object) -> object:
    """A plain text is the English one."""
    return given if isinstance(given, dict) else {"en": str(given)}


Text = Annotated[dict[Code, str], BeforeValidator(_said)]
"""In a scenario file: a text, or one per language."""

MINUTES_PER_DAY: Final = 1_440
_WEEKDAYS: Final = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Count(int):
    """A number that can say how many there are of something: ``f"{Count(1):day|days}"`` is "1 day"."""

    def __format__(self, words: str) -> str:
        """The number, and the word for one or for many behind it."""
        one, _, many = words.partition("|")
        return f"{int(self):,} {one if self == 1 else many}" if words else f"{int(self):,}"


@dataclass(frozen=True, slots=True)
class Lang:
    """One language."""

    code: Code = "en"

    def of(self, text: dict[Code, str]) -> str:
        """A text of a scenario in this language, or in the one that it has."""
        return text.get(self.code) or next(iter(text.values()), "")

    def __call__(self, key: str, **values: object) -> str:
        """A phrase by its key; where it says ``{n:day|days}``, a number comes with its word."""
        counted = {name: Count(value) if type(value) is int else value for name, value in values.items()}
        return PHRASES[key][CODES.index(self.code)].format(**counted)

    def day(self, day: datetime.date | None) -> str:
        """Fri 12 Mar, 3月12日周五, or a dash."""
        if day is None:
            return "–"
        weekday = _WEEKDAYS[self.code][day.weekday()]
        if self.code == "zh":
            return f"{day.month}月{day.day}日{weekday}"
        return f"{weekday} {day.day} {_MONTHS[day.month - 1]}"

    def late(self, minutes: int | None) -> str:
        """3 days late; None: no date to expect; 0: on time."""
        if minutes is None:
            return self("no_date")
        return self("late", span=self.span(minutes)) if minutes else self("on_time")

    def span(self, minutes: int) -> str:
        """3 days, or 2 days 5 h, or 5 h 20 min."""
        days, rest = divmod(minutes, MINUTES_PER_DAY)
        hours, left = divmod(rest, 60)
        parts = [self("days", n=days)] if days else []
        parts += [self("hours", n=hours)] if hours else []
        if not days and (left or not hours):
            parts.append(self("minutes", n=left))
        return " ".join(parts)


def number(amount: Decimal) -> str:
    """11,520 or 0.5."""
    whole = amount.to_integral_value()
    return f"{whole:,f}" if whole == amount else f"{amount.normalize():,f}"


PHRASES: Final[dict[str, tuple[str, str]]] = {
    "days": ("{n:day|days}", "{n} 天"),
    "hours": ("{n} h", "{n} 小时"),
    "minutes": ("{n} min", "{n} 分钟"),
    "late": ("{span} late", "晚 {span}"),
    "on_time": ("on time", "准时"),
    "no_date": ("no date", "无日期"),
    # Setting up
    "set_kafka": ("Kafka on {at}", "Kafka 位于 {at}"),
    "set_topics": ("{n:topic|topics} from the catalogue", "按目录建立 {n} 个主题"),
    "set_services": ("services {names}", "服务 {names}"),
    "set_firms": ("{n:enterprise|enterprises}: {names}", "{n} 家企业：{names}"),
    "set_master": (
        "{sites:site|sites}, {items:item|items}, {lanes:lane|lanes}",
        "{sites} 个地点，{items} 种物料，{lanes} 条运输线",
    ),
    "set_agreements": (
        "{n:agreement|agreements}, proposed by the buyer and accepted by the seller",
        "{n} 份协议，由买方提出、卖方接受",
    ),
    "set_stock": ("{n:pool|pools} counted", "盘点 {n} 处库存"),
    "set_orders": ("{n:order|orders} placed and confirmed", "{n} 张订单已下达并确认"),
    "set_work": ("{n:work order|work orders} planned, with what is used", "{n} 张工单已排产，并列明用料"),
    # The chain
    "days_title": ("What happens, day by day", "逐日经过"),
    "the_chain": ("{who} and all that its orders wait for", "{who}及其订单所等待的一切"),
    "col_what": ("", ""),
    "col_from": ("from", "供应商"),
    "col_promised": ("promised", "承诺"),
    "col_expected": ("expected", "预计"),
    "slack": (", {span} slack", "，余量 {span}"),
    "own_work": ("own plant", "自有工厂"),
    "struck": ("{who} reports: {text}. {site} stands still for {span}.", "{who}报告：{text}。{site} 停产 {span}。"),
    "struck_work": ("One report; it holds up {numbers}.", "仅一份报告，牵动 {numbers}。"),
    "and": (" and ", " 和 "),
    "repaired": ("{who} reports: {text}.", "{who}报告：{text}。"),
    "well_again": ("all is well again", "一切恢复正常"),
    "leader_sees": ("What {who} sees", "{who}看到的"),
    "incident": (
        "One incident (ref {ref}…): {lines:late line|late lines}, {days:day|days}, {worst} the worst.",
        "一个事件（参考号 {ref}…）：{lines} 行延误，合计 {days} 天，最严重的是 {worst}。",
    ),
    "ways": ("It came by {ways:path|paths}.", "经 {ways} 条路径传来。"),
    "took": (
        "from the report to the first row that changed {first} ms, to the last {all} ms",
        "从报告到第一行变化 {first} 毫秒，到最后一行 {all} 毫秒",
    ),
    "took_none": (
        "No row of {who} changes: all of it is absorbed on the way.",
        "{who}没有任何一行变化：延误在途中已被吸收。",
    ),
    "between_see": ("What the firms in between see", "中间企业看到的"),
    "between_note": (
        "Their own lines only; of the cause its kind and distance, no name beyond the neighbour.",
        "只看到自己的订单行；原因只有类别和层级，看不到相邻企业以外的名称。",
    ),
    "buys": ("buys", "采购"),
    "sells": ("sells", "销售"),
    "col_firm": ("firm", "企业"),
    "col_line": ("line", "订单行"),
    "col_late": ("is", "状态"),
    "col_told": ("told why", "告知的原因"),
    "kind_supply": ("supply", "供应延误"),
    "kind_shared": ("another first", "他人优先"),
    "kind_short": ("short", "短缺"),
    "kind_planned": ("plan too tight", "计划过紧"),
    "kind_transport": ("delivery", "运输延误"),
    "kind_loop": ("loop", "循环等待"),
    "tiers_0": ("own side", "本方"),
    "tiers_1": ("1 tier down", "下一级"),
    "tiers_2": ("2 tiers down", "下两级"),
    "tiers_more": ("3+ tiers down", "下三级或更远"),
    "absorbed": ("Where the delay went", "延误的去向"),
    "col_in": ("bought", "采购"),
    "col_made": ("made", "生产"),
    "col_out": ("sold", "销售"),
    "col_absorbed": ("absorbed", "吸收"),
    # Compared
    "compare_title": ("When {who} knows", "{who}何时得知"),
    "col_way": ("the news goes", "消息的传递方式"),
    "col_known": ("known on", "得知时间"),
    "col_after": ("after", "经过"),
    "way_phone": ("by phone, firm by firm", "逐家电话通知"),
    "way_plans": ("by planning runs at night", "每夜的计划运算"),
    "way_here": ("here, measured", "本系统（实测）"),
    "compare_note": (
        "Assumed: {hops:firm passes|firms pass} it on; each phones at {phone} of its next working day, or plans every "
        "night at {plan} and sends what changed.",
        "假设：消息经 {hops} 家企业传递；各家在下一个工作日 {phone} 打电话，或每夜 {plan} 运算后发出变化。",
    ),
    # Goods and dates
    "places": (
        "{who} orders {what} from {seller} for {day} (order {number})",
        "{who}向{seller}订购 {what}，交期 {day}（订单 {number}）",
    ),
    "confirms": ("{who} confirms {number} for {day}: {stock}", "{who}确认订单 {number}，交期 {day}：{stock}"),
    "from_stock": ("{n} reserved from stock", "已从库存预留 {n}"),
    "partly": ("{n} reserved, {m} still lacking", "已预留 {n}，尚缺 {m}"),
    "ships": ("{who} ships {what} to {to}, expected {day}", "{who}向{to}发运 {what}，预计 {day}"),
    "receives": ("{who} receives {what}, {when}", "{who}收到 {what}，{when}"),
    "receives_have": ("{who} receives {what}, {when}; {n} on hand now", "{who}收到 {what}，{when}；现有库存 {n}"),
    "makes": ("{who} makes {what}", "{who}生产 {what}"),
    "makes_of": ("{who} makes {what} of {used}", "{who}用 {used}生产 {what}"),
    "slips": ("{who} reports: {number} arrives {day} – {text}", "{who}报告：订单 {number} 将于 {day} 到货 – {text}"),
    "took_slip": (
        "from the report to {who}'s view that shows it {ms} ms",
        "从报告到{who}的视图显示 {ms} 毫秒",
    ),
    "CONFIRMATION": ("to be confirmed", "待确认"),
    "STOCK": ("awaits stock", "等待库存"),
    "SHIPMENT": ("to be shipped", "待发运"),
    "RECEIPT": ("on its way", "运输中"),
    "NOTHING": ("done", "已完成"),
    # The burst
    "burst_title": ("A crash in the middle", "中途崩溃"),
    "burst": (
        "{n} orders of {amount} {what} each, all at once; {service} is killed on the way.",
        "同时下达 {n} 张订单，每张 {amount} {what}；途中强制终止 {service}。",
    ),
    "burst_took": (
        "{n:command|commands} in {seconds} s with the crash in it, {again} sent more than once",
        "含崩溃在内 {n} 条命令用时 {seconds} 秒，其中 {again} 条重发",
    ),
    "killed_text": (
        "{service}, kill -9 of pid {pid}; pid {new} serves again after {seconds} s",
        "{service}，kill -9 进程 {pid}；进程 {new} 于 {seconds} 秒后恢复服务",
    ),
    "killed_text_short": ("one process of {service}, in the middle of it", "途中终止了 {service} 的一个进程"),
    "not_killed": ("{service} was never killed: too few orders", "{service} 未被终止：订单过少"),
    "outcomes_text": (
        "{n} of {all:command|commands}, {refused} refused",
        "{all} 条命令中 {n} 条有结果，{refused} 条被拒",
    ),
    "of_orders": ("{n} of {all:order|orders}", "{all} 张订单中 {n} 张"),
    "repeated_text": (
        "all {all} sent again under the same keys: {n:other answer|other answers}",
        "全部 {all} 条以相同键重发：{n} 条答复不同",
    ),
    "stock_even": (
        "{before} before = {after} after + {shipped} shipped",
        "原有 {before} = 现有 {after} + 发出 {shipped}",
    ),
    "stock_odd": (
        "{before} before is not {after} after + {shipped} shipped",
        "原有 {before} ≠ 现有 {after} + 发出 {shipped}",
    ),
    # Checks
    "checks_title": ("What was checked", "检验结果"),
    "as_planned": ("planned", "计划"),
    "disrupted": ("disrupted", "中断"),
    "repaired_check": ("repaired", "恢复"),
    "one_incident": ("incident", "事件"),
    "discreet": ("discreet", "保密"),
    "recovered": ("recovered", "消除"),
    "killed": ("killed", "终止"),
    "outcomes": ("outcomes", "结果"),
    "lost": ("lost", "丢失"),
    "twice": ("twice", "重复"),
    "repeated": ("repeated", "重发"),
    "stock": ("stock", "库存"),
    "check_model": (
        "{n:row|rows} of {firms:firm|firms} as the chain model computes them from the file",
        "{firms} 家企业共 {n} 行，与链模型由文件算得的一致",
    ),
    "not_followed": (
        "Goods or dates have moved by hand before, so the file alone does not say what dates to expect: not compared.",
        "此前已有人工变动，仅凭文件无法算出日期，未作对比。",
    ),
    "check_incident": (
        "{n:incident|incidents} at the leader, with {lines:line|lines}",
        "领头企业处 {n} 个事件，{lines} 行",
    ),
    "check_leaks": (
        "{n:row|rows} searched: no view names a firm beyond its partners",
        "已检索 {n} 行：没有任何视图出现伙伴以外的企业名称",
    ),
    "check_recovered": (
        "{n:late row|late rows} at the leader, {before} before it all",
        "领头企业处 {n} 行延误，事发之前 {before} 行",
    ),
    # The end
    "next_title": ("What to try next", "接下来可以试试"),
    "no_terminal": (
        "(this run has no terminal, so it ends here; `make demo` on a terminal, or `make up`, stays)",
        "（本次运行没有终端，到此结束；在终端中运行 `make demo` 或 `make up` 会保持运行）",
    ),
    "every_command": ("every command and view:", "全部命令与视图："),
    "own_scenario": (
        "your own chain: chainflow demo --scenario FILE   (docs/how-to/demo.md)",
        "自己的供应链：chainflow demo --scenario 文件   （docs/how-to/demo.md）",
    ),
    "own_lines": (
        "your own order lines: chainflow replay FILE --map MAPPING   (docs/how-to/replay.md)",
        "自己的订单行：chainflow replay 文件 --map 映射   （docs/how-to/replay.md）",
    ),
    "all_hold": ("demo: all checks hold; {seconds} s", "演示：全部检验通过；{seconds} 秒"),
    "not_all_hold": ("demo: A CHECK DID NOT HOLD, see above; {seconds} s", "演示：有检验未通过，见上文；{seconds} 秒"),
    "stays": (
        "It goes on running. Ctrl-C ends it, and throws its data away.",
        "演示继续运行。按 Ctrl-C 结束并清除数据。",
    ),
}
