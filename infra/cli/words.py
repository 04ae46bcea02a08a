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


@dataclass(frozen=True, slots=True)
class Lang:
    """One language."""

    code: Code = "en"

    def of(self, text: dict[Code, str]) -> str:
        """A text of a scenario in this language, or in the one that it has."""
        return text.get(self.code) or next(iter(text.values()), "")

    def __call__(self, key: str, **values: object) -> str:
        """A phrase by its key."""
        return PHRASES[key][CODES.index(self.code)].format(**values)

    def day(self, day: datetime.date | None) -> str:
        """Fri 12 Mar, or a dash."""
        if day is None:
            return "–"
        weekday = _WEEKDAYS[self.code][day.weekday()]
        if self.code == "zh":
            return f"{day.month}月{day.day}日 {weekday}"
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
        parts = [self("days" if days != 1 else "day", n=days)] if days else []
        parts += [self("hours", n=hours)] if hours else []
        if not days and (left or not hours):
            parts.append(self("minutes", n=left))
        return " ".join(parts)


def number(amount: Decimal) -> str:
    """11,520 or 0.5."""
    whole = amount.to_integral_value()
    return f"{whole:,f}" if whole == amount else f"{amount.normalize():,f}"


PHRASES: Final[dict[str, tuple[str, str]]] = {
    "day": ("{n} day", "{n} 天"),
    "days": ("{n} days", "{n} 天"),
    "hours": ("{n} h", "{n} 小时"),
    "minutes": ("{n} min", "{n} 分钟"),
    "late": ("{span} late", "晚 {span}"),
    "on_time": ("on time", "准时"),
    "no_date": ("no date", "无日期"),
    # Setting up
    "set_kafka": ("Kafka on {at}", "Kafka 位于 {at}"),
    "set_topics": ("{n} topics from the catalogue", "按目录建立 {n} 个主题"),
    "set_services": ("services {names}", "服务 {names}"),
    "set_firms": ("{n} enterprises: {names}", "{n} 家企业：{names}"),
    "set_master": ("{sites} sites, {items} items, {lanes} lanes", "{sites} 个地点，{items} 种物料，{lanes} 条运输线"),
    "set_agreements": (
        "{n} agreements, proposed by the buyer and accepted by the seller",
        "{n} 份协议，由买方提出、卖方接受",
    ),
    "set_stock": ("{n} pools counted", "盘点 {n} 处库存"),
    "set_orders": ("{n} orders placed and confirmed", "{n} 张订单已下达并确认"),
    "set_work": ("{n} work orders planned, with what they use", "{n} 张工单已排产，并列明用料"),
    # The chain
    "days_title": ("What happens, day by day", "逐日经过"),
    "the_chain": ("{who} and all that its orders wait for", "{who}及其订单所等待的一切"),
    "col_what": ("", ""),
    "col_from": ("from", "供应商"),
    "col_promised": ("promised", "承诺"),
    "col_expected": ("expected", "预计"),
    "own_work": ("own plant", "自有工厂"),
    "struck": ("{who} reports: {text}.", "{who}报告：{text}。"),
    "struck_work": ("{numbers} will be done {span} later than planned.", "{numbers} 将比计划晚 {span}完成。"),
    "repaired": ("{who} reports: {text}.", "{who}报告：{text}。"),
    "leader_sees": ("What {who} sees", "{who}看到的"),
    "incident": (
        "One incident (ref {ref}…): {lines} late lines, {days} days, {worst} the worst. It came by {ways} paths.",
        "一个事件（参考号 {ref}…）：{lines} 行延误，合计 {days} 天，最严重的是 {worst}；经 {ways} 条路径传来。",
    ),
    "took": (
        "from the report to the first red row {first} ms, to the last {all} ms",
        "从报告到第一行变红 {first} 毫秒，到最后一行 {all} 毫秒",
    ),
    "took_green": (
        "from the report to the first row's change {first} ms, to all of the leader's green {all} ms",
        "从报告到第一行变化 {first} 毫秒，到全部变绿 {all} 毫秒",
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
    "tiers_more": ("3 or more tiers down", "下三级或更远"),
    "absorbed": ("Where the delay went", "延误的去向"),
    "col_in": ("bought", "采购"),
    "col_made": ("made", "生产"),
    "col_out": ("sold", "销售"),
    "col_absorbed": ("absorbed here", "在此吸收"),
    # Compared
    "compare_title": ("When {who} knows", "{who}何时得知"),
    "col_way": ("the news goes", "消息的传递方式"),
    "col_known": ("known on", "得知时间"),
    "col_after": ("after", "经过"),
    "way_phone": ("by phone, firm by firm", "逐家电话通知"),
    "way_plans": ("by planning runs at night", "每夜的计划运算"),
    "way_here": ("here, measured", "本系统（实测）"),
    "compare_note": (
        "Assumed: {hops} firms pass it on; each phones at {phone} of its next working day, or plans every night at "
        "{plan} and sends what changed.",
        "假设：消息经 {hops} 家企业传递；各家在下一个工作日 {phone} 打电话，或每夜 {plan} 运算后发出变化。",
    ),
    # Checks
    "check_model": (
        "{n} rows of all firms are what the chain model computes from the file",
        "各企业共 {n} 行，与链模型由文件算得的一致",
    ),
    "not_followed": (
        "Goods or dates have moved by hand before, so the file alone does not say what dates to expect: not compared.",
        "此前已有人工变动，仅凭文件无法算出日期，未作对比。",
    ),
    "check_incident": ("{n} incident at the leader, {lines} lines", "领头企业处 {n} 个事件，{lines} 行"),
    "check_leaks": (
        "{n} rows searched: nobody's views name a firm beyond its partners",
        "已检索 {n} 行：没有任何视图出现伙伴以外的企业名称",
    ),
    "check_recovered": ("{n} incidents are left", "剩余 {n} 个事件"),
}
