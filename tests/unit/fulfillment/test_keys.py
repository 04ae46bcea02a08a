"""Keys of shipments that flows ask for: bounded, the same every time, never the same for two."""

from hypothesis import given
from hypothesis import strategies as st

from services.fulfillment.amounts import scaled
from services.fulfillment.keys import FlowKey, refuse_id, wanted_shipment_key

ids = st.text(st.sampled_from("ab-1~. "), min_size=1, max_size=12) | st.text(
    st.sampled_from("a-"), min_size=60, max_size=64
)
flows = st.tuples(ids, ids, ids).map(lambda parts: FlowKey("flow/" + "/".join(parts)))


@given(flows, flows, st.integers(1, 30), st.integers(1, 30))
def test_two_flows_or_numbers_never_share_a_shipment(one: FlowKey, other: FlowKey, n: int, m: int) -> None:
    assert (wanted_shipment_key("s", one, n) == wanted_shipment_key("s", other, m)) == ((one, n) == (other, m))


@given(flows, st.integers(1, 10**6))
def test_the_id_is_one(flow: FlowKey, n: int) -> None:
    _, seller, shipment = wanted_shipment_key("maker", flow, n).split("/")
    assert seller == "maker"
    assert refuse_id(shipment, "shipment") is None


def test_a_short_plain_id_reads_as_what_it_is_for() -> None:
    assert wanted_shipment_key("maker", FlowKey("flow/leader/4711/10"), 3) == "shipment/maker/leader-4711-10-3"


@given(st.integers(0, 999), st.integers(1, 999), st.integers(1, 999))
def test_a_total_scales_to_the_whole_and_never_beyond(part: int, of: int, to: int) -> None:
    from decimal import Decimal

    part = min(part, of)
    scaled_part = scaled(Decimal(part), Decimal(to), Decimal(of))
    assert scaled(Decimal(of), Decimal(to), Decimal(of)) == to
    assert 0 <= Decimal(part) * to / of - scaled_part < Decimal("0.00001")
