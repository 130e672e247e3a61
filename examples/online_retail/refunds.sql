-- One row per line of a cancellation, on the cancellation's own day: the export does not say which sale it undoes.
with priced as (
    select
        *,
        -- What cannot be multiplied stays visible as text, and is rejected as unreadable money.
        coalesce(
            cast(cast(-quantity * price as decimal(18, 4)) as varchar),
            coalesce(quantity_text, 'no quantity') || ' x ' || coalesce(price_text, 'no price')
        ) as amount
    from lines
    where is_cancellation
)

select
    source_file,
    source_line,
    invoice || '-' || line_number as refund_id,
    product_id,
    customer_id,
    invoice_time as refunded_at,
    case when line_type in ('product', 'shipping') then 'cancellation' else 'adjustment' end as kind,
    case when line_type = 'shipping' then '0' else amount end as goods_amount,
    case when line_type = 'shipping' then amount else '0' end as shipping_amount
from priced
