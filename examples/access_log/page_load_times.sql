-- One row per page that a person got. The server's time is all that a log knows of the wait.
select
    source_file,
    source_line,
    occurred_at,
    path as page_path,
    device,
    took_ms as load_time_ms
from requests
where method = 'GET' and service = 'pages' and status between '200' and '399' and not is_machine
