-- One row per known customer, with the country of the last invoice in the file.
select
    source_file,
    min(source_line) as source_line,
    customer_id,
    arg_max(country, source_line) as country
from lines
where customer_id is not null
group by source_file, customer_id
