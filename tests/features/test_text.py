"""Texts of every script, empty, broken and endless ones: cleaned, taken apart, weighed."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.features.text import clean_text, grams, item_text, tfidf


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (None, ""),
        ("", ""),
        (" \t\n ", ""),
        ("<b>Fresh</b> milk<br/>1&nbsp;l &amp; more", "Fresh milk 1 l & more"),
        ("<script>alert('x')</script>Tea", "Tea"),
        ("3 < 5 and 7 > 6", "3 < 5 and 7 > 6"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("zero\u200bwidth\x00null", "zero width null"),
        ("\u202bשלום עולם\u202c", "שלום עולם"),
        ("牛奶巧克力 🎉", "牛奶巧克力 🎉"),
    ],
)
def test_clean_text(text: str | None, clean: str) -> None:
    assert clean_text(text, 100) == clean


def test_long_texts_are_cut() -> None:
    assert len(clean_text("long " * 2_000, 1_000)) <= 1_000
    assert clean_text("<p>" * 10_000 + "end", 50) == ""


def test_item_text_says_nothing_twice() -> None:
    assert item_text("Milk", "Milk, fresh from the cow", 100) == "Milk, fresh from the cow"
    assert item_text("Milk", "From the cow", 100) == "Milk. From the cow"
    assert item_text("Milk", None, 100) == "Milk"
    assert item_text(None, "From the cow", 100) == "From the cow"


def test_words_and_edges_in_spaced_scripts() -> None:
    found = list(grams("Oat milk"))
    assert [gram for gram in found if gram.startswith("w:")] == ["w:oat", "w:milk"]
    assert {"c: oat", "c:oat ", "c:ilk "} <= set(found)


@pytest.mark.parametrize("text", ["牛奶巧克力", "チョコレート", "นมสดพาสเจอร์ไรส์", "초콜릿우유"])
def test_scripts_without_spaces_give_characters_and_pairs(text: str) -> None:
    found = set(grams(text))
    assert not any(gram.startswith("w:") for gram in found)
    assert f"c:{text[:2]}" in found
    assert f"c:{text[0]}" in found


def test_likeness_in_any_script() -> None:
    texts = [
        "牛奶巧克力",
        "黑巧克力",
        "洗发水",
        "whole milk",
        "milk whole",
        "shampoo",
        "",
        "🎉",
        "שוקולד חלב",
        "שוקולד מריר",
    ]
    matrix = tfidf(texts, 2)
    near = (matrix @ matrix.T).toarray()
    assert near[0, 1] > near[0, 2]
    assert near[3, 4] == pytest.approx(1.0, abs=1e-6)
    assert near[3, 5] == 0
    assert near[8, 9] > 0.1
    assert not near[6].any() and not near[7].any()
    assert np.allclose(near.diagonal()[[0, 1, 2, 3, 4, 5, 8, 9]], 1.0, atol=1e-5)


def test_no_texts_at_all() -> None:
    assert tfidf([], 2).shape == (0, 1)
    assert tfidf(["", ""], 2).nnz == 0
