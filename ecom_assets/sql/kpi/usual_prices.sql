-- One row per month and product sold in the month before: what a unit of it usually cost then.
-- The lower median of all lines: a price that was really asked, which neither a day of mistaken prices nor a dealer's
-- large order moves. Of the month before, so that a price that changes today does not rewrite what was usual.
with final as (
    select
        (date_trunc('month', business_date) + interval 1 month)::date as month_start_date,
        product_id,
        quantile_disc(unit_price_amount, 0.5) as usual_price_amount,
        count(*) as order_lines
    from clean.order_items
    where line_type = 'product'
        and product_id is not null
        and quantity > 0
        and unit_price_amount > 0
    group by date_trunc('month', business_date), product_id
)

select * from final
order by month_start_date, product_id
