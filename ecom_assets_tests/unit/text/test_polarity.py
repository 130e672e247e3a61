"""Polarity of texts: against the lexicon's rules by hand, and against people on real reviews."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ecom_assets.text import CLEAR_POLARITY, contradicts, feedback_polarity, polarity
from ecom_assets_tests.shared import shared_data


def test_polarity_of_single_words_is_the_lexicon_entry():
    # "excellent" 1.0, "terrible" -1.0, "good" 0.7; a negation halves and turns, "very" adds 30 %.
    found = polarity(["excellent", "terrible", "good", "not good", "very good"])
    assert found == pytest.approx([1.0, -1.0, 0.7, -0.35, 0.91])


def test_text_without_known_words_is_neutral_and_no_text_is_no_number():
    found = polarity(["zxqv wert", "", "   ", None])
    assert found[0] == 0
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize(
    ("mood", "stars", "expected"),
    [
        (CLEAR_POLARITY, 1, True),
        (CLEAR_POLARITY, 2, True),
        (CLEAR_POLARITY - 0.01, 1, False),
        (-CLEAR_POLARITY, 5, True),
        (-CLEAR_POLARITY, 4, True),
        (-CLEAR_POLARITY + 0.01, 5, False),
        (0.9, 5, False),
        (-0.9, 1, False),
        (0.9, 3, None),
        (0.9, None, None),
        (np.nan, 1, None),
    ],
)
def test_contradiction_needs_a_clear_mood_and_clear_stars(mood, stars, expected):
    [found] = contradicts(pd.Series([mood]), pd.Series([stars], dtype="Int64"))
    assert (None if found is pd.NA else bool(found)) == expected


def test_feedback_polarity_keeps_texts_only_and_leaves_its_input_alone():
    day = date(2025, 3, 1)
    feedback = pd.DataFrame(
        {
            "feedback_id": ["f1", "f2", "f3", "f4"],
            "business_date": [day] * 4,
            "rating": pd.array([1, 5, None, 3], dtype="Int64"),
            "feedback_text": ["excellent, wonderful", None, "terrible", "excellent"],
        }
    )
    before = feedback.copy()
    found = feedback_polarity(feedback)
    assert found["feedback_id"].tolist() == ["f1", "f3", "f4"]
    assert found["is_contradiction"].astype(object).tolist() == [True, pd.NA, pd.NA]
    assert found["polarity"].tolist() == [1.0, -1.0, 1.0]
    pd.testing.assert_frame_equal(feedback, before)


def test_no_feedback_gives_an_empty_table():
    empty = pd.DataFrame({"feedback_id": [], "business_date": [], "rating": [], "feedback_text": []})
    assert feedback_polarity(empty).empty


def test_polarity_agrees_with_people_on_real_reviews():
    reviews = pd.read_csv(
        shared_data("review_snippets") / "amazon_snippets.tsv", sep="\t", names=["id", "score", "text"], quoting=3
    )
    moods = polarity(reviews["text"])
    assert len(reviews) == 900
    # About .51 on the published whole of which these are 900 sentences; .49 on them.
    assert np.corrcoef(reviews["score"], moods)[0, 1] == pytest.approx(0.5, abs=0.03)
    is_clear = (np.abs(moods) >= CLEAR_POLARITY) & (reviews["score"].abs() >= 1)
    is_right = np.sign(moods) == np.sign(reviews["score"])
    assert is_right[is_clear].mean() > 0.84
