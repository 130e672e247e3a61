-- One row per piece of feedback that has a text, as it is scored by `ecom_assets.text`.
select
    feedback_id,
    business_date,
    rating,
    feedback_text
from clean.user_feedback
where business_date between $from_day and $to_day and feedback_text is not null
