-- One row per request.
select
    source_file,
    source_line,
    occurred_at,
    service,
    path as endpoint,
    method,
    status as status_code,
    took_ms as response_time_ms
from requests
