-- One row per line of an invoice that is no cancellation.
select
    source_file,
    source_line,
    invoice as order_id,
    line_number,
    product_id,
    line_type,
    invoice_time as ordered_at,
    quantity_text as quantity,
    price_text as unit_price_amount
from lines
where not is_cancellation
