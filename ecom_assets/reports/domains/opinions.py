"""Feedback: how customers rated, what mood their words were in, and where the two contradict."""

from ecom_assets.reports.analysis import Analysis, Reader, count, percent


def feedback(reader: Reader) -> Analysis:
    """Stars and mood by day and source, and contradictions."""
    reader.require("kpi.feedback_sentiment", "user_feedback")
    first, last, pieces, mean, low, mood, contradictions = reader.row(
        """
        select
            min(business_date), max(business_date), sum(feedback), sum(rating_sum) / nullif(sum(rated), 0),
            sum(low_ratings) / nullif(sum(rated), 0), sum(polarity_sum)::double / nullif(sum(texts), 0),
            sum(contradictions) / nullif(sum(comparable_texts), 0)
        from kpi.feedback_sentiment where dimension = 'all'
        """
    )
    sentences = [
        f"From {first} to {last} customers gave {count(pieces)} pieces of feedback: "
        f"{'no stars' if mean is None else f'{float(mean):.2f} stars on average'}, {percent(low)} of them 1 or 2.",
    ]
    if mood is not None:
        sentences.append(f"The mood of their words is {float(mood):+.2f} on a scale from -1 to 1.")
    if contradictions is not None:
        sentences.append(f"In {percent(contradictions)} of the texts with clear stars the words contradict them.")
    return Analysis(
        "feedback",
        "Feedback",
        tuple(sentences),
        (
            reader.table("By source", _by("source")),
            reader.table("By stars", _by("rating")),
            reader.table(
                "Contradictions, latest first",
                "select business_date, feedback_id, rating as stars, polarity from kpi.feedback_polarity "
                "where is_contradiction order by business_date desc, abs(polarity) desc, feedback_id limit 10",
            ),
            reader.statistics("user_feedback"),
        ),
        (
            reader.chart(
                "stars",
                "Mean stars of the day",
                "select business_date, rating_mean as stars from kpi.feedback_sentiment "
                "where dimension = 'all' order by 1",
                "stars",
            ),
            reader.chart(
                "mood",
                "Mood of the words, by the stars beside them",
                f"select rating, mood from ({_by('rating')}) where rating <> 'none' order by rating",
                "polarity",
                "columns",
            ),
            reader.chart(
                "ratings",
                "How often each number of stars was given",
                f"select rating, feedback from ({_by('rating')}) where rating <> 'none' order by rating",
                "pieces",
                "columns",
            ),
        ),
    )


def _by(dimension: str) -> str:
    return (
        f"select member as {dimension}, sum(feedback)::bigint as feedback, "
        "round(sum(rating_sum) / nullif(sum(rated), 0), 2) as stars, "
        "round(sum(polarity_sum)::double / nullif(sum(texts), 0), 3) as mood, "
        "round(sum(contradictions) / nullif(sum(comparable_texts), 0), 4) as contradiction_rate "
        f"from kpi.feedback_sentiment where dimension = '{dimension}' group by member order by feedback desc, 1"
    )
