-- One row per product: its last name and price in the file that belong to goods with a price.
-- Write-offs carry notes ("damaged", "?") or nothing where the name should be, and would replace it.
select
    source_file,
    min(source_line) as source_line,
    product_id,
    arg_max(description, source_line) as product_name,
    arg_max(price, source_line) as unit_price_amount
from lines
where product_id is not null and price > 0
group by source_file, product_id
