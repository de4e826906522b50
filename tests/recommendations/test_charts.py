import xml.etree.ElementTree as ET
from datetime import date

from recsys.recommendations.charts import COLOURS, Interval, Point, bars, intervals, lines

MONDAY, TUESDAY = date(2024, 3, 4), date(2024, 3, 5)


def test_bars_are_as_long_as_their_values() -> None:
    drawn = ET.fromstring(bars([("a <b>", 4.0, "4"), ("c", 1.0, "1"), ("none", 0.0, "0")]))
    assert [rect.get("width") for rect in drawn.iter("rect")] == ["320.0", "80.0", "0.0"]
    assert "a <b>" in [text.text for text in drawn.iter("text")]


def test_logarithmic_bars_keep_small_values_visible() -> None:
    drawn = ET.fromstring(bars([("all", 999_999.0, ""), ("few", 9.0, "")], logarithmic=True))
    assert [rect.get("width") for rect in drawn.iter("rect")] == ["320.0", "53.3"]


def test_a_line_runs_from_the_first_day_to_the_last_with_its_interval() -> None:
    points = [Point(MONDAY, 0.5, 0.4, 0.6), Point(TUESDAY, 1.0, 0.9, 1.0)]
    drawn = ET.fromstring(lines([("for_you", points)]))
    (line,) = drawn.iter("polyline")
    assert line.get("points") == "48.0,103.0 628.0,10.0"
    (band,) = drawn.iter("polygon")
    assert len((band.get("points") or "").split()) == 4
    assert "for_you 1" in [text.text for text in drawn.iter("text")]


def test_one_day_and_no_day() -> None:
    drawn = ET.fromstring(lines([("for_you", [Point(MONDAY, 0.0, 0.0, 0.0)]), ("discover", [Point(MONDAY, 1.0)])]))
    assert len(list(drawn.iter("circle"))) == 2
    assert lines([]) == lines([("for_you", [])]) == ""


def test_intervals_share_a_scale_and_show_what_fails() -> None:
    rows = [Interval("good", 0.5, 0.0, 1.0, -0.1), Interval("bad <b>", -0.5, -1.0, -0.2, -0.1, passed=False)]
    drawn = ET.fromstring(intervals(rows))
    nought, *others = drawn.iter("line")
    assert nought.get("x1") == "418.0"
    assert [(line.get("x1"), line.get("x2")) for line in others if line.get("class") is None] == [
        ("418.0", "568.0"),
        ("268.0", "388.0"),
    ]
    assert {line.get("x1") for line in others if line.get("class") == "limit"} == {"403.0"}
    assert [dot.get("fill") for dot in drawn.iter("circle")] == [COLOURS[0], COLOURS[-1]]
    assert "bad <b>" in [text.text for text in drawn.iter("text")]
    assert intervals([]) == ""
