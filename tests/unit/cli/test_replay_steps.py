"""What a replay sends, and in which order: pure parts, no services."""

import datetime
import itertools
from decimal import Decimal

from infra.cli.mapping import OrderLine
from infra.cli.replay import (
    BATCH_COMMANDS_MAX,
    COMMAND_LINES_MAX,
    WINDOW_DAYS_MAX,
    adding,
    batches,
    command,
    confirming,
    orders_of,
    placing,
    planning,
    receiving,
    shipments_of,
    shipping,
    windows,
)


def line(
    number: str, *, order: str = "1", seller: str = "s", shipment: str = "a", placed: int = 1, came: int = 20
) -> OrderLine:
    """A line, with days counted from the first of January 2026."""
    first = datetime.date(2025, 12, 31)

    def day(count: int) -> datetime.date:
        return first + datetime.timedelta(days=count)

    return OrderLine(
        2, "b", seller, order, number, "bolt", "bolt", Decimal(5), "C62", "x", "y", day(placed), day(came),
        day(came - 2), day(came), shipment,
    )  # fmt: skip


def test_the_same_content_is_the_same_command_and_other_content_another() -> None:
    made = [placing(order).key for lines in ([line("1")], [line("1")], [line("2")]) for order in orders_of(lines)]
    assert made[0] == made[1] != made[2]
    assert all(len(key) <= 64 for key in made)


def test_a_command_of_another_enterprise_is_another_command() -> None:
    assert command("a", "ConfirmOrder", {"number": "1"}).key != command("b", "ConfirmOrder", {"number": "1"}).key


def test_one_number_under_two_sellers_is_two_orders() -> None:
    found = orders_of([line("1", seller="s"), line("2", seller="t"), line("3", order="9")])
    assert len({(order.buyer, order.number) for order in found}) == 3


def test_a_long_order_is_placed_in_portions_with_every_line_once() -> None:
    (order,) = orders_of([line(str(number)) for number in range(2 * COMMAND_LINES_MAX + 1)])
    sent = [placing(order), *adding(order)]
    assert [one.name for one in sent] == ["PlaceOrder", "AddLines", "AddLines"]
    numbers = [entry["line"] for one in sent for entry in one.body["lines"]]
    assert numbers == [str(number) for number in range(2 * COMMAND_LINES_MAX + 1)]


def test_lines_that_came_on_two_days_are_two_shipments() -> None:
    orders = orders_of([line("1"), line("2"), line("3", came=25)])
    found = shipments_of(orders)
    assert sorted((one.id, len(one.lines)) for one in found) == [("a", 2), ("a.2", 1)]
    assert {planning(one).body["lines"][0]["flow_key"] for one in found} == {"flow/b/1/1", "flow/b/1/3"}


def test_shipping_and_receiving_name_no_lines_so_that_said_again_they_add_nothing() -> None:
    (shipment,) = shipments_of(orders_of([line("1")]))
    assert "lines" not in shipping(shipment).body
    assert "lines" not in receiving(shipment).body
    assert "lines" not in confirming(shipment.order).body


def test_windows_hold_everything_once_in_order_and_no_longer_than_a_quarter() -> None:
    lines = [
        line("1", order=str(number), shipment=str(number), placed=number, came=number + 30) for number in range(1, 200)
    ]
    orders = orders_of(lines)
    found = windows(orders, shipments_of(orders))
    assert [order for one in found for order in one.placed] == orders
    assert len([shipment for one in found for shipment in one.received]) == len(orders)
    assert all((one.last - one.first).days <= WINDOW_DAYS_MAX for one in found)
    assert all(before.last < after.first for before, after in itertools.pairwise(found))
    at = {order.number: index for index, one in enumerate(found) for order in one.placed}
    assert all(at[shipment.order.number] <= index for index, one in enumerate(found) for shipment in one.shipped)


def test_batches_are_bounded_and_lose_nothing() -> None:
    commands = [command("b", "X", {"n": number}) for number in range(BATCH_COMMANDS_MAX * 2 + 3)]
    found = list(batches(commands))
    assert [one for batch in found for one in batch] == commands
    assert max(map(len, found)) <= BATCH_COMMANDS_MAX
