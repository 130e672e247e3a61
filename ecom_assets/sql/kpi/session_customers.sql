-- One row per session whose customer is known.
with
visits as (
    select business_date, session_id, visitor_id, started_at, customer_id
    from kpi.sessions
    where is_start and not is_bot
),

identified as (
    select distinct visitor_id from visits where visitor_id is not null and customer_id is not null
),

of_identified as (
    select
        business_date,
        session_id,
        visitor_id,
        customer_id,
        last_value(customer_id ignore nulls) over (
            partition by visitor_id order by started_at, session_id
            rows between unbounded preceding and current row
        ) as known_before,
        first_value(customer_id ignore nulls) over (
            partition by visitor_id order by started_at, session_id
            rows between current row and unbounded following
        ) as known_after
    from visits
    semi join identified using (visitor_id)
),

final as (
    select
        session_id,
        business_date,
        visitor_id,
        coalesce(customer_id, known_before, known_after) as customer_id,
        customer_id is null as is_stitched
    from of_identified
    union all
    select session_id, business_date, visitor_id, customer_id, false as is_stitched
    from visits
    where visitor_id is null and customer_id is not null
)

select * from final
