-- One row per day, dimension and member.
with
days as (
    select business_date from lineage.accepted_days where asset = 'clean/user_feedback'
),

pieces as (
    select
        feedback.business_date,
        feedback.source,
        feedback.rating,
        polarity.polarity,
        polarity.is_contradiction
    from clean.user_feedback as feedback
    left join kpi.feedback_polarity as polarity using (feedback_id)
),

by_member as (
    select
        business_date,
        case
            when grouping(source) = 0 then 'source'
            when grouping(rating) = 0 then 'rating'
            else 'all'
        end as dimension,
        if(dimension = 'all', 'all', coalesce(source, rating::varchar, 'none')) as member,
        count(*) as feedback,
        count(rating) as rated,
        sum(rating)::bigint as rating_sum,
        count(*) filter (rating <= 2) as low_ratings,
        count(polarity) as texts,
        sum(polarity::decimal(18, 8)) as polarity_sum,
        count(is_contradiction) as comparable_texts,
        count(*) filter (is_contradiction) as contradictions
    from pieces
    group by grouping sets ((business_date), (business_date, source), (business_date, rating))
),

final as (
    select
        business_date,
        coalesce(dimension, 'all') as dimension,
        coalesce(member, 'all') as member,
        coalesce(feedback, 0) as feedback,
        coalesce(rated, 0) as rated,
        coalesce(rating_sum, 0) as rating_sum,
        round(rating_sum / nullif(rated, 0), 8)::decimal(18, 8) as rating_mean,
        coalesce(low_ratings, 0) as low_ratings,
        coalesce(texts, 0) as texts,
        coalesce(polarity_sum, 0)::decimal(18, 8) as polarity_sum,
        round(polarity_sum::double / nullif(texts, 0), 8)::decimal(18, 8) as polarity_mean,
        coalesce(comparable_texts, 0) as comparable_texts,
        coalesce(contradictions, 0) as contradictions,
        round(contradictions / nullif(comparable_texts, 0), 8)::decimal(18, 8) as contradiction_rate
    from days
    left join by_member using (business_date)
)

select * from final
