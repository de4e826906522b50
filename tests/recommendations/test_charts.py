import xml.etree.ElementTree as ET
from datetime import date

from recsys.recommendations.charts import Point, bars, lines

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
