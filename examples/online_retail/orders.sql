-- One row per invoice that is no cancellation; without a customer it is a guest's.
select
    source_file,
    min(source_line) as source_line,
    invoice as order_id,
    max(customer_id) as customer_id,
    arg_min(invoice_time, source_line) as ordered_at,
    'paid' as status,
    'web' as placed_by,
    max(country) as country
from lines
where not is_cancellation and invoice is not null and invoiced_at is not null
group by source_file, invoice
