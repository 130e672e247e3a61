-- One row per line of the export: codes in one spelling, numbers as numbers, and what kind of line it is.
-- An invoice is expected whole in one file: its lines are numbered in the file's order, because the export has no
-- line numbers and equal lines in one invoice are different sales.
with spelled as (
    select
        source_file,
        source_line,
        nullif(upper(trim(InvoiceNo)), '') as invoice,
        nullif(upper(trim(StockCode)), '') as stock_code,
        nullif(trim(Description), '') as description,
        Quantity as quantity_text,
        UnitPrice as price_text,
        InvoiceDate as date_text,
        try_cast(Quantity as decimal(18, 4)) as quantity,
        try_cast(UnitPrice as decimal(18, 4)) as price,
        try_cast(InvoiceDate as timestamp) as invoiced_at,
        nullif(trim(CustomerID), '') as customer_id,
        nullif(nullif(trim(Country), ''), 'Unspecified') as country
    from staged
),

coded as (
    select
        *,
        starts_with(coalesce(invoice, ''), 'C') as is_cancellation,
        case
            when stock_code in ('POST', 'DOT', 'C2', 'C3') then 'shipping'
            when stock_code = 'D' then 'discount'
            when stock_code in ('AMAZONFEE', 'BANK CHARGES', 'CRUK') then 'fee'
            when stock_code like 'GIFT%' then 'gift_card'
            when stock_code in ('M', 'S', 'B') or stock_code like 'ADJUST%' or stock_code like 'TEST%' then 'adjustment'
            -- Words are bookings, not goods; PADS and the DCGS range are goods all the same.
            when not regexp_matches(stock_code, '[0-9]') and stock_code <> 'PADS' and stock_code not like 'DCGS%'
                then 'adjustment'
        end as booking
    from spelled
)

select
    *,
    row_number() over (partition by source_file, invoice order by source_line) as line_number,
    -- One time an invoice: a few take a minute to be written. A line whose own time is unreadable keeps that text.
    case
        when invoiced_at is null then date_text
        else cast(min(invoiced_at) over (partition by source_file, coalesce(invoice, cast(source_line as varchar))) as varchar)
    end as invoice_time,
    case
        when booking is not null then booking
        -- Bad debt, and stock that is written off or given away: no sale of a product.
        when starts_with(invoice, 'A') or (not is_cancellation and (price <= 0 or quantity <= 0)) then 'adjustment'
        else 'product'
    end as line_type,
    case when booking is null then stock_code end as product_id
from coded
