-- One row per cohort (calendar month of the first order) and age in calendar months, up to the month at hand.
with days as (
    select
        max(business_date) as last_day,
        date_trunc('month', max(business_date))::date as last_month_date
    from lineage.sales_days
),

customer_months as (
    select
        customer_id,
        date_trunc('month', first_order_date)::date as cohort_start_date,
        date_diff('month', first_order_date, business_date) as age_months,
        count(*) as orders,
        sum(ordered_amount) as ordered_amount
    from kpi.order_values
    where first_order_date >= coalesce($history_complete_from::date, first_order_date)
    group by all
),

cells as (
    select
        cohort_start_date,
        age_months,
        count(*) as active_customers,
        sum(orders) as orders,
        sum(ordered_amount) as ordered_amount
    from customer_months
    group by cohort_start_date, age_months
),

cohorts as (
    select
        cohort_start_date,
        active_customers as customers
    from cells
    where age_months = 0
),

grid as (
    select
        cohorts.cohort_start_date,
        ages.age_months,
        cohorts.customers,
        days.last_day >= last_day(cohorts.cohort_start_date) as is_cohort_finished,
        days.last_day >= last_day((cohorts.cohort_start_date + to_months(ages.age_months::integer))::date)
            as is_finished
    from cohorts
    cross join days
    cross join range(1200) as ages (age_months)
    where cohorts.cohort_start_date + to_months(ages.age_months::integer) <= days.last_month_date
),

final as (
    select
        grid.cohort_start_date,
        grid.age_months::bigint as age_months,
        grid.is_finished,
        case when grid.is_cohort_finished then grid.customers end::bigint as customers,
        case when grid.is_finished then coalesce(cells.active_customers, 0) end::bigint as active_customers,
        case when grid.is_finished then round(coalesce(cells.active_customers, 0) / grid.customers, 8) end
        ::decimal(18, 8) as retention_rate,
        case when grid.is_finished then coalesce(cells.orders, 0) end::bigint as orders,
        case when grid.is_finished then coalesce(cells.ordered_amount, 0) end::decimal(18, 4) as ordered_amount
    from grid
    left join cells using (cohort_start_date, age_months)
)

select * from final
order by cohort_start_date, age_months
