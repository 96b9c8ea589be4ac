"""`manage.py backtest`: a table that adds up, a page that needs nothing else, refusals that say what to do."""

import re
from html.parser import HTMLParser

import pytest
from django.core.management import CommandError, call_command

from apps.marketdata import datasets

pytestmark = pytest.mark.django_db
GOOGL = ["--instrument", "GOOGL", "--timeframe", "1d"]


@pytest.fixture(autouse=True)
def _candles(db):
    datasets.install()


def run(capsys, *arguments):
    call_command("backtest", *arguments)
    return capsys.readouterr().out


def figure(out, name):
    return re.search(rf"^  {re.escape(name)} +(.*)$", out, re.MULTILINE).group(1)


def test_the_table_tells_everything_and_adds_up(capsys):
    out = run(
        capsys, "sma_cross", *GOOGL, "--from", "2012-01-01", "--to", "2017-01-01", "--param", "fast=5", "--size", "50"
    )
    assert figure(out, "Strategy") == "sma_cross (fast 5, slow 50)"
    assert figure(out, "Traded").startswith("GOOGL 1d, 1,258 candles")  # the exchange's days of five years
    assert figure(out, "Period") == "2012-01-03 00:00 to 2016-12-31 00:00 UTC"
    assert figure(out, "Candles in a year") == "252"
    final, initial = (float(word.replace(",", "")) for word in figure(out, "Final equity").split(" of "))
    total = float(figure(out, "Total return").removesuffix(" %").replace(",", ""))
    assert total == pytest.approx((final / initial - 1) * 100, abs=0.01)
    exits = [float(word.replace(",", "")) for word in re.findall(r"PnL ([+-][\d,.]+)", out)]
    assert sum(exits) == pytest.approx(final - initial, abs=0.03)
    for title in ("Performance", "Trades", "Exits", "Deepest drawdowns", "How far to believe it"):
        assert f"\n{title}\n" in out
    for check in ("look ahead", "warm up", "missing bars", "stale fills", "sample size", "chance"):
        assert check in out


def test_the_same_command_twice_says_the_same(capsys):
    arguments = ["macd", "--instrument", "EUR/USD", "--timeframe", "1h", "--from", "2017-02-01", "--direction", "both"]
    assert run(capsys, *arguments) == run(capsys, *arguments)


def test_as_live_trades_through_the_window(capsys):
    arguments = ["rsi", "--instrument", "EUR/USD", "--timeframe", "1h", "--from", "2017-09-01", "--to", "2017-10-01"]
    long = ["--param", "period=150", "--param", "oversold=49", "--param", "overbought=51"]
    whole, live = run(capsys, *arguments, *long), run(capsys, *arguments, *long, "--as-live")
    assert "careful: warm up" in whole
    assert figure(whole, "Final equity") != figure(live, "Final equity")
    assert run(capsys, *arguments) == run(capsys, *arguments, "--as-live")


def test_several_instruments_share_the_account(capsys):
    arguments = ["sma_cross", "--timeframe", "1d", "--instrument", "GOOGL", "--from", "2012-01-01", "--size", "90"]
    with pytest.raises(CommandError, match="no 1d candles of EUR/USD"):
        run(capsys, *arguments, "--instrument", "EUR/USD")
    with pytest.raises(CommandError, match="each --instrument once"):
        run(capsys, *arguments, "--instrument", "GOOGL")


class Page(HTMLParser):
    """What a page is made of: its tags, and every address that it names."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "xlink:href", "data")]


def test_the_page_holds_all_and_needs_no_network(capsys, tmp_path):
    path = tmp_path / "report.html"
    out = run(capsys, "sma_cross", *GOOGL, "--from", "2012-01-01", "--plot", str(path))
    assert f"The report is in {path}" in out
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.addresses == []
    assert "script" not in page.tags
    assert "url(" not in text
    assert "@import" not in text
    assert page.tags.count("svg") == 3
    assert page.tags.count("polyline") == 3  # the price, the equity, and buying and holding
    trades = int(re.match(r"(\d+)", figure(out, "Closed trades")).group(1))
    trades += int(re.search(r"(\d+) still open", out).group(1)) if "still open" in figure(out, "Closed trades") else 0
    body = text.split("<h2>Trades")[-1]
    assert body.count("<tr>") == trades + 1
    assert figure(out, "Sharpe, Sortino") in text
    assert "2012" in text.split("<h2>Months")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["sma_cross", *GOOGL, "--from", "1999-01-01", "--to", "1999-02-01"],
            "import them with manage.py import_candles",
        ),
        (["sma_cross", *GOOGL, "--from", "2017-02-01", "--to", "2017-01-01"], "is not before"),
        (["sma_cross", "--instrument", "NOPE", "--timeframe", "1d"], "There is no instrument 'NOPE'"),
        (["sma_cross", *GOOGL, "--param", "speed=3"], "sma_cross has no parameter speed; it has fast, slow"),
        (["sma_cross", *GOOGL, "--param", "fast=60"], "fast 60 must be below slow 50"),
        (["sma_cross", *GOOGL, "--param", "fast"], "is not of the form"),
        (["sma_cross", *GOOGL, "--commission", "50"], "commission is a share"),
        (["sma_cross", *GOOGL, "--cash", "0"], "initial cash must be above 0"),
        (["sma_cross", *GOOGL, "--from", "soon"], "is no time"),
        (["sma_cross", *GOOGL, "--plot", "/nowhere/report.html"], "Choose another --plot"),
        (["martingale", *GOOGL], "invalid choice"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(arguments, words):
    with pytest.raises(CommandError, match=re.escape(words)) as caught:
        call_command("backtest", *arguments)
    assert "\n" not in str(caught.value)


def test_conditions_are_read_from_a_file(capsys, tmp_path):
    rules = tmp_path / "mine.json"
    rules.write_text(
        '{"entry_long": {"conditions": [{"left": "close", "is": "crosses_above", "right": {"indicator": "sma"}}]}}'
    )
    out = run(capsys, "conditions", *GOOGL, "--param", f"rules=@{rules}")
    assert figure(out, "Strategy") == "conditions (rules its own)"
    rules.write_text('{"entry_long": {}}')
    with pytest.raises(CommandError, match="entry_long or entry_short needs a condition"):
        run(capsys, "conditions", *GOOGL, "--param", f"rules=@{rules}")
    for word, fault in ((f"rules=@{tmp_path}/none.json", "cannot be read"), ("rules=@/dev/null", "not of the form")):
        with pytest.raises(CommandError, match=fault):
            run(capsys, "conditions", *GOOGL, "--param", word)
