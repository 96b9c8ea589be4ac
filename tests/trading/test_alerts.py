"""Alerts in plain text: a template reads what has its form, whole and in one way, and nothing else."""

import pytest

from algotrendy.trading.alerts import AlertNotUnderstood, InvalidTemplate, alert_read, symbol_form, template_check

TEMPLATE = "{action} {symbol} at {price}"


def test_a_text_of_the_form_is_read_by_its_placeholders():
    assert alert_read(TEMPLATE, "buy BTCUSD at 100.5\n") == {"action": "buy", "symbol": "BTCUSD", "price": "100.5"}
    full = "{id}|{time}: {action} {quantity} of {symbol}, stop {stop_loss}, target {take_profit} (x)"
    text = "7f|2024-03-01T12:00:00Z: SELL 0.5 of BINANCE:BTCUSD, stop 110, target 90.25 (x)"
    assert alert_read(full, text) == {
        "id": "7f", "time": "2024-03-01T12:00:00Z", "action": "SELL", "quantity": "0.5", "symbol": "BINANCE:BTCUSD",
        "stop_loss": "110", "take_profit": "90.25",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "buy BTCUSD", "buy BTCUSD at", "buy BTCUSD at 100 now", "please buy BTCUSD at 100", "buy BTCUSD at 1e5",
        "buy BTCUSD at -100", "buy BTC USD at 100", "buy  BTCUSD at 100", "buy BTCUSD at \u0661\u0660\u0660",
        "buy BTCUSD AT 100", "buy BTCUSD at 100\nsell BTCUSD at 100",
    ],
)  # fmt: skip
def test_a_text_of_another_form_is_not_guessed_at(text):
    with pytest.raises(AlertNotUnderstood, match="not of the form"):
        alert_read(TEMPLATE, text)


def test_what_a_template_says_between_placeholders_is_no_pattern():
    assert alert_read("{action}.* {price}", "buy.* 5") == {"action": "buy", "price": "5"}
    with pytest.raises(AlertNotUnderstood):
        alert_read("{action}.* {price}", "buyxx 5")


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{symbol} at {price}", "must name {action}"),
        ("{action} {size}", "no placeholder {size}"),
        ("{action} {action}", "once"),
        ("{action}{symbol}", "between two placeholders"),
        ("{action} }{", "Braces"),
        ("{action}" + " " * 10 + "x" * 500, "at most 500 characters"),
    ],
)
def test_a_template_that_could_be_read_in_two_ways_is_refused(template, why):
    with pytest.raises(InvalidTemplate, match=why):
        template_check(template)


@pytest.mark.parametrize("written", ["BTC/USD", "BTCUSD", "BINANCE:BTCUSD", "btc-usd"])
def test_a_symbol_is_the_same_however_a_chart_writes_it(written):
    assert symbol_form(written) == "BTCUSD"
