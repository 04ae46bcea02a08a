"""Why a line is exposed, in one sentence for people: in English and in Chinese.

Owns: words. Deliberately lacks: any number or name that is not in the line's row already.
"""

from datetime import date
from typing import Final

from services.chain.flow import Basis
from services.order.line_view import Alert, OrderLineView, Tiers
from services.order.outlook import CauseKind

REFERENCE_SHOWN: Final = 4  # enough to tell the incidents of one page apart; the row has the whole

_WEEKDAYS_EN: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS_ZH: Final = "一二三四五六日"

_WHO_EN: Final = {
    Tiers.NONE: "your own side",
    Tiers.ONE: "the supplier",
    Tiers.TWO: "a supplier two tiers down",
    Tiers.MORE: "a supplier three or more tiers down",
}
_WHO_ZH: Final = {
    Tiers.NONE: "贵方",
    Tiers.ONE: "该供应商",
    Tiers.TWO: "第二级供应商",
    Tiers.MORE: "第三级或更远的供应商",
}
_WHY_EN: Final = {
    CauseKind.SUPPLY: "{who} is late",
    CauseKind.SHARED: "{who} serves another demand first",
    CauseKind.SHORT: "nobody has promised {who} enough",
    CauseKind.PLANNED: "the plan of {who} is too tight",
    CauseKind.TRANSPORT: "the delivery itself is late",
    CauseKind.LOOP: "orders wait for one another",
}
_WHY_ZH: Final = {
    CauseKind.SUPPLY: "{who}延误",
    CauseKind.SHARED: "{who}先满足其他需求",
    CauseKind.SHORT: "{who}尚未获得足够的供应承诺",
    CauseKind.PLANNED: "{who}的计划过紧",
    CauseKind.TRANSPORT: "本次交付延误",
    CauseKind.LOOP: "订单相互等待",
}


def sentence_en(line: OrderLineView) -> str:
    """What was promised, what is expected, and why, in English."""
    due, years = line.promised_on or line.requested_on, _years_differ(line)
    said = f"Line {line.line} of {line.number} from {line.partner}: "
    if due is not None:
        said += f"{'promised' if line.promised_on else 'requested'} {_day_en(due, years)}, "
    if line.alert is Alert.SHORT:
        said += "no date can be expected"
    elif line.overdue or line.expected_on is None:
        said += "overdue, and nobody has said when it comes"
    else:
        said += f"expected {_day_en(line.expected_on, years)}"
    if line.expected_basis is Basis.OUTDATED:
        said += " (as last known: the chain behind it has become too long to follow)"
    cause = line.cause
    if cause is None:
        return said
    origin = cause.origin
    who = _WHO_EN[cause.tiers] if origin is None else f"{origin.name} ({origin.item} from {origin.site})"
    why = _WHY_EN[cause.kind].format(who=who)
    return f"{said}, because {why} (ref {cause.reference[:REFERENCE_SHOWN]}…)"


def sentence_zh(line: OrderLineView) -> str:
    """The same in Chinese."""
    due, years = line.promised_on or line.requested_on, _years_differ(line)
    said = f"订单 {line.number} 第 {line.line} 行（供应商 {line.partner}）："
    if due is not None:
        said += f"{'承诺' if line.promised_on else '要求'} {_day_zh(due, years)}，"
    if line.alert is Alert.SHORT:
        said += "暂无可预期的日期"
    elif line.overdue or line.expected_on is None:
        said += "已逾期，尚无人告知到货日期"
    else:
        said += f"预计 {_day_zh(line.expected_on, years)}"
    if line.expected_basis is Basis.OUTDATED:
        said += "（以此前所知为准：其后的供应链过长，已无法推算）"
    cause = line.cause
    if cause is None:
        return said
    origin = cause.origin
    who = _WHO_ZH[cause.tiers] if origin is None else f"{origin.name}（{origin.site} 的 {origin.item}）"
    why = _WHY_ZH[cause.kind].format(who=who)
    return f"{said}，原因：{why}（参考号 {cause.reference[:REFERENCE_SHOWN]}…）"


def _years_differ(line: OrderLineView) -> bool:
    due = line.promised_on or line.requested_on
    return due is not None and line.expected_on is not None and due.year != line.expected_on.year


def _day_en(day: date, with_year: bool) -> str:
    said = f"{_WEEKDAYS_EN[day.weekday()]} {day.day} {_MONTHS_EN[day.month - 1]}"
    return f"{said} {day.year}" if with_year else said


def _day_zh(day: date, with_year: bool) -> str:
    said = f"{day.month}月{day.day}日（周{_WEEKDAYS_ZH[day.weekday()]}）"
    return f"{day.year}年{said}" if with_year else said
