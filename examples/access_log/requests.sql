-- One row per line of the combined format; a line of another form is left out and so quarantined.
-- Quotes inside a quoted field are escaped by both servers; a request that was no HTTP has neither method nor path.
with split as (
    select
        source_file,
        source_line,
        regexp_extract(
            line,
            '^\S+ \S+ .*?\[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (?:\d+|-) "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)"'
            || '(?: "(?:[^"\\]|\\.)*")*(?: (?:rt=)?(\d+(?:\.\d+)?|-))?\s*$',
            ['time', 'request', 'status', 'agent', 'took']
        ) as part
    from staged
),

typed as (
    select
        source_file,
        source_line,
        try_strptime(part.time, '%d/%b/%Y:%H:%M:%S %z') as occurred_at,
        regexp_extract(part.request, '^([A-Z]+) (\S+)', ['method', 'target']) as asked,
        part.status,
        lower(part.agent) as agent,
        part.took
    from split
    where part.status <> ''
),

described as (
    select
        source_file,
        source_line,
        strftime(timezone('UTC', occurred_at), '%Y-%m-%dT%H:%M:%SZ') as occurred_at,
        nullif(asked.method, '') as method,
        -- Proxies ask for whole addresses: what follows the host is the path.
        nullif(regexp_replace(split_part(split_part(asked.target, '?', 1), '#', 1), '^https?://[^/]*', ''), '') as path,
        status,
        case
            when contains(took, '.') then round(took::double * 1000, 3)
            else round(try_cast(took as double) / 1000, 3)
        end as took_ms,
        regexp_matches(agent, 'bot|crawl|spider|slurp|feed|curl|wget|python|java/|monitor|preview') or agent in ('', '-')
            as is_machine,
        case
            when regexp_matches(agent, 'ipad|tablet') then 'tablet'
            when regexp_matches(agent, 'mobi|iphone|android') then 'mobile'
            when agent in ('', '-') then 'unknown'
            else 'desktop'
        end as device
    from typed
    where occurred_at is not null
)

select
    *,
    case
        when path is null then 'unknown'
        when regexp_matches(path, '^/(api|graphql)(/|$)') then 'api'
        when regexp_matches(
            lower(path),
            '\.(css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|otf|eot|mp[34]|webm|ogg|pdf|zip|gz|tgz|rar|xml|rss|json|txt)$'
        )
            then 'static'
        else 'pages'
    end as service
from described
