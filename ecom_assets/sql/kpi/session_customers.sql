-- One row per session whose customer is known.
with
visits as not materialized (
    select business_date, session_id, visitor_id, started_at, customer_id
    from kpi.sessions
    where is_start and not is_bot
),

identified as (
    select
        visitor_id,
        min(customer_id) as first_customer_id,
        max(customer_id) as last_customer_id
    from visits
    where visitor_id is not null and customer_id is not null
    group by visitor_id
),

-- Of almost every visitor one customer alone is known: their sessions need not be put in order.
of_one as (
    select
        visits.*,
        identified.first_customer_id as known_customer_id
    from visits
    inner join identified using (visitor_id)
    where identified.first_customer_id = identified.last_customer_id
),

of_several as (
    select
        visits.*,
        last_value(customer_id ignore nulls) over (
            partition by visitor_id order by started_at, session_id
            rows between unbounded preceding and current row
        ) as known_before,
        first_value(customer_id ignore nulls) over (
            partition by visitor_id order by started_at, session_id
            rows between current row and unbounded following
        ) as known_after
    from visits
    inner join identified using (visitor_id)
    where first_customer_id <> last_customer_id
),

found as (
    select session_id, business_date, visitor_id, customer_id, known_customer_id from of_one
    union all
    select session_id, business_date, visitor_id, customer_id, coalesce(known_before, known_after) from of_several
    union all
    select session_id, business_date, visitor_id, customer_id, null from visits where visitor_id is null
),

final as (
    select
        session_id,
        business_date,
        visitor_id,
        coalesce(customer_id, known_customer_id) as customer_id,
        customer_id is null as is_stitched
    from found
    where coalesce(customer_id, known_customer_id) is not null
)

select * from final
