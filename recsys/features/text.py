"""Texts of items: cleaned, taken apart into words and character n-grams, weighed by TF-IDF.

Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese are written without spaces between words, or their words are
built of few characters: runs of these scripts are taken apart into single characters and pairs. Everything else gives
words and the 3- and 4-grams of each word with its edges.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator

import numpy as np
import scipy.sparse as sp

_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|</?[a-z!][^<>]{0,500}>", re.IGNORECASE | re.DOTALL)
_SPACE = re.compile(r"\s+")
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0002fa1f"
_RUN = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[^\W_])+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_LONGEST_WORD = 30


def clean_text(text: str | None, max_characters: int) -> str:
    """`text` without tags, entities, control characters and double spaces, cut to `max_characters`; null: ''."""
    if not text:
        return ""
    # Cut before the work too: a description of a megabyte costs no more than one that is used whole.
    part = text[: 20 * max_characters]
    if len(part) < len(text) and part.rfind("<") > part.rfind(">"):
        part = part[: part.rfind("<")]
    plain = html.unescape(_TAG.sub(" ", part))
    plain = unicodedata.normalize("NFKC", plain)
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") else c for c in plain)
    return _SPACE.sub(" ", plain).strip()[:max_characters].strip()


def item_text(title: str | None, description: str | None, max_characters: int) -> str:
    """Title and description as one text; a description that begins with the title does not say it twice."""
    name, told = clean_text(title, max_characters), clean_text(description, max_characters)
    if told.lower().startswith(name.lower()):
        return told
    return f"{name}. {told}"[:max_characters] if told else name


def grams(text: str) -> Iterator[str]:
    """Words (`w:`) and character n-grams (`c:`) of a cleaned text, each as often as it occurs."""
    for match in _RUN.finditer(text.lower()):
        run = match.group()
        if _IS_UNSPACED.match(run):
            yield from (f"c:{run[i : i + n]}" for n in (1, 2) for i in range(len(run) - n + 1))
            continue
        yield f"w:{run}"
        edged = f" {run[:_LONGEST_WORD]} "
        yield from (f"c:{edged[i : i + n]}" for n in (3, 4) for i in range(len(edged) - n + 1))


def tfidf(texts: Iterable[str], min_texts: int) -> sp.csr_matrix:
    """Texts x grams (f32), rows of length 1 (a text without grams: 0).

    A gram weighs (1 + log count) * (1 + log((1 + n) / (1 + texts with it))) among n texts. Grams of fewer than
    `min_texts` texts are left out, except in a text that has no others.
    """
    codes: dict[str, int] = {}
    counts: list[dict[int, int]] = []
    for text in texts:
        own: dict[int, int] = {}
        for gram in grams(text):
            code = codes.setdefault(gram, len(codes))
            own[code] = own.get(code, 0) + 1
        counts.append(own)
    lengths = np.array([len(own) for own in counts], np.int64)
    columns = np.fromiter((code for own in counts for code in own), np.int64, int(lengths.sum()))
    values = np.fromiter((count for own in counts for count in own.values()), np.float32, int(lengths.sum()))
    shape = (len(counts), max(len(codes), 1))
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    matrix = sp.csr_matrix((1 + np.log(values), columns, indptr), shape=shape)
    matrix.sort_indices()
    return _weighed(matrix, min_texts)


def _weighed(matrix: sp.csr_matrix, min_texts: int) -> sp.csr_matrix:
    frequency = np.bincount(matrix.indices, minlength=matrix.shape[1])
    weight = np.log((1 + matrix.shape[0]) / (1 + frequency)) + 1
    common = np.where(frequency >= min_texts, weight, 0.0)
    kept = unit_rows(matrix @ sp.diags(common))
    lonely = np.flatnonzero((np.diff(matrix.indptr) > 0) & (np.diff(kept.indptr) == 0))
    if len(lonely):
        rest = sp.diags(np.isin(np.arange(matrix.shape[0]), lonely).astype(np.float64)) @ matrix @ sp.diags(weight)
        kept = (kept + unit_rows(rest)).tocsr()
    used = np.flatnonzero(np.bincount(kept.indices, minlength=kept.shape[1]))
    return kept[:, used].astype(np.float32) if len(used) else kept[:, :1].astype(np.float32)


def unit_rows(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """`matrix` with rows of length 1; empty rows stay empty; stored zeros are dropped."""
    matrix = sp.csr_matrix(matrix)
    matrix.eliminate_zeros()
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return sp.csr_matrix(sp.diags(scale) @ matrix)
